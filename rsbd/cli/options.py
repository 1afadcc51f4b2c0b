"""Options that several commands share, and what is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
    str,
    typer.Option(
        help="digits, breast_cancer, mnist, fashion-mnist or cifar10; `rsbd data` says which are here.",
        metavar="NAME",
        rich_help_panel=DATA,
    ),
]
Classes: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        help="Classes to tell apart, such as 1 7 (by default 0 1 of digits, 1 7 of mnist, else all).",
        metavar="NAME...",
        rich_help_panel=DATA,
    ),
]
Rows: TypeAlias = Annotated[
    int | None,
    typer.Option(
        help="Training rows, drawn at random from each class (all by default).",
        metavar="N",
        rich_help_panel=DATA,
    ),
]
Points: TypeAlias = Annotated[
    int | None,
    typer.Option(
        help="Test points, drawn at random from each class (all by default).",
        metavar="N",
        rich_help_panel=DATA,
    ),
]
Alpha: TypeAlias = Annotated[
    float,
    typer.Option(
        help="Probability, between 0 and 1, that a certificate is wrong.",
        metavar="ALPHA",
        rich_help_panel=DEFENCE,
    ),
]
AlphaFor: TypeAlias = Annotated[
    str,
    typer.Option(
        help="each: alpha is for each point by itself; all: for all certificates to hold at once.",
        metavar="EACH|ALL",
        rich_help_panel=DEFENCE,
    ),
]
Seed: TypeAlias = Annotated[
    int, typer.Option(help="Seed of everything random, 0 or more.", metavar="N", rich_help_panel=RUN)
]
Device: TypeAlias = Annotated[
    str,
    typer.Option(
        help="cpu, cuda, cuda:1 ...; auto takes a CUDA GPU where there is one.",
        metavar="NAME",
        rich_help_panel=RUN,
    ),
]


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
        raise InputError(f"there is no learner {name!r}", f"choose {', '.join(LEARNERS)}")
    return LEARNERS[name]()


def check_writable(out: Path) -> None:
    """Find out before the work, not after it."""
    from rsbd.files import try_to_write

    if (out / "votes").is_symlink():
        raise InputError(f"{out / 'votes'} is a link, which may lead anywhere", "delete it, or name another folder")
    try:
        try_to_write(out)
    except OSError as error:
        raise InputError(f"--out {out} cannot be written to ({error.strerror})", "name another folder") from None


def path(name: str) -> Path:
    """Read an option that names a file or folder."""
    from rsbd.files import place

    try:
        return place(name)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None


def one_of(option: str, value: str, *choices: str) -> None:
    """Refuse what an option does not offer, under the name that the user typed."""
    if value not in choices:
        raise InputError(f"{option} is {value!r}", f"choose {' or '.join(choices)}")


@contextmanager
def interruptible(out: Path | None) -> Iterator[None]:
    """Say what is left of a run that Ctrl-C stops."""
    try:
        yield
    except KeyboardInterrupt:
        left = f"votes so far are kept in {out}" if out else "next time keep the votes with --out FOLDER"
        typer.echo(f"rsbd: stopped: {left}, and the same command goes on from there", err=True)
        raise typer.Exit(130) from None


def bar() -> Progress:
    """Return a progress bar on a terminal's stderr, where it is in no one's way: how far, how fast, how much longer."""
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
    console = Console(stderr=True)
    off = not console.is_terminal  # a file has no use for it, and may lie on a full disk
    return Progress(*done, Rate(), TimeRemainingColumn(), console=console, transient=True, disable=off)
