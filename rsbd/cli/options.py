"""Options that several commands share, and what is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from rsbd.errors import InputError

if TYPE_CHECKING:
    from rich.progress import Progress, Task

    from rsbd.data import Dataset
    from rsbd.learners import Learner

DATA, ATTACK, DEFENCE, RUN = "Data", "Attack", "Defence", "Run"
PAIRS = {"digits": ["0", "1"], "mnist": ["1", "7"]}  # told apart unless others are asked for

DataSet: TypeAlias = Annotated[
    str, typer.Option(help="Data set; `rsbd data` lists them.", rich_help_panel=DATA)
]
Classes: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        help="Classes to tell apart, such as 1 7 (by default 0 1 of digits, 1 7 of mnist, else all).",
        rich_help_panel=DATA,
    ),
]
Rows: TypeAlias = Annotated[
    int | None, typer.Option(help="Training rows (all by default).", rich_help_panel=DATA)
]
Points: TypeAlias = Annotated[
    int | None, typer.Option(help="Test points (all by default).", rich_help_panel=DATA)
]
Alpha: TypeAlias = Annotated[
    float, typer.Option(help="Failure probability of the certificates.", rich_help_panel=DEFENCE)
]
AlphaFor: TypeAlias = Annotated[
    str,
    typer.Option(
        help="Whether alpha is for each point, or for all of them to hold at once.", rich_help_panel=DEFENCE
    ),
]
Seed: TypeAlias = Annotated[int, typer.Option(help="Seed of everything random.", rich_help_panel=RUN)]
Device: TypeAlias = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...", rich_help_panel=RUN)]


def dataset(
    name: str, view: str, classes: list[str] | None, rows: int | None, points: int | None, seed: int
) -> Dataset:
    """Load what was asked for; of some data sets, a pair of classes unless others are named."""
    from rsbd.data import load

    return load(name, view=view, classes=classes or PAIRS.get(name), rows=rows, points=points, seed=seed)


def learner(name: str) -> Learner:
    """Return the base learner of that name."""
    from rsbd.learners import LEARNERS

    if name not in LEARNERS:
        raise InputError(f"there is no learner {name!r}: choose {', '.join(LEARNERS)}")
    return LEARNERS[name]()


def check_writable(out: Path) -> None:
    """Find out before the work, not after it."""
    import tempfile

    if (out / "votes").is_symlink():
        raise InputError(
            f"{out / 'votes'} is a link, which may lead anywhere: delete it, or name another folder"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise InputError(
            f"--out {out} cannot be written to ({error.strerror}): name another folder"
        ) from None


def bar() -> Progress:
    """Return a progress bar on stderr, where it does not mix with the result: how far, how fast, how much longer."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.4g}/s")

    done = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*done, Rate(), TimeRemainingColumn(), console=Console(stderr=True), transient=True)
