"""Reports and comparisons as tables in the terminal."""

from math import isnan
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rsbd.learners.undefended import undefended_name
from rsbd.recipes.contest import Comparison, ComparisonRow
from rsbd.recipes.contest.threats import SLOT_WORDS, Attack, trigger_words
from rsbd.recipes.report import Report
from rsbd.recipes.result import one_label
from rsbd.words import between, confidence, count, phrases_of

say = phrases_of(__file__)
_WIDE, _WIDE_PATCHES = 6, 3  # threats side by side, as many as fit in 80 columns


def print_reports(found: dict[str, Report], reason: str = "") -> None:
    """Print what each defence proves against the planted attack, and then all about each.

    Parameters
    ----------
    found : mapping
        The report of each defence by its name.
    reason : str
        Why another defence cannot face the attack.
    """
    console = _console()
    table = _table("defence", "certified")
    table.add_column("withstands, whatever the attacker does with", no_wrap=False)
    for name, one in found.items():
        table.add_row(name, _percent(one.planted), _withstood(one))
    said = "predictions that are right and proved to stay so"
    console.print(Text.assemble(("The planted attack", "bold"), f": {said}"))
    console.print(table)
    if reason:
        console.print(f"Bags cannot rule it out: {reason}.\n")
    for name, one in found.items():
        if len(found) > 1:
            console.rule(Text(name, "bold"))
        _print_report(console, one)


def _withstood(found: Report) -> str:
    """Say what the attacker may change; a part of the planted attack that no noise faces is missing."""
    e, threat = found.outcome.experiment, found.threat
    rows = count(threat.rows, "row")
    if e.triggers or (e.smoothing.rows is not None and not threat.on_test):
        training = f"{rows} (any content, any label)"
    else:
        training = f"{found.trigger}{' and the label' if threat.relabel else ''} of each of {rows}"
    return f"{training}; {found.trigger if threat.on_test else 'nothing'} on the test input"


def _print_report(console: Console, found: Report) -> None:
    """Print the settings, the effect of the attack, the certified accuracies and their meaning."""
    outcome, e = found.outcome, found.outcome.experiment
    data, models = e.dataset, outcome.votes.num_models
    numbers = {"rows": data.num_rows, "poisoned": int(outcome.attack.mask.sum()), "points": data.num_points}
    settings = say("experiment", classes=" ".join(data.classes), models=models, alpha=e.alpha, **numbers)
    console.print(Text.assemble((data.name, "bold"), settings))
    parts = (_rates(found), _compared(found)), (_curve(found), ""), (_map(found), _sentence(found))
    for (title, table), said in parts:
        console.print(f"\n{title}", style="bold")
        console.print(table)
        if said:
            console.print(said)
    seconds = {**outcome.seconds, "certify": found.seconds}
    spent = ", ".join(f"{name} {seconds[name]:.2f}" for name in ("train", "vote", "certify"))
    console.print(f"seconds, summed over workers: {spent}")


def _console() -> Console:
    """Return the terminal; names of data sets and classes may hold brackets, which are no markup."""
    return Console(highlight=False, markup=False)


def _table(*columns: str, **look: Any) -> Table:
    table = Table(box=box.SIMPLE_HEAD, **look)
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", no_wrap=True)
    return table


def _rates(found: Report) -> tuple[str, Table]:
    outcome, table = found.outcome, _table("", "clean accuracy", "attack success")
    for name, rate in outcome.rates.items():
        name = name.replace("noise", _hidden(found))
        table.add_row(name, _percent(rate.clean_accuracy), _percent(rate.attack_success_rate))
    return "What the attack did", table


def _hidden(found: Report) -> str:
    return "bags" if found.outcome.experiment.triggers else "noise"


def _compared(found: Report) -> str:
    """Say which classifiers the rates speak of, and how sure the smoothed one is."""
    e, seen = found.outcome.experiment, found.outcome.success_bounds
    said = say("compared", hidden=_hidden(found), undefended=undefended_name(e.undefended))
    if not isnan(seen.lowest):
        counted = {"abstained": seen.abstained, "triggered": len(found.outcome.triggered)}
        known = between(seen.lowest, seen.highest, 1)
        said += say("undecided", sure=confidence(e.alpha), between=known, **counted)
    return said


def _curve(found: Report) -> tuple[str, Table]:
    """Return the curve at no more than seven radii, which fit in 80 columns."""
    norm, step = found.certificate.norm, max(1, -(-len(found.radii) // 7))
    radii = [float(f"{r:.3g}") for r in found.radii[::step]]  # each accuracy belongs to exactly the number shown
    accuracies = found.certificate.curve(found.outcome.experiment.dataset.y_test, radii)
    table = _table("radius", *(f"{r:g}" for r in radii))
    table.add_row("certified", *(_percent(accuracy) for accuracy in accuracies))
    if norm == "rows":
        also = f", with {found.trigger} on the test input" if found.certificate.trigger else ""
        return f"Certified accuracy by number of training rows changed, inserted or removed at will{also}", table
    return f"Certified accuracy by {norm} radius over {', '.join(found.certificate.slots)}", table


def _map(found: Report) -> tuple[str, Table]:
    """Return the map up to its first row of zeros: all rows below are zero too."""
    table = _table("rows", *(f"{size:g}" for size in found.sizes))
    for rows, line in zip(found.rows, found.accuracy_map, strict=True):
        table.add_row(str(rows), *(_percent(cell) for cell in line))
        if not line.any():
            break
    labels = "relabelled" if found.threat.relabel else "labels unchanged"
    test = "trigger on the test input too" if found.threat.on_test else "test input unchanged"
    return f"Certified accuracy by poisoned rows and trigger ({found.measured}), {labels}, {test}", table


def _sentence(found: Report) -> str:
    """Say what the certificates mean, on which data they are centred, and how many withstand the planted attack."""
    e, threat = found.outcome.experiment, found.threat
    triggered, clean = found.outcome.attack.points, e.dataset.x_test
    low, high = float(triggered.min(initial=0)), float(triggered.max(initial=1))
    note, each = one_label(found.outcome.votes), "each" if e.points == "each" else "all at once"
    more = {
        "labels": e.poisoning.relabel and not threat.relabel,
        "test": not threat.on_test,
        "beyond": min(low, 1 - high) < 0 <= clean.min(initial=0) and clean.max(initial=1) <= 1,
        "note": bool(note),
        "watched": e.watched,
    }
    about = {"centre": e.centre, "about": say(e.centre), "each": each, "sure": confidence(e.alpha)}
    said = say("centred", found=found, threat=threat, share=_percent(found.against_attack), **about)
    return said + "".join(say(case, low=low, high=high, note=note) for case, holds in more.items() if holds)


def _percent(share: float) -> str:
    return "-" if isnan(share) else f"{100 * share:.1f} %"


def print_comparison(found: Comparison) -> None:
    """Print, for each attack, the certified accuracy and noise of each method, or why it cannot face the attack."""
    console = _console()
    s = found.settings
    settings = say("comparison", **{**s, "classes": " ".join(s["classes"])})
    console.print(Text.assemble((s["dataset"], "bold"), settings))
    for attack in found.attacks:
        rows, said = found.against(attack), ": certified accuracy by poisoned rows x trigger (pixels, or a patch)"
        console.print(Text.assemble((f"\n{attack_title(attack)}", "bold"), said))
        named = [f"{threat.rows} x {trigger_words(threat)}" for threat in rows[0].threats]
        wide = _WIDE if max(map(len, named)) < 6 else _WIDE_PATCHES
        for start in range(0, len(named), wide):
            console.print(_methods(rows, named, slice(start, start + wide)))
        # Reasons stand below the table, which has no room for them.
        for reason in dict.fromkeys(row.reason for row in rows if row.reason):
            names = "; ".join(row.method for row in rows if row.reason == reason)
            console.print(Text.assemble("  Cannot face it: ", (names, "bold"), f": {reason}."))
    many = "for each point" if s["alpha_for"] == "each" else "for all points at once"
    held = round(s["validation"] * s["rows"])
    console.print(say("figures", sure=confidence(s["alpha"]), many=many, held=held))


def attack_title(attack: Attack) -> str:
    """Name what the attacker changes.

    Examples
    --------
    >>> attack_title(("features", "test"))
    'The attacker changes training pixels and test input'
    """
    *first, last = [SLOT_WORDS[slot] for slot in attack]
    return f"The attacker changes {', '.join(first)}{' and ' if first else ''}{last}"


def _methods(rows: tuple[ComparisonRow, ...], threats: list[str], shown: slice) -> Table:
    table = _table("method", *threats[shown], "clean", "models", padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("best noise")
    for row in rows:
        if row.certified is not None and row.clean is not None:
            shares = [f"{100 * share:.0f}" for share in (*row.certified[shown], row.clean)]
            table.add_row(row.method, *shares, f"{row.models:,}", row.noise)
    return table
