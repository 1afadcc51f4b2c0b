"""Notebook 06: radii and pictures of label flips, and the self-checks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rsbd.attacks.label_flips import fewest_flips, heaviest
from rsbd.bounds import Bounds
from rsbd.certify import radius
from rsbd.course.lessons.self_check import HINTS, Verdict, is_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.noises import Flip, Smoothing
from rsbd.plots import BLUE, VERMILLION, draw_curves, name_axes, new_axes
from rsbd.recipes import rosenfeld
from rsbd.recipes.rosenfeld import LeastSquares, closed_form_radius
from rsbd.types import Floats, Ints
from rsbd.words import count, percent


def radii_by_miss(keep: float, misses: Sequence[float]) -> tuple[Ints, Ints]:
    """Return the certified label flips for each miss, for two classes, by the closed form and exactly.

    Examples
    --------
    >>> radii_by_miss(0.8, [1e-3, 1e-6])
    (array([3, 7]), array([ 5, 14]))
    """
    some, noise = np.asarray(misses, dtype=float), Flip(keep)
    bounds = Bounds(np.zeros(len(some), np.int64), some, some, 0.0)
    exact = radius(bounds, Smoothing(labels=noise)).radius
    return np.maximum(closed_form_radius(some, noise), 0), np.maximum(exact, 0).astype(np.int64)


def certified_share(dataset: Dataset, keep: float, flips: int, times: float = 1) -> float:
    """Return the certified accuracy against label flips, by the exact trade-off, for a multiple of the default penalty.

    Examples
    --------
    >>> from rsbd.data import load
    >>> certified_share(load("digits", view="unit", classes=(0, 1)), keep=0.8, flips=5) > 0.8
    True
    """
    # Without a factor, `rosenfeld` computes the penalty itself.
    penalty = None if times == 1 else times * LeastSquares.fit(dataset.x).penalty
    return rosenfeld(dataset, keep, penalty=penalty).certificate.accuracy(dataset.y_test, flips)


@self_check
def check_smallest_keep(answer: Any, dataset: Dataset, flips: int = 1, share: float = 0.5) -> Verdict:
    """Check the smallest keep, in steps of 0.01, that certifies a share of the practice points."""
    hints, trial = HINTS["check_smallest_keep"], dataset.hold_out()
    if not is_number(answer) or not 0 < answer < 1:
        return verdict(hints, "no_probability", answer=answer)
    if answer <= 0.5:
        return verdict(hints, "flipped", keep=answer)
    if abs(100 * answer - round(100 * answer)) > 1e-6:
        return verdict(hints, "step")
    here = certified_share(trial, answer, flips)
    less = certified_share(trial, answer - 0.01, flips) if answer > 0.515 else 0.0
    case = "drowned" if here < share else "less" if less >= share else "right"
    test = certified_share(dataset, answer, flips) if case == "right" else 0.0
    shares = {"here": percent(here), "next": percent(less), "test": percent(test)}
    return verdict(hints, case, keep=answer, flips=count(flips, "flip"), **shares)


@self_check
def check_penalty(answer: Any, dataset: Dataset, keep: float, flips: int) -> Verdict:
    """Check a ridge penalty, as a multiple of the default, that certifies more practice points than the default."""
    hints, trial = HINTS["check_penalty"], dataset.hold_out()
    if not is_number(answer) or answer < 0:
        return verdict(hints, "no_multiple", answer=answer)
    if answer == 1:
        return verdict(hints, "default")
    found, before = (certified_share(trial, keep, flips, times) for times in (answer, 1))
    influence = LeastSquares.fit(trial.x, answer * LeastSquares.fit(trial.x).penalty).influence(trial.x_test)
    weights = np.sort(np.abs(influence), axis=1)
    words = {
        "found": percent(found),
        "before": percent(before),
        "flips": flips,
        "num_rows": trial.num_rows,
        "heaviest": percent(float(np.median(weights[:, -flips:].sum(axis=1) / weights.sum(axis=1)))),
        "margin": float(np.median(np.abs(influence @ trial.y - 0.5))),
    }
    if found <= before:
        return verdict(hints, "too_little" if answer < 1 else "too_much", **words)
    test, usually = (percent(certified_share(dataset, keep, flips, times)) for times in (answer, 1))
    return verdict(hints, "right", test=test, usually=usually, **words)


def draw_flips(weights: Floats, y: Ints, certified: int, seed: int = 0) -> Axes:
    """Draw the score of one point by number of flipped labels, for the heaviest labels and for random ones.

    Parameters
    ----------
    weights : ndarray, (rows,)
        Influence of every label on the point.
    y : array of int, (rows,)
        Labels 0 and 1.
    certified : int
        Number of flips that is proved to be harmless.
    """
    (label,), (needed,) = fewest_flips(weights[None], y)
    side = 1.0 if label == 1 else -1.0
    worst = heaviest(weights[None], y, np.array([label]))
    many = min(len(y), 2 * int(needed))
    ax, curves = new_axes(9, 4.5), {}
    chance = np.random.default_rng(seed).permutation(len(y))
    for name, rows in (("heaviest labels flipped", worst), ("random labels flipped", chance)):
        moves = weights[rows[:many]] * np.where(y[rows[:many]] == 1, -1, 1)
        curves[name] = 0.5 + side * (weights @ y - 0.5 + np.concatenate([[0], moves.cumsum()]))
    draw_curves(ax, np.arange(many + 1), curves)
    ax.axhline(0.5, color="#444", linestyle=":", linewidth=2, label="below: the other answer")
    ax.plot(needed, 0.5, "o", color=VERMILLION, markersize=11, label=f"{needed} flips change the answer")
    ax.axvspan(0, certified, color=BLUE, alpha=0.12, label=f"certified: {certified} flips")
    return name_axes(ax, "flipped training labels (L0)", "score of the answer", xlim=(0, many))


def draw_radii(keep: float, smallest: float = 1e-12) -> Axes:
    """Draw the certified flips by miss, exactly and by the closed form."""
    misses = np.logspace(np.log10(0.5), np.log10(smallest), 300)[1:]
    closed, exact = radii_by_miss(keep, misses.tolist())
    ax = new_axes(9, 4.5)
    draw_curves(ax, misses, {"exact": exact, "closed form": closed}, drawstyle="steps-post")
    names = "miss (upper bound), smaller to the right", "certified label flips (L0)"
    return name_axes(ax, *names, xscale="log", xlim=(0.5, smallest))
