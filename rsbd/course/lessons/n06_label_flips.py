"""Notebook 06: radii and pictures of label flips, and the self-checks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rsbd.attacks.label_flips import fewest_flips, heaviest
from rsbd.bounds import Bounds
from rsbd.certify import radius
from rsbd.course.lessons.drawing import BLUE, INK, VERMILLION, name_axes, write_at
from rsbd.course.lessons.self_check import HINTS, Mistakes, Verdict, is_number, judge_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.noises import Flip, Smoothing
from rsbd.plots import new_axes
from rsbd.recipes import rosenfeld
from rsbd.recipes.least_squares import LeastSquares, closed_form_radius
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


def check_closed_form(answer: Any, miss: float, flip: float) -> Verdict:
    """Check a radius that was computed by hand with the closed form.

    Examples
    --------
    >>> check_closed_form(3, miss=0.01, flip=0.25)
    Not yet. Rounded the wrong way: the formula gives an upper limit, and flips are whole.
    """
    (closed,), (exact,) = radii_by_miss(1 - flip, [miss])
    up, odds = float(np.log(4 * miss * (1 - miss))), float(np.log(flip / (1 - flip)))
    full = up / (2 * (1 - 2 * flip) * odds)
    mistakes: Mistakes = {
        "above": int(closed) + 1,
        "exact": int(exact),
        "twice": int(2 * full),
        "no_factor": int(full * (1 - 2 * flip)),
        "digits": (round(full, 1), round(full, 2), round(full, 3)),
    }
    return judge_number(answer, int(closed), HINTS["check_closed_form"], mistakes, {"full": full})


def certified_share(dataset: Dataset, flip: float, flips: int, penalty: float | None = None) -> float:
    """Return the certified accuracy against a number of label flips, by the exact trade-off.

    Examples
    --------
    >>> from rsbd.data import load
    >>> certified_share(load("digits", view="unit", classes=(0, 1)), flip=0.2, flips=5) > 0.8
    True
    """
    return rosenfeld(dataset, 1 - flip, penalty=penalty).certificate.accuracy(dataset.y_test, flips)


@self_check
def check_most_noise(answer: Any, dataset: Dataset, flips: int = 1, share: float = 0.5) -> Verdict:
    """Check the largest flip probability, in steps of 0.01, that certifies a share of the test images."""
    hints = HINTS["check_most_noise"]
    if not is_number(answer):
        return verdict(hints, "no_number", answer=answer)
    if not 0 < answer < 1:
        return verdict(hints, "no_probability", flip=answer)
    if answer >= 0.5:
        return verdict(hints, "keep", flip=answer)
    if abs(100 * answer - round(100 * answer)) > 1e-6:
        return verdict(hints, "step")
    here = certified_share(dataset, answer, flips)
    more = certified_share(dataset, answer + 0.01, flips) if answer < 0.485 else 0.0
    case = "drowned" if here < share else "more" if more >= share else "right"
    return verdict(hints, case, flip=answer, here=percent(here), flips=count(flips, "flip"), next=percent(more))


@self_check
def check_penalty(answer: Any, dataset: Dataset, flip: float, flips: int) -> Verdict:
    """Check a ridge penalty, as a multiple of the default, that certifies more than the default does."""
    hints = HINTS["check_penalty"]
    if not is_number(answer):
        return verdict(hints, "no_number", answer=answer)
    if answer < 0:
        return verdict(hints, "impossible", reason=f"{answer:g} times the default is negative")
    default = LeastSquares.fit(dataset.x).penalty
    try:
        model = LeastSquares.fit(dataset.x, answer * default)
    except InputError as error:
        return verdict(hints, "impossible", reason=error)
    found, before = (certified_share(dataset, flip, flips, answer * default), certified_share(dataset, flip, flips))
    if found <= before and answer == 1:
        return verdict(hints, "default")
    influence = model.influence(dataset.x_test)
    weights = np.sort(np.abs(influence), axis=1)
    words = {
        "found": percent(found),
        "before": percent(before),
        "flips": flips,
        "num_rows": dataset.num_rows,
        "heaviest": percent(float(np.median(weights[:, -flips:].sum(axis=1) / weights.sum(axis=1)))),
        "margin": float(np.median(np.abs(influence @ dataset.y - 0.5))),
    }
    return verdict(hints, "right" if found > before else "too_little" if answer < 1 else "too_much", **words)


def chernoff_exponents(weights: Floats, y: Ints, keep: float, t: Floats) -> Floats:
    """Return the logarithm of Chernoff's bound on ``P(score <= 1/2)`` for each ``t``.

    Labels are kept with probability ``keep``.

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

    For the answer 0 the two labels are exchanged, which is allowed since the weights on a point add up to 1.
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
    write_at(ax, said, (t[best], bound[best]), (0, -14), ha="center", va="top")
    return name_axes(ax, "t", "bound on the miss", yscale="log", ylim=(bound[best] / 4, 2))


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
        write_at(ax, name, (at, scores[at]), (0, 10))
    ax.axhline(0.5, color=VERMILLION, linewidth=2)
    write_at(ax, "the other answer wins below", (0, 0.5), (4, -16), fontsize=12)
    ax.plot(needed, 0.5, "o", color=VERMILLION, markersize=11)
    write_at(ax, f"{needed} flips turn it", (needed, 0.5), (8, 8))
    ax.axvspan(0, certified, color=BLUE, alpha=0.12)
    bottom = ("data", "axes fraction")
    write_at(ax, f"certified: {certified}", (certified, 0.03), (-6, 0), xycoords=bottom, ha="right")
    return name_axes(ax, "flipped training labels (L0)", "score of the answer", xlim=(0, many))


def draw_radii(keep: float, smallest: float = 1e-12) -> Axes:
    """Draw the certified flips by miss, exactly and by the closed form."""
    misses = np.logspace(np.log10(0.5), np.log10(smallest), 300)[1:]
    closed, exact = radii_by_miss(keep, misses.tolist())
    ax = new_axes(9, 4.5)
    for radii, colour, style, name in ((exact, BLUE, "-", "exact"), (closed, VERMILLION, "--", "closed form")):
        ax.step(misses, radii, where="post", color=colour, linestyle=style, linewidth=3)
        write_at(ax, name, (misses[200], radii[200]), (-6, 8), ha="right", fontsize=14)
    names = "miss (upper bound), smaller to the right", "certified label flips (L0)"
    return name_axes(ax, *names, xscale="log", xlim=(0.5, smallest))
