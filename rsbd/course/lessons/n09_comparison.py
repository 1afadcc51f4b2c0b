"""Notebook 09: who can face which attack, maps of what all methods prove, and the self-check."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rsbd import bounds, ensemble, plots
from rsbd.certify import certify
from rsbd.course.lessons.self_check import HINTS, Verdict, judge_choice, self_check, verdict
from rsbd.course.lessons.stored_results import stored_words
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import Linear
from rsbd.noises import Smoothing, Threat
from rsbd.panels.compare.compute import FAMILY_OF, TAUGHT
from rsbd.recipes.contest import CONTENDERS, Comparison, Contender, as_measured, refusal
from rsbd.recipes.contest.search import both_views
from rsbd.recipes.contest.threats import Attack, attacked_slots
from rsbd.words import percent

_PARTS: dict[str, Threat] = {
    "pixels": Threat(1, 1, relabel=False, on_test=False),
    "labels": Threat(1, 0, relabel=True, on_test=False),
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
    return f"{stored_words('comparison', found.settings, 'at most {:,} models a method')}."


def _by_rows(found: Comparison, attack: Attack, pixels: int) -> tuple[list[int], dict[str, list[float]]]:
    """Return numbers of poisoned rows, and what each method that faces the attack certifies there."""
    able = {row.method: row.certified for row in found.against(attack) if row.certified is not None}
    chosen = {i: t.rows for i, t in enumerate(found.against(attack)[0].threats) if t.trigger == pixels}
    return list(chosen.values()), {name: [shares[i] for i in chosen] for name, shares in able.items()}


def fallen(found: Comparison, attack: Attack, pixels: int) -> str:
    """Return the map of :func:`draw_rows` in words, for alt texts."""
    rows, certified = _by_rows(found, attack, pixels)
    pairs = {name: zip(shares, rows, strict=True) for name, shares in certified.items()}
    return "; ".join(f"{name}: {', '.join(f'{percent(s)} at {m:,}' for s, m in some)}" for name, some in pairs.items())


def draw_methods(found: Comparison, threat: int = 0) -> Axes:
    """Draw every method against one threat of each kind of attack, by default the smallest."""
    groups = [found.against(attack) for attack in found.attacks]
    cells = [[row.certified[threat] if row.certified else np.nan for row in group] for group in groups]
    parts = {attacked_slots(threat)[0]: part for part, threat in _PARTS.items()}
    names = ["\n+ ".join(part for slot, part in parts.items() if slot in attack) for attack in found.attacks]
    ax = _draw(np.array(cells).T, [row.method for row in groups[0]], names)
    ax.set_xlabel("what the attacker changes: pixels or labels of training images, and the test image", fontsize=13)
    return ax


def draw_rows(found: Comparison, attack: Attack, pixels: int, rate: float) -> Axes:
    """Draw the methods that face an attack by poisoned rows, for one size of the trigger, and mark a poison rate."""
    rows, certified = _by_rows(found, attack, pixels)
    labels = [f"{m:,}\n{percent(m / found.settings['rows'])}" for m in rows]
    ax = _draw(np.array(list(certified.values())), list(certified), labels)
    budget = rate * found.settings["rows"]
    near = min(range(len(rows)), key=lambda i: abs(rows[i] - budget))
    ax.get_xticklabels()[near].set_fontweight("bold")
    ax.set_xlabel("poisoned training images, and their share of the training set", fontsize=13)
    return ax


def _draw(cells: Any, methods: Sequence[str], columns: Sequence[str]) -> Axes:
    ax = plots.new_axes(10, 1.6 + 0.42 * len(methods))
    plots.paint_shares(ax, cells, methods, columns, size=13)
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

    found, right = certified(dataset.hold_out(), 1)
    words = {"found": percent(found), "num_models": num_models, "right": percent(right), "share": percent(share)}
    if found >= share:
        return judge_choice(hints, (dataset, threat), answer, lambda: certified(dataset, 0)[0], **words)
    unanimous = bounds.simultaneous(np.array([[num_models, *[0] * (dataset.num_classes - 1)]]), alpha)
    possible = certify(unanimous, answer, asked, dataset.num_rows)[0]
    return verdict(hints, "unclear" if possible else "exposed", **words)
