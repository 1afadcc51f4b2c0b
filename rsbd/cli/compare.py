"""``rsbd compare``: every method of the library against one map of threats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rsbd.cli.certify import DATA, PAIRS, RUN, _check_writable, _learner
from rsbd.errors import InputError

ATTACK, DEFENCE = "Attack", "Defence"


def compare(
    dataset: Annotated[
        str, typer.Option(help="Data set; `rsbd data` lists them.", rich_help_panel=DATA)
    ] = "digits",
    classes: Annotated[
        list[str] | None,
        typer.Option(
            help="Classes to tell apart, such as 1 7 (by default 0 1 of digits, 1 7 of mnist, else all).",
            rich_help_panel=DATA,
        ),
    ] = None,
    rows: Annotated[
        int | None, typer.Option(help="Training rows (all by default).", rich_help_panel=DATA)
    ] = None,
    points: Annotated[
        int | None, typer.Option(help="Test points (all by default).", rich_help_panel=DATA)
    ] = None,
    poisoned: Annotated[
        list[int] | None,
        typer.Option(help="Poisoned rows, such as 0 1 5 (the default).", rich_help_panel=ATTACK),
    ] = None,
    pixels: Annotated[
        list[int] | None,
        typer.Option(help="Pixels of the trigger, such as 0 1 2 (the default).", rich_help_panel=ATTACK),
    ] = None,
    relabel: Annotated[
        bool | None,
        typer.Option(
            "--relabel/--keep-labels",
            help="Whether poisoned rows are relabelled (by default the map has both).",
            rich_help_panel=ATTACK,
        ),
    ] = None,
    on_test: Annotated[
        bool | None,
        typer.Option(
            "--on-test/--not-on-test",
            help="Whether the trigger is on the test input too (by default the map has both).",
            rich_help_panel=ATTACK,
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="Only methods with this in their name (all by default).", rich_help_panel=DEFENCE),
    ] = None,
    learner: Annotated[
        str | None,
        typer.Option(
            help="One base learner for all: linear, lda, mlp or cnn (each method's own by default).",
            rich_help_panel=DEFENCE,
        ),
    ] = None,
    models: Annotated[
        int, typer.Option(help="Budget of models, per method.", rich_help_panel=DEFENCE)
    ] = 1000,
    alpha: Annotated[
        float, typer.Option(help="Failure probability of the certificates.", rich_help_panel=DEFENCE)
    ] = 0.001,
    alpha_for: Annotated[
        str,
        typer.Option(
            help="Whether alpha is for each point, or for all of them to hold at once.",
            rich_help_panel=DEFENCE,
        ),
    ] = "each",
    validation: Annotated[
        float,
        typer.Option(
            help="Share of the training rows on which each method's noise is chosen.", rich_help_panel=DEFENCE
        ),
    ] = 0.25,
    seed: Annotated[int, typer.Option(help="Seed of everything random.", rich_help_panel=RUN)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...", rich_help_panel=RUN)] = "auto",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for table, figure, votes and result.json; an interrupted run goes on from there.",
            rich_help_panel=RUN,
        ),
    ] = None,
) -> None:
    """Certify with every method against the same attackers, each method with its best noise."""
    from rsbd import recipes
    from rsbd.cli.show_comparison import show
    from rsbd.data import load
    from rsbd.recipes.contest import CONTENDERS

    if out is not None:
        _check_writable(out)
    chosen = [c for c in CONTENDERS if not method or any(part.lower() in c.name.lower() for part in method)]
    if not chosen:
        names = ", ".join(f"'{c.name}'" for c in CONTENDERS)
        raise InputError(
            f"no method has {' or '.join(map(repr, method or []))} in its name: there are {names}"
        )
    data = load(
        dataset, view="unit", classes=classes or PAIRS.get(dataset), rows=rows, points=points, seed=seed
    )
    options: dict[str, Any] = (
        {"device": device} if out is None else {"device": device, "store": out / "votes"}
    )
    with _Bar() as bar:
        found = recipes.compare(
            data,
            poisoned or (0, 1, 5),
            pixels or (0, 1, 2),
            relabel=(True, False) if relabel is None else (relabel,),
            on_test=(True, False) if on_test is None else (on_test,),
            contenders=chosen,
            num_models=models,
            alpha=alpha,
            points=alpha_for,
            validation=validation,
            learner=None if learner is None else _learner(learner),
            seed=seed,
            progress=bar,
            **options,
        )
    show(found)
    if out is not None:
        typer.echo(f"written to {out}: {', '.join(path.name for path in found.write(out))}")


class _Bar:
    """A progress bar on stderr, where it does not mix with the result."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:30}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task("", total=None)

    def __enter__(self) -> _Bar:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, done: int, total: int, words: str) -> None:
        self.bar.update(self.task, completed=done, total=total, description=words)
