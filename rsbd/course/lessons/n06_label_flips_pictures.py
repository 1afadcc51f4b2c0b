"""Pictures of the lesson on label flips: one point's score, Chernoff's bound, and two ways to a radius."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rsbd.attacks.label_flips import fewest_flips, heaviest
from rsbd.course.lessons.n06_label_flips import radii_by_miss
from rsbd.course.lessons.pictures import finish
from rsbd.plots import new_axes
from rsbd.types import Floats, Ints

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, VERMILLION, INK = "#0072b2", "#d55e00", "#1a1a1a"


def chernoff_exponents(weights: Floats, y: Ints, keep: float, t: Floats) -> Floats:
    """Logarithm of Chernoff's bound on ``P(score <= 1/2)`` for each ``t``, where labels are kept with ``keep``.

    Examples
    --------
    >>> chernoff_exponents(np.full(4, 0.25), np.ones(4, int), 0.75, np.array([0.0, 2.0])).round(3)
    array([ 0.   , -0.399])
    """
    one = np.where(y == 1, keep, 1 - keep)
    factors = one * np.exp(-np.outer(t, weights)) + 1 - one
    return np.asarray(t / 2 + np.log(factors).sum(axis=1))


def draw_chernoff(weights: Floats, y: Ints, keep: float) -> Axes:
    """Draw the bound as a function of ``t`` and mark its smallest value.

    For the answer 0 the two labels change places: the weights on a point add up to 1.
    """
    y = y if weights @ y > 0.5 else 1 - y
    t = np.linspace(0, 1, 400)
    while chernoff_exponents(weights, y, keep, t[-1:])[0] < 0 and t[-1] < 1e6:
        t = 2 * t  # until the bound is back at 1
    bound = np.exp(chernoff_exponents(weights, y, keep, t))
    best = int(bound.argmin())
    ax = new_axes(9, 4)
    ax.plot(t, bound, color=BLUE, linewidth=3)
    ax.plot(t[best], bound[best], "o", color=VERMILLION, markersize=11)
    said = f"the best t: the miss is at most {bound[best]:.2g}"
    ax.annotate(said, (t[best], bound[best]), (0, -14), textcoords="offset points", ha="center", va="top", fontsize=13)
    ax.set_yscale("log")
    ax.set_ylim(bound[best] / 4, 2)
    return finish(ax, "t", "bound on the miss")


def draw_flips(weights: Floats, y: Ints, certified: int, seed: int = 0) -> Axes:
    """Draw the score of one point by number of flipped labels: the heaviest ones, and random ones.

    Parameters
    ----------
    weights : ndarray, (rows,)
        Influence of every label on the point.
    y : array of int, (rows,)
        Labels 0 and 1.
    certified : int
        Flips that are proved to be harmless.
    """
    (label,), (needed,) = fewest_flips(weights[None], y)
    side = 1.0 if label == 1 else -1.0
    worst = heaviest(weights[None], y, np.array([label]))
    many = min(len(y), 2 * int(needed))
    ax = new_axes(9, 4.5)
    steps = np.arange(many + 1)
    for rows, colour, style, name in (
        (np.random.default_rng(seed).permutation(len(y)), INK, "--", "random labels flipped"),
        (worst, BLUE, "-", "the heaviest labels flipped"),
    ):
        moves = weights[rows[:many]] * np.where(y[rows[:many]] == 1, -1, 1)
        scores = 0.5 + side * (weights @ y - 0.5 + np.concatenate([[0], moves.cumsum()]))
        ax.plot(steps, scores, color=colour, linestyle=style, linewidth=3)
        at = round(0.68 * many)
        ax.annotate(name, (at, scores[at]), (0, 10), textcoords="offset points", fontsize=13)
    ax.axhline(0.5, color=VERMILLION, linewidth=2)
    ax.annotate("the other answer wins below", (0, 0.5), (4, -16), textcoords="offset points", fontsize=12)
    ax.plot(needed, 0.5, "o", color=VERMILLION, markersize=11)
    ax.annotate(f"{needed} flips turn it", (needed, 0.5), (8, 8), textcoords="offset points", fontsize=13)
    ax.axvspan(0, certified, color=BLUE, alpha=0.12)
    ax.annotate(f"certified: {certified}", (certified, 0.03), (-6, 0), xycoords=("data", "axes fraction"),
                textcoords="offset points", ha="right", fontsize=13)  # fmt: skip
    ax.set_xlim(0, many)
    return finish(ax, "flipped training labels (L0)", "score of the answer")


def draw_radii(keep: float, smallest: float = 1e-12) -> Axes:
    """Draw the certified flips by miss, exactly and by the closed form."""
    misses = np.logspace(np.log10(0.5), np.log10(smallest), 300)[1:]
    closed, exact = radii_by_miss(keep, misses.tolist())
    ax = new_axes(9, 4.5)
    for radii, colour, style, name in ((exact, BLUE, "-", "exact"), (closed, VERMILLION, "--", "closed form")):
        ax.step(misses, radii, where="post", color=colour, linestyle=style, linewidth=3)
        ax.annotate(name, (misses[200], radii[200]), (-6, 8), textcoords="offset points", ha="right", fontsize=14)
    ax.set_xscale("log")
    ax.set_xlim(0.5, smallest)
    return finish(ax, "miss (upper bound), smaller to the right", "certified label flips (L0)")
