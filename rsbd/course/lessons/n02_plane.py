"""Notebook 02: what votes prove, tried out in the plane and on fair coins, and the self-checks."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from scipy.special import ndtri

from rsbd import bounds
from rsbd.certify import ABSTAIN, Certificate, radius
from rsbd.course.lessons.drawing import name_axes, write_at
from rsbd.course.lessons.self_check import HINTS, Verdict, fewest_that, is_number, judge_number, self_check, verdict
from rsbd.errors import InputError
from rsbd.noises import Gaussian, Smoothing
from rsbd.panels.plane.compute import WORLD
from rsbd.plots import STYLES, new_axes
from rsbd.types import Floats, Ints
from rsbd.words import percent

Point = tuple[float, float]


def plane_votes(point: Point, sigma: float, num: int, seed: int = 0) -> Ints:
    """Return the votes of noisy copies of a point of the plane, as an array (1, 2): for A, for B.

    Examples
    --------
    >>> plane_votes((0, 0), sigma=0.05, num=100)
    array([[100,   0]])
    """
    _, labels = WORLD.votes(point, sigma, (seed, 0), num)
    return np.bincount(labels, minlength=2)[None]


def plane_radius(point: Point, sigma: float, num: int, alpha: float = 0.001) -> tuple[int, float]:
    """Return the label (0 A, 1 B, -1 abstain) and the certified L2 radius of a point; 100 other votes pick the label.

    Examples
    --------
    >>> label, size = plane_radius((0, 0), sigma=0.1, num=1000)
    >>> label, round(size, 3)
    (0, 0.246)
    """
    selection = plane_votes(point, sigma, 100, seed=1)
    evidence = bounds.clopper_pearson(plane_votes(point, sigma, num), alpha, selection)
    found = _certified(evidence, sigma)
    return int(found.label[0]), float(found.radius[0])


def around(point: Point, size: float, sigma: float, num: int = 20_000) -> Floats:
    """Return the share of votes for A at eight points of a circle, from the east counter-clockwise."""
    angles = np.arange(8) * np.pi / 4
    ring = [(point[0] + size * np.cos(a), point[1] + size * np.sin(a)) for a in angles]
    return np.array([plane_votes(p, sigma, num)[0, 0] / num for p in ring])


def broken(rule: str, num: int = 1000, alpha: float = 0.05, trials: int = 5000, seed: int = 0) -> float:
    """Return the share of experiments in which the lower bound is above the truth.

    A valid rule stays at or below ``alpha``.

    Each experiment throws a fair coin, so the claim "the top side has a probability above one half" is always false.

    Parameters
    ----------
    rule : {"same votes", "shared", "other votes"}
        The same votes pick the top side and bound it at ``alpha``; the same votes do so at ``alpha / 2``; other votes
        pick it.

    Examples
    --------
    >>> broken("same votes") > 0.05 >= broken("shared")
    True
    """
    rng = np.random.default_rng(seed)
    counts, others = (_coins(rng.binomial(n, 0.5, trials), n) for n in (num, 100))
    if rule == "shared":
        evidence = bounds.simultaneous(counts, alpha)
    elif rule in ("same votes", "other votes"):
        evidence = bounds.clopper_pearson(counts, alpha, counts if rule == "same votes" else others)
    else:
        raise InputError(f"there is no rule {rule!r}", "choose 'same votes', 'shared' or 'other votes'")
    return float(np.mean(evidence.miss < 0.5))


def peeking(bound: str, every: int = 10, alpha: float = 0.05) -> float:
    """Return the share of 2,000 fair coins that are "proved" unfair if one looks after every few of 1,000 throws.

    Parameters
    ----------
    bound : {"simultaneous", "anytime"}
        Clopper and Pearson's bound, which holds for one look, or the bound that holds at every look.

    Examples
    --------
    >>> peeking("simultaneous") > 0.05 >= peeking("anytime")
    True
    """
    if bound not in ("simultaneous", "anytime"):
        raise InputError(f"there is no bound {bound!r}", "choose 'simultaneous' or 'anytime'")
    heads = (np.random.default_rng(0).random((2000, 1000)) < 0.5).cumsum(axis=1)
    proved = np.zeros(len(heads), bool)
    for n in range(every, heads.shape[1] + 1, every):
        proved |= getattr(bounds, bound)(_coins(heads[:, n - 1], n), alpha).miss < 0.5
    return float(proved.mean())


def _by_others(votes: Sequence[int], alpha: float) -> bounds.Bounds:
    """Bound the miss of one point, whose label, the first one, other votes have selected."""
    return bounds.clopper_pearson([votes], alpha, [[1, 0]])


def _certified(evidence: bounds.Bounds, sigma: float) -> Certificate:
    return radius(evidence, Smoothing(test=Gaussian(sigma)))


def _coins(heads: Ints, num: int) -> Ints:
    return np.column_stack([heads, num - heads]).astype(np.int64)


def most_radius(num: int, sigma: float, alpha: float = 0.001) -> float:
    """Return the certified radius when all votes agree, the largest one for this number of votes.

    Examples
    --------
    >>> round(most_radius(1000, sigma=0.5), 3)
    1.232
    """
    return max(float(_certified(_by_others([num, 0], alpha), sigma).radius[0]), 0.0)


def draw_radius_by_sigma(point: Point, sigmas: Sequence[float], num: int) -> Axes:
    """Draw the certified radius of a point by sigma: a line for each label, a gray area where it abstains."""
    found = [plane_radius(point, sigma, num) for sigma in sigmas]
    ax = new_axes(9, 4.2)
    for label, name in enumerate("AB"):
        sizes = [size if which == label else np.nan for which, size in found]
        colour, dashes = STYLES[label]
        ax.plot(sigmas, sizes, color=colour, linestyle=dashes, linewidth=3)
        if not np.all(np.isnan(sizes)):
            at = int(np.nanargmax(sizes))
            write_at(ax, f"answers {name}", (sigmas[at], sizes[at]), (-8, 8), fontsize=14, ha="right")
    silent = [sigma for sigma, (which, _) in zip(sigmas, found, strict=True) if which == ABSTAIN]
    if silent:
        ax.axvspan(min(silent), max(silent), color="#bbbbbb", alpha=0.5, linewidth=0)
        ax.text(float(np.mean(silent)), 0.05, "abstains", fontsize=14, ha="center", rotation=90, va="bottom")
    return name_axes(ax, "sigma (units of the plane)", "certified L2 radius", size=14, ylim=(0, None))


def draw_radius_by_votes(shares: Sequence[float], numbers: Sequence[int], alpha: float = 0.001) -> Axes:
    """Draw the certified radius, in sigma, by number of votes, for shares of votes, and dashed lines at its limits."""
    ax = new_axes(9, 4.2)
    for i, share in enumerate(shares):
        counts = np.array([[round(share * n), n - round(share * n)] for n in numbers])
        evidence = bounds.clopper_pearson(counts, alpha, [[1, 0]] * len(numbers))
        sizes = np.maximum(_certified(evidence, 1.0).radius, 0)
        colour, _ = STYLES[i % len(STYLES)]
        ax.plot(numbers, sizes, color=colour, linewidth=3, marker="os^D"[i % 4], markersize=7)
        words = "all agree" if share == 1 else f"{percent(share)} agree"
        write_at(ax, words, (numbers[-1], sizes[-1]), (8, -18 if share < 1 else -4), fontsize=14)
        if share < 1:
            ax.axhline(float(ndtri(share)), color=colour, linestyle="--", linewidth=1.5)
    limits = {"xscale": "log", "xlim": (numbers[0], numbers[-1] * 6), "ylim": (0, None)}
    return name_axes(ax, "number of votes", "certified L2 radius (in sigma)", size=14, **limits)


def check_radius(answer: Any, votes: int, num: int, sigma: float, alpha: float = 0.001) -> Verdict:
    """Check a certified radius, to three decimals, from votes for a label that other votes have selected.

    Examples
    --------
    >>> check_radius(1.163, votes=990, num=1000, sigma=0.5)
    Not yet. That takes the share of the votes for the probability. First bound the probability from below.
    """
    counts = [votes, num - votes]
    rules = [_by_others(counts, alpha), bounds.simultaneous([counts], alpha), bounds.anytime([counts], alpha)]
    truth, shared, watched = (float(_certified(evidence, sigma).radius[0]) for evidence in rules)
    p_a = 1 - float(rules[0].miss[0])
    mistakes = {
        "share": float(sigma * ndtri(votes / num)),
        "in_sigma": float(ndtri(p_a)),
        "p_a": p_a,
        "shared": shared,
        "watched": watched,
    }
    words = {"p_a": p_a, "deviations": ndtri(p_a)}
    return judge_number(answer, truth, HINTS["check_radius"], mistakes, words)


@self_check
def check_abstain(answer: Any, cases: Mapping[str, tuple[int, int]], alpha: float = 0.001) -> Verdict:
    """Check in which cases the smoothed classifier abstains.

    Parameters
    ----------
    answer : collection of str
        Names of the cases.
    cases : mapping from name to (votes for the label, number of votes)

    Examples
    --------
    >>> check_abstain([], {"a": (6, 10), "b": (900, 1000)})
    Not yet. A majority is not enough: in case a the bound on the probability is 0.141, not above one half.
    """
    hints = HINTS["check_abstain"]
    if isinstance(answer, str):
        answer = re.findall(r"\w+", answer)
    if isinstance(answer, Collection):
        answer = [str(name).strip().lower() for name in answer]
    if not isinstance(answer, Collection) or not all(name in tuple(cases) for name in answer):
        return verdict(hints, "no_list", answer=answer, cases=", ".join(cases))
    evidence = {name: _by_others([votes, num - votes], alpha) for name, (votes, num) in cases.items()}
    silent = [name for name, some in evidence.items() if _certified(some, 1.0).label[0] == ABSTAIN]
    wrong = [name for name in answer if name not in silent] + [name for name in silent if name not in answer]
    if not wrong:
        return verdict(hints, "right")
    case, (votes, num), least = wrong[0], cases[wrong[0]], 1 - evidence[wrong[0]].miss[0]
    words = {"case": case, "share": percent(votes / num), "num": num, "least": least}
    return verdict(hints, "missed" if case in silent else "answered", **words)


@self_check
def check_enough(answer: Any, wanted: float, sigma: float, alpha: float = 0.001) -> Verdict:
    """Check the fewest votes that certify a radius when all of them agree.

    Examples
    --------
    >>> check_enough(1000, wanted=1.5, sigma=0.5)
    Not yet. 1,000 votes certify at most 1.232: more are needed.
    """
    hints, fewest = HINTS["check_enough"], fewest_that(lambda num: most_radius(num, sigma, alpha) >= wanted)
    if is_number(answer) and math.isfinite(answer):
        if 0 < answer < 1:
            return verdict(hints, "probability")
        if answer != round(answer):
            return verdict(hints, "whole")
        if 1 <= answer < fewest:
            return verdict(hints, "more", number=int(answer), reached=most_radius(int(answer), sigma, alpha))
        if answer > fewest:
            return verdict(hints, "fewer")
    return judge_number(answer, fewest, hints, {}, {"fewest": fewest, "alpha": alpha})
