"""``rsbd compare``: every method of the library against one map of threats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rsbd.cli import options
from rsbd.cli.options import ATTACK, DEFENCE, RUN
from rsbd.errors import InputError


def compare(
    dataset: options.DataSet = "digits",
    classes: options.Classes = None,
    rows: options.Rows = None,
    points: options.Points = None,
    poisoned: Annotated[
        list[int] | None,
        typer.Option(
            help="Numbers of poisoned rows, such as 0 1 5 (the default).",
            metavar="N...",
            rich_help_panel=ATTACK,
        ),
    ] = None,
    pixels: Annotated[
        list[int] | None,
        typer.Option(
            help="Sizes of the trigger in pixels, such as 0 1 2 (the default).",
            metavar="N...",
            rich_help_panel=ATTACK,
        ),
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
        typer.Option(
            help="Only methods with one of these in their name (all by default).",
            metavar="WORD...",
            rich_help_panel=DEFENCE,
        ),
    ] = None,
    learner: Annotated[
        str | None,
        typer.Option(
            help="One base learner for all: linear, lda, mlp, cnn or resnet (each method's own by default).",
            metavar="NAME",
            rich_help_panel=DEFENCE,
        ),
    ] = None,
    models: Annotated[
        int,
        typer.Option(help="Models that a method may train, at most.", metavar="N", rich_help_panel=DEFENCE),
    ] = 1000,
    alpha: options.Alpha = 0.001,
    alpha_for: options.AlphaFor = "each",
    validation: Annotated[
        float,
        typer.Option(
            help="Share of the training rows, between 0 and 1, on which each method's noise is chosen.",
            metavar="SHARE",
            rich_help_panel=DEFENCE,
        ),
    ] = 0.25,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for table, figure, votes and result.json; an interrupted run goes on from there.",
            metavar="FOLDER",
            parser=options.path,
            rich_help_panel=RUN,
        ),
    ] = None,
) -> None:
    """Certify with every method against the same attackers, each method with its best noise."""
    from rsbd import recipes
    from rsbd.cli.show_comparison import show
    from rsbd.recipes.contest import CONTENDERS

    options.one_of("--alpha-for", alpha_for, "each", "all")
    if out is not None:
        options.check_writable(out)
    chosen = [c for c in CONTENDERS if not method or any(part.lower() in c.name.lower() for part in method)]
    if not chosen:
        names = ", ".join(f"'{c.name}'" for c in CONTENDERS)
        raise InputError(f"no method has {' or '.join(map(repr, method or []))} in its name", f"there are {names}")
    data = options.dataset(dataset, "unit", classes, rows, points, seed)
    settings: dict[str, Any] = {} if out is None else {"store": out / "votes"}
    with options.interruptible(out), options.bar() as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int, words: str) -> None:
            bar.update(task, completed=done, total=total, description=f"{words:30}")

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
            learner=None if learner is None else options.learner(learner),
            seed=seed,
            progress=progress,
            device=device,
            **settings,
        )
    show(found)
    if out is not None:
        typer.echo(f"written to {out}: {', '.join(path.name for path in found.write(out))}")
