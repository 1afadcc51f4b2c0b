"""``rsbd compare``: every method of the library against one map of threats."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any

import typer

from rsbd.cli import options
from rsbd.cli.options import attack_option, defence_option
from rsbd.errors import InputError, check_among


def compare(
    dataset: options.DataSet = "digits",
    classes: options.Classes = None,
    rows: options.NumRows = None,
    points: options.NumPoints = None,
    side: options.Side = None,
    poisoned: Annotated[list[int] | None, attack_option("N...", "poisoned")] = None,
    pixels: Annotated[list[int] | None, attack_option("N...", "pixels")] = None,
    patches: Annotated[list[int] | None, attack_option("SIDE...", "patches")] = None,
    relabel: Annotated[bool | None, attack_option(None, "relabel", "--relabel/--not-relabel")] = None,
    on_test: Annotated[bool | None, attack_option(None, "on_test", "--on-test/--not-on-test")] = None,
    method: Annotated[list[str] | None, defence_option("WORD...", "method")] = None,
    learner: Annotated[str | None, defence_option("NAME", "one_learner")] = None,
    models: Annotated[int, defence_option("N", "budget")] = 1000,
    alpha: options.Alpha = 0.001,
    alpha_for: options.AlphaFor = "each",
    validation: Annotated[float, defence_option("SHARE", "validation")] = 0.25,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    out: options.Out = None,
) -> None:
    """Certify with every method against the same attackers, each method with its best noise."""
    from rsbd import recipes
    from rsbd.cli.tables import print_comparison, say
    from rsbd.evasion import AnyPatch
    from rsbd.recipes.contest import CONTENDERS, Comparison

    check_among("--alpha-for", alpha_for, ("each", "all"))
    kept, before = options.check_out(out), None
    if out is not None:
        with suppress(InputError):
            before = Comparison.load(out / "result.json")
    chosen = [c for c in CONTENDERS if not method or any(part.lower() in c.name.lower() for part in method)]
    if not chosen:
        names = ", ".join(f"'{c.name}'" for c in CONTENDERS)
        raise InputError(f"no method has {' or '.join(map(repr, method or []))} in its name", f"there are {names}")
    sizes = [*(pixels or ()), *(AnyPatch(side) for side in patches or ())]
    told = {"relabel": relabel, "on_test": on_test}
    run: dict[str, Any] = {name: (True, False) if one is None else (one,) for name, one in told.items()}
    run |= {"num_models": models, "alpha": alpha, "points": alpha_for, "seed": seed, "device": device}
    run |= {"learner": None if learner is None else options.make_learner(learner), "validation": validation}
    data = options.load_part(dataset, "unit", classes, rows=rows, points=points, side=side, seed=seed)
    with options.interruptible(out), options.progress_bar() as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int, words: str) -> None:
            bar.update(task, completed=done, total=total, description=f"{words:30}")

        run |= {"contenders": chosen, "progress": progress, "store": kept}
        found = recipes.compare(data, poisoned or (0, 1, 5), sizes or None, **run)  # None: the recipe's own
    print_comparison(found)
    if before is not None and _extends(before.settings, found.settings):
        typer.echo(say("extends", models=before.settings["models"], out=out))
    options.write_out(out, found.write)


def _extends(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Return True if the settings of two comparisons differ in the number of models alone, and there are more now."""
    numbers = ("models", "search_models")
    same = all(before.get(key) == now[key] for key in now if key not in numbers)
    return same and before.get("models", now["models"]) < now["models"]
