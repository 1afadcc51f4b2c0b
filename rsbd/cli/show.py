"""A report as tables in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from rsbd.report import Report


def show(found: Report) -> None:
    """Print what was asked, what the attack did, what is certified and what that means."""
    outcome, e = found.outcome, found.outcome.experiment
    console = Console(highlight=False)
    console.print(
        f"[bold]{e.dataset.name}[/], classes {' '.join(e.dataset.classes)}: {e.dataset.num_rows:,} rows "
        f"({int(outcome.mask.sum()):,} poisoned), {e.dataset.num_points:,} points, {e.num_models:,} models, "
        f"alpha {e.alpha:g}"
    )
    for table in (_rates(found), _curve(found), _map(found)):
        console.print(table)
    console.print(sentence(found))
    seconds = {"train": outcome.seconds["train"], "vote": outcome.seconds["vote"], "certify": found.seconds}
    spent = ", ".join(f"{name} {value:.2f}" for name, value in seconds.items())
    console.print(f"seconds, summed over workers: {spent}")


def _table(title: str) -> Table:
    return Table(box=box.SIMPLE, title=title, title_justify="left")


def _rates(found: Report) -> Table:
    outcome, table = found.outcome, _table("What the attack did")
    table.add_column("")
    for name in ("clean accuracy", "attack success"):
        table.add_column(name, justify="right")
    table.add_row("undefended, not attacked", _percent(outcome.unpoisoned), "")
    for name, rate in (("undefended", outcome.undefended), ("smoothed", outcome.smoothed)):
        table.add_row(name, _percent(rate.clean_accuracy), _percent(rate.attack_success_rate))
    return table


def _curve(found: Report) -> Table:
    norm = found.certificate.norm
    table = _table(f"Certified accuracy by {norm} radius over {', '.join(found.certificate.slots)}")
    step = max(1, len(found.radii) // 10)
    for radius in found.radii[::step]:
        table.add_column(f"{radius:g}" if norm == "L0" else f"{radius:.3f}", justify="right")
    table.add_row(*(_percent(accuracy) for accuracy in found.accuracies[::step]))
    return table


def _map(found: Report) -> Table:
    """The map up to its first row of zeros: what follows is zero too."""
    unit = "pixels" if found.certificate.norm == "L0" else "L2 length"
    table = _table(
        f"Certified accuracy by poisoned rows (down) and trigger in {unit} (across), {_attack(found)}"
    )
    table.add_column("rows", justify="right")
    for trigger in found.triggers:
        table.add_column(f"{trigger:g}", justify="right")
    for rows, line in zip(found.rows, found.accuracy_map, strict=True):
        table.add_row(str(rows), *(_percent(cell) for cell in line))
        if not line.any():
            break
    return table


def _attack(found: Report) -> str:
    labels = "relabelled" if found.threat.relabel else "labels unchanged"
    return f"{labels}, {'trigger on the test input too' if found.threat.on_test else 'test input unchanged'}"


def sentence(found: Report) -> str:
    """What the certificate says, what it is centred on, and how it fares against the planted attack."""
    e, threat = found.outcome.experiment, found.threat
    about = (
        "no attack within a threat changes these predictions"
        if e.centre == "clean"
        else "these predictions are the same for every training set within a threat of the poisoned one"
    )
    uncovered = ""
    if e.poisoning.relabel and not threat.relabel:
        uncovered = " Its relabelling is not covered, since labels carry no noise: --keep-labels adds it."
    return (
        f"Certificates are centred on the {e.centre} training set: {about}, each with confidence {1 - e.alpha:g}. "
        f"Against the planted attack itself ({threat.rows} rows, trigger {threat.trigger:g}, radius "
        f"{found.budget:.4g}) {_percent(found.against_attack)} of the points are certified.{uncovered}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
