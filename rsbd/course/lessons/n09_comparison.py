"""Notebook 09: who can face which attack, maps of what all methods prove, and the self-check."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rsbd import bounds, ensemble, plots
from rsbd.certify import certify
from rsbd.course.lessons.data_and_attacks import practice
from rsbd.course.lessons.self_check import HINTS, Verdict, self_check, verdict
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import Linear
from rsbd.noises import Smoothing, Threat
from rsbd.panels.compare.compute import FAMILY_OF, TAUGHT
from rsbd.recipes.contest import CONTENDERS, Comparison, ComparisonRow, Contender, as_measured, refusal
from rsbd.recipes.contest.search import both_views
from rsbd.recipes.contest.threats import Attack, attacked_slots
from rsbd.types import Bools
from rsbd.words import percent

_PARTS: dict[str, Threat] = {
    "training pixels": Threat(1, 1, relabel=False, on_test=False),
    "training labels": Threat(1, 0, relabel=True, on_test=False),
    "test image": Threat(0, 1, relabel=False, on_test=True),
}


def taught() -> list[Contender]:
    """Return the methods that the main road of the course teaches."""
    return [contender for contender in CONTENDERS if contender.name in TAUGHT]


def who_faces(dataset: Dataset, contenders: Sequence[Contender] = CONTENDERS) -> list[list[str]]:
    """Return a line for each method: its name, what it hides, and which of the three parts of the data it covers.

    Examples
    --------
    >>> from rsbd import load
    >>> who_faces(load("digits", view="unit", classes=(0, 1)), taught())[2]
    ['DPA', 'rows hidden', 'yes', 'yes', '–']
    """
    views, lines = both_views(dataset), []
    for one in contenders:
        line = [one.name, FAMILY_OF[one.name]]
        for threat in _PARTS.values():
            defence = next(one.defences(views[one.view], attacked_slots(threat)))
            line.append("–" if one.refuses(defence, threat, dataset.num_rows) else "yes")
        lines.append(line)
    return lines


def best(found: Comparison, attack: Attack, threat: int = 0) -> tuple[str, float]:
    """Return the method with the largest certified accuracy against a threat, and that accuracy; "none" if it is 0."""
    held = {row.method: row.certified[threat] for row in found.against(attack) if row.certified is not None}
    name = max(held, key=lambda method: held[method])
    return (name, held[name]) if held[name] else ("none", 0.0)


def held(found: Comparison, method: str, attack: Attack, rows: int = 0, pixels: int = 0) -> float:
    """Return the certified accuracy of a method against the first threat with at least these rows and pixels.

    Raises
    ------
    InputError
        If the method does not face the attack, or no threat is as large.
    """
    for row in found.against(attack):
        if row.method == method and row.certified is not None:
            for threat, share in zip(row.threats, row.certified, strict=True):
                if threat.rows >= rows and threat.trigger_on("features") >= pixels:
                    return share
            raise InputError(f"no threat of this comparison has {rows} rows and {pixels} pixels", "ask for fewer")
    raise InputError(f"{method} does not face an attack on {', '.join(attack)}", "choose another method")


def compared(found: Comparison) -> str:
    """Return the settings of a stored comparison as a sentence."""
    s = found.settings
    return (
        f"Stored comparison on {s['dataset']}, {' against '.join(s['classes'])}: {s['rows']:,} training images, "
        f"{s['points']:,} test images, at most {s['models']:,} models a method, alpha {s['alpha']:g}."
    )


def fallen(found: Comparison, attack: Attack, pixels: int) -> str:
    """Return the map of :func:`draw_rows` in words, for alt texts."""
    said = []
    for row in found.against(attack):
        if row.certified is not None:
            pairs = zip(row.threats, row.certified, strict=True)
            shares = ", ".join(f"{percent(share)} at {t.rows:,}" for t, share in pairs if t.trigger == pixels)
            said.append(f"{row.method}: {shares}")
    return "; ".join(said)


def draw_methods(found: Comparison, threat: int = 0) -> Axes:
    """Draw every method against one threat of each kind of attack, by default the smallest."""
    groups = [found.against(attack) for attack in found.attacks]
    cells = [[row.certified[threat] if row.certified else np.nan for row in group] for group in groups]
    names = []
    for attack in found.attacks:
        parts = [part for part, of in _PARTS.items() if attacked_slots(of)[0] in attack]
        names.append("\n+ ".join(part.replace("training ", "training\n" * (i == 0)) for i, part in enumerate(parts)))
    return _draw(np.array(cells).T, groups[0], names)


def draw_rows(found: Comparison, attack: Attack, pixels: int, rate: float) -> Axes:
    """Draw the methods that face an attack by poisoned rows, for one size of the trigger, and mark a poison rate."""
    able = [row for row in found.against(attack) if row.certified is not None]
    chosen: Bools = np.array([threat.trigger == pixels for threat in able[0].threats])
    rows = [threat.rows for threat in able[0].threats if threat.trigger == pixels]
    cells = np.array([row.certified for row in able])[:, chosen]
    ax = _draw(cells, able, [f"{m:,}\n{percent(m / found.settings['rows'])}" for m in rows])
    budget = rate * found.settings["rows"]
    near = min(range(len(rows)), key=lambda i: abs(rows[i] - budget))
    ax.get_xticklabels()[near].set_fontweight("bold")
    ax.set_xlabel("poisoned training images, and their share of the training set", fontsize=13)
    return ax


def _draw(cells: Any, rows: Sequence[ComparisonRow], columns: Sequence[str]) -> Axes:
    ax = plots.new_axes(10, 1.6 + 0.42 * len(rows))
    plots.paint_shares(ax, cells, [row.method for row in rows], size=14)
    ax.tick_params(length=0)
    ax.set_xticks(range(len(columns)), columns, fontsize=13)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    return ax


@self_check
def check_combination(
    answer: Any, dataset: Dataset, threat: Threat, share: float, num_models: int = 1000, alpha: float = 0.001
) -> Verdict:
    """Check on practice points that a smoothing certifies enough; if it does, certify the test points once.

    Parameters
    ----------
    answer : Smoothing
        Any noise in any slot, rows included.
    dataset : Dataset
        Binary inputs.
    threat : Threat
        In pixels.
    share : float
        Certified accuracy to reach on the practice points.

    Examples
    --------
    >>> from rsbd import Bagging, load
    >>> check_combination(Smoothing(rows=Bagging(20)), load("digits", classes=(0, 1)), Threat(1, 1), 0.6)
    Not yet. The threat changes the test input, where there is no noise.
    """
    hints = HINTS["check_combination"]
    if not isinstance(answer, Smoothing):
        return verdict(hints, "no_smoothing")
    if reason := refusal(answer, threat, dataset.num_rows):
        return verdict(hints, "refused", reason=f"{reason[0].upper()}{reason[1:]}")
    asked = as_measured(threat, answer)

    def certified(data: Dataset, seed: int) -> tuple[float, float]:
        votes = ensemble.collect(data, answer, Linear(), data.x_test, num_models, seed)
        evidence = bounds.simultaneous(votes.counts, alpha)
        right = evidence.label == data.y_test
        return float((certify(evidence, answer, asked, dataset.num_rows) & right).mean()), float(right.mean())

    found, right = certified(practice(dataset), 1)
    words = {"found": percent(found), "num_models": num_models, "right": percent(right), "share": percent(share)}
    if found >= share:
        return verdict(hints, "right", final=percent(certified(dataset, 0)[0]), **words)
    unanimous = bounds.simultaneous(np.array([[num_models, *[0] * (dataset.num_classes - 1)]]), alpha)
    possible = certify(unanimous, answer, asked, dataset.num_rows)[0]
    return verdict(hints, "unclear" if possible else "exposed", **words)
