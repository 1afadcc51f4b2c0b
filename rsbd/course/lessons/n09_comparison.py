"""Notebook 09: tables and pictures of what all methods prove, and the self-checks."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from rsbd import bounds, ensemble, plots
from rsbd.certify import certify
from rsbd.course.lessons.drawing import VERMILLION, write_at
from rsbd.course.lessons.self_check import HINTS, Verdict, judge_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import Linear
from rsbd.noises import Gaussian, Smoothing, Threat
from rsbd.recipes.contest import CONTENDERS, Comparison, ComparisonRow, as_measured, refusal
from rsbd.recipes.contest.search import both_views
from rsbd.recipes.contest.threats import Attack, attacked_slots
from rsbd.words import count, percent

_PARTS: dict[str, Threat] = {
    "training pixels": Threat(1, 1, relabel=False, on_test=False),
    "training labels": Threat(1, 0, relabel=True, on_test=False),
    "test image": Threat(0, 1, relabel=False, on_test=True),
}


def facing(dataset: Dataset, threat: Threat) -> list[str]:
    """Return the names of the methods that can face a threat, as the library answers.

    Examples
    --------
    >>> from rsbd import load
    >>> facing(load("digits", view="unit", classes=(0, 1)), Threat(1, 1))[-2:]
    ['bags, kept votes', 'PECAN']
    """
    return [name for name, reason in _refusals(dataset, threat).items() if reason is None]


def _refusals(dataset: Dataset, threat: Threat) -> dict[str, str | None]:
    """Return for each method why it cannot face a threat; None where it can."""
    views, attack = both_views(dataset), attacked_slots(threat)
    first = [(contender, next(contender.defences(views[contender.view], attack))) for contender in CONTENDERS]
    return {one.name: one.refuses(defence, threat, dataset.num_rows) for one, defence in first}


def who_faces(dataset: Dataset) -> list[list[str]]:
    """Return a line for each method: its name, its paper, and which of the three parts of the data it covers."""
    able = {slot: set(facing(dataset, threat)) for slot, threat in _PARTS.items()}
    return [[c.name, c.paper, *("yes" if c.name in able[slot] else "\u2013" for slot in _PARTS)] for c in CONTENDERS]


def changes(attack: Attack) -> str:
    """Return in words what an attack changes.

    Examples
    --------
    >>> changes(("features", "test"))
    'training pixels + test image'
    """
    return " + ".join(words for words, threat in _PARTS.items() if attacked_slots(threat)[0] in attack)


def best(found: Comparison, attack: Attack, threat: int) -> tuple[str, float]:
    """Return the method with the largest certified accuracy against a threat, and that accuracy; "none" if it is 0."""
    held = {row.method: row.certified[threat] for row in found.against(attack) if row.certified is not None}
    name = max(held, key=lambda method: held[method])
    return (name, held[name]) if held[name] else ("none", 0.0)


def held(found: Comparison, method: str, attack: Attack, rows: int | None = None, pixels: int | None = None) -> float:
    """Return the certified accuracy of a method against the first threat with at least these rows and pixels.

    Raises
    ------
    InputError
        If the method does not face the attack, or no threat is as large.
    """
    for threat, share in _proofs(found, method, attack):
        if threat.rows >= (rows or 0) and threat.trigger_on("test") >= (pixels or 0):
            return share
    raise InputError(f"no threat of this comparison has {rows} rows and {pixels} pixels", "ask for fewer")


def _proofs(found: Comparison, method: str, attack: Attack) -> list[tuple[Threat, float]]:
    """Return each threat of an attack with the certified accuracy of a method against it."""
    for row in found.against(attack):
        if row.method == method and row.certified is not None:
            return list(zip(row.threats, row.certified, strict=True))
    raise InputError(f"{method} does not face an attack on {', '.join(attack)}", "choose another method")


def cells(found: Comparison, method: str, attack: Attack) -> tuple[NDArray[np.float64], list[int], list[float]]:
    """Return certified accuracy by poisoned rows and trigger pixels, for :func:`rsbd.plots.certified_map`."""
    known = {(t.rows, t.trigger_on("test")): share for t, share in _proofs(found, method, attack)}
    rows, pixels = sorted({m for m, _ in known}), sorted({t for _, t in known})
    return np.array([[known[m, t] for t in pixels] for m in rows]), rows, pixels


def compared(found: Comparison) -> str:
    """Return the settings of a stored comparison as a sentence."""
    s = found.settings
    return (
        f"Stored comparison on {s['dataset']}, {' against '.join(s['classes'])}: {s['rows']:,} training images, "
        f"{s['points']:,} test images, at most {s['models']:,} models a method, alpha {s['alpha']:g}."
    )


def fallen(found: Comparison, attack: Attack, pixels: int | None = None) -> str:
    """Return the curves of :func:`by_rows` in words, for alt texts."""
    said = []
    for row in found.against(attack):
        if points := accuracy_by_rows(row, pixels):
            said.append(f"{row.method}: " + ", ".join(f"{percent(share)} at {rows}" for rows, share in points))
    return "; ".join(said)


def accuracy_by_rows(row: ComparisonRow, pixels: int | None = None) -> list[tuple[int, float]]:
    """Return pairs of poisoned rows and certified accuracy, for one size of the trigger."""
    pairs = zip(row.threats, row.certified or (), strict=False)
    return [(t.rows, share) for t, share in pairs if pixels is None or t.trigger == pixels]


def draw_methods(found: Comparison, threat: int = 0) -> Axes:
    """Draw every method against one threat of each kind of attack, by default the smallest."""
    groups = [found.against(attack) for attack in found.attacks]
    cells = [[row.certified[threat] if row.certified else np.nan for row in group] for group in groups]
    methods = [row.method for row in groups[0]]
    ax = plots.new_axes(10, 1.6 + 0.42 * len(methods))
    plots.paint_shares(ax, np.array(cells).T, methods, size=14)
    ax.tick_params(length=0)
    names = [" + ".join(changes(attack).split(" + training ")) for attack in found.attacks]
    names = [name.replace("training ", "training\n").replace(" + ", "\n+ ") for name in names]
    ax.set_xticks(range(len(names)), names, fontsize=13)
    ax.xaxis.tick_top()
    for j in range(1, len(names)):
        ax.axvline(j - 0.5, color="white", linewidth=4)
    return ax


def by_rows(
    found: Comparison, attack: Attack, rate: float, num_rows: int, names: Sequence[str] = (), pixels: int | None = None
) -> Axes:
    """Draw certified accuracy by poisoned rows, and mark the rows of an attacker with a poison rate.

    Parameters
    ----------
    found : Comparison
        With several numbers of rows.
    attack : tuple of str
        The slots that change.
    rate : float
        Poison rate that attackers use.
    num_rows : int
        Number of training rows.
    names : sequence of str
        Methods to draw; by default all that face the attack.
    pixels : int, optional
        Size of the trigger, if there are several.
    """
    from matplotlib.patheffects import withStroke

    ax, budget = plots.new_axes(9.0, 4.6), rate * num_rows
    curves = {
        row.method: points
        for row in found.against(attack)
        if (not names or row.method in names) and (points := accuracy_by_rows(row, pixels))
    }
    ticks = sorted({rows for points in curves.values() for rows, _ in points})
    top = max(curves, key=lambda name: sum(share for _, share in curves[name]))
    for i, (name, points) in enumerate(curves.items()):
        rows, shares = zip(*points, strict=True)
        colour, dashes = plots.STYLES[i % len(plots.STYLES)]
        ax.plot(rows, shares, color=colour, linestyle=dashes, marker="osD^v"[i % 5], linewidth=2.5, clip_on=False)
        spot, shift, side = _label_place(i, rows, shares, name == top)
        halo = [withStroke(linewidth=4, foreground="white")]
        write_at(ax, name, spot, shift, ha=side, color=colour, fontweight="bold", path_effects=halo)
    far = budget > 0.8 * ticks[-1]
    ax.axvline(budget, color=VERMILLION, linestyle=":", linewidth=3)
    ax.text(budget, 1.06, f" poison rate {percent(rate)} ", fontsize=12, color="#a63d00", ha="right" if far else "left")
    if ticks[-1] > 50:
        ax.set_xscale("log")
        ax.minorticks_off()
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks], fontsize=12)
    ax.set_ylim(-0.02, 1.12)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"], fontsize=12)
    ax.set_xlabel("poisoned training rows" + (" (logarithmic)" if ticks[-1] > 50 else ""), fontsize=13)
    ax.set_ylabel("certified accuracy", fontsize=13)
    return ax


def _label_place(
    i: int, rows: Sequence[float], shares: Sequence[float], best: bool
) -> tuple[tuple[float, float], tuple[float, float], str]:
    """Return the place of the label of the i-th curve: a point, the shift from it, and the horizontal alignment."""
    if best or not any(shares):  # above the curve
        at = len(rows) // 3 if best else -2
        return (rows[at], shares[at]), (8, 8), "left"
    # Beside the curve, where it falls, each label at its own height.
    at = max((j for j, share in enumerate(shares) if share >= (0.9 - 0.15 * i) * max(shares)), default=0)
    after = min(at + 1, len(rows) - 1)
    spot = rows[at] ** 0.2 * rows[after] ** 0.8, 0.2 * shares[at] + 0.8 * shares[after]
    return (spot, (-10, -14), "right") if at > len(rows) / 2 or (at and i % 2) else (spot, (10, 4), "left")


@self_check
def check_facing(answer: Any, dataset: Dataset, threat: Threat, among: Iterable[str]) -> Verdict:
    """Check which of some methods can face a threat.

    Examples
    --------
    >>> from rsbd import load
    >>> check_facing({"DPA"}, load("digits", view="unit", classes=(0, 1)), Threat(1, 1), ["DPA", "BagFlip"])
    Not yet. DPA cannot: the threat changes the test input, where there is no noise.
    """
    hints, among = HINTS["check_facing"], list(among)
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        return verdict(hints, "no_set", example=among[0])
    chosen, reasons = list(answer), _refusals(dataset, threat)
    if unknown := [name for name in chosen if name not in among]:
        return verdict(hints, "unknown", name=unknown[0], among="; ".join(among))
    for name, reason in reasons.items():
        if name in chosen and reason is not None:
            return verdict(hints, "cannot", name=name, reason=reason)
    missing = len({name for name in among if reasons[name] is None} - set(chosen))
    methods = f"{count(missing, 'method')} that can face it {'is' if missing == 1 else 'are'}"
    return verdict(hints, "missing" if missing else "right", methods=methods)


def check_length(answer: Any, rows: int, trigger: int) -> Verdict:
    """Check the largest L2 length, over all training pixels, of an attack on pixels.

    Examples
    --------
    >>> check_length(36, rows=9, trigger=4)
    Not yet. That counts changed pixels (L0). The L2 length is the square root of the sum of their squares.
    """
    one = as_measured(Threat(rows, trigger), Smoothing(features=Gaussian(1.0))).trigger_on("features")
    mistakes = {"pixels": rows * trigger, "single": one, "added": rows * one, "images": rows}
    words = {"rows": rows, "trigger": trigger, "pixels": rows * trigger}
    return judge_number(answer, float(one * np.sqrt(rows)), HINTS["check_length"], mistakes, words)


@self_check
def check_combination(
    answer: Any, dataset: Dataset, threat: Threat, share: float, num_models: int = 1000, alpha: float = 0.001
) -> Verdict:
    """Check that a smoothing of the reader's own certifies enough points, by training the ensemble.

    Parameters
    ----------
    answer : Smoothing
        Any noise in any slot, rows included.
    dataset : Dataset
        Binary inputs.
    threat : Threat
        In pixels.
    share : float
        Certified accuracy to reach.

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
    votes = ensemble.collect(dataset, answer, Linear(), dataset.x_test, num_models)
    evidence = bounds.simultaneous(votes.counts, alpha)
    asked, right = as_measured(threat, answer), evidence.label == dataset.y_test
    held = float((certify(evidence, answer, asked, dataset.num_rows) & right).mean())
    words = {"found": percent(held), "num_models": num_models, "right": percent(float(right.mean()))}
    if held >= share:
        return verdict(hints, "right", **words)
    unanimous = bounds.simultaneous(np.array([[num_models, *[0] * (dataset.num_classes - 1)]]), alpha)
    possible = certify(unanimous, answer, asked, dataset.num_rows)[0]
    return verdict(hints, "unclear" if possible else "exposed", **words)
