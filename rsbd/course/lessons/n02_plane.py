"""Lesson 02: what votes prove, tried out in the plane and on coins whose probability is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from rsbd import bounds
from rsbd.certify import ABSTAIN, radius
from rsbd.errors import InputError
from rsbd.noises import Gaussian
from rsbd.noises.smoothing import Smoothing
from rsbd.panels.plane import World
from rsbd.plots import STYLES, new_axes
from rsbd.types import Ints
from rsbd.words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]


def plane_votes(point: Point, sigma: float, num: int, seed: int = 0) -> Ints:
    """Votes of noisy copies of a point of the plane, as an array (1, 2): for A, for B.

    Examples
    --------
    >>> plane_votes((0, 0), sigma=0.05, num=100)
    array([[100,   0]])
    """
    _, labels = World().votes(point, sigma, (seed, 0), num)
    return np.bincount(labels, minlength=2)[None]


def plane_radius(point: Point, sigma: float, num: int, alpha: float = 0.001) -> tuple[int, float]:
    """Label (0 A, 1 B, -1 abstain) and certified L2 radius of a point; 100 other votes pick the label.

    Examples
    --------
    >>> label, size = plane_radius((0, 0), sigma=0.1, num=1000)
    >>> label, round(size, 3)
    (0, 0.246)
    """
    selection = plane_votes(point, sigma, 100, seed=1)
    evidence = bounds.clopper_pearson(plane_votes(point, sigma, num), alpha, selection)
    found = radius(evidence, Smoothing(test=Gaussian(sigma)))
    return int(found.label[0]), float(found.radius[0])


def around(point: Point, size: float, sigma: float, num: int = 20_000) -> NDArray[np.float64]:
    """Share of votes for A at eight points of the circle around a point, east first, then counter-clockwise."""
    angles = np.arange(8) * np.pi / 4
    ring = [(point[0] + size * np.cos(a), point[1] + size * np.sin(a)) for a in angles]
    return np.array([plane_votes(p, sigma, num)[0, 0] / num for p in ring])


def broken(rule: str, num: int = 1000, alpha: float = 0.05, trials: int = 5000, seed: int = 0) -> float:
    """Share of experiments in which the lower bound is above the truth; a valid rule stays at or below ``alpha``.

    Each experiment throws a fair coin: "the top side has a probability above one half" is then always false.

    Parameters
    ----------
    rule : {"same votes", "shared", "other votes"}
        The same votes pick the top side and bound it at ``alpha``; they do so at ``alpha / 2``; others pick it.

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


def peeking(
    bound: str, num: int = 1000, every: int = 10, alpha: float = 0.05, trials: int = 2000, seed: int = 0
) -> float:
    """Share of fair coins that are ever "proved" unfair by somebody who looks after every few throws.

    Parameters
    ----------
    bound : {"simultaneous", "anytime"}
        Clopper and Pearson's bound, made for one look, or the one that holds at every look.

    Examples
    --------
    >>> peeking("simultaneous") > 0.05 >= peeking("anytime")
    True
    """
    if bound not in ("simultaneous", "anytime"):
        raise InputError(f"there is no bound {bound!r}", "choose 'simultaneous' or 'anytime'")
    heads = (np.random.default_rng(seed).random((trials, num)) < 0.5).cumsum(axis=1)
    proved = np.zeros(trials, bool)
    for n in range(every, num + 1, every):
        proved |= getattr(bounds, bound)(_coins(heads[:, n - 1], n), alpha).miss < 0.5
    return float(proved.mean())


def _coins(heads: NDArray[np.integer], num: int) -> Ints:
    return np.column_stack([heads, num - heads]).astype(np.int64)


def most_radius(num: int, sigma: float, alpha: float = 0.001) -> float:
    """Radius when all votes agree: no more can be proved with so many.

    Examples
    --------
    >>> round(most_radius(1000, sigma=0.5), 3)
    1.232
    """
    evidence = bounds.clopper_pearson([[num, 0]], alpha, [[1, 0]])
    return max(float(radius(evidence, Smoothing(test=Gaussian(sigma))).radius[0]), 0.0)


def draw_radius_by_sigma(point: Point, sigmas: Sequence[float], num: int) -> Axes:
    """Draw the certified radius of a point by sigma, a line for each label, nothing where it abstains."""
    found = [plane_radius(point, sigma, num) for sigma in sigmas]
    ax = new_axes(9, 4.2)
    for label, name in enumerate("AB"):
        sizes = [size if which == label else np.nan for which, size in found]
        colour, dashes = STYLES[label]
        ax.plot(sigmas, sizes, color=colour, linestyle=dashes, linewidth=3)
        if not np.all(np.isnan(sizes)):
            at = int(np.nanargmax(sizes))
            words = f"answers {name}"
            ax.annotate(words, (sigmas[at], sizes[at]), (-8, 8), textcoords="offset points", fontsize=14, ha="right")
    silent = [sigma for sigma, (which, _) in zip(sigmas, found, strict=True) if which == ABSTAIN]
    if silent:
        ax.axvspan(min(silent), max(silent), color="#bbbbbb", alpha=0.5, linewidth=0)
        ax.text(float(np.mean(silent)), 0.05, "abstains", fontsize=14, ha="center", rotation=90, va="bottom")
    return _axes(ax, "sigma (units of the plane)")


def draw_radius_by_votes(shares: Sequence[float], numbers: Sequence[int], alpha: float = 0.001) -> Axes:
    """Draw the certified radius, in sigma, by number of votes, for shares of votes; dashed: for ever more votes."""
    ax = new_axes(9, 4.2)
    for i, share in enumerate(shares):
        counts = np.array([[round(share * n), n - round(share * n)] for n in numbers])
        evidence = bounds.clopper_pearson(counts, alpha, [[1, 0]] * len(numbers))
        sizes = np.maximum(radius(evidence, Smoothing(test=Gaussian(1.0))).radius, 0)
        colour, _ = STYLES[i % len(STYLES)]
        ax.plot(numbers, sizes, color=colour, linewidth=3, marker="os^D"[i % 4], markersize=7)
        words = "all agree" if share == 1 else f"{percent(share)} agree"
        ax.annotate(
            words, (numbers[-1], sizes[-1]), (8, -18 if share < 1 else -4), textcoords="offset points", fontsize=14
        )
        if share < 1:
            ax.axhline(float(ndtri(share)), color=colour, linestyle="--", linewidth=1.5)
    ax.set_xscale("log")
    ax.set_xlim(numbers[0], numbers[-1] * 6)
    return _axes(ax, "number of votes", "certified L2 radius (in sigma)")


def _axes(ax: Axes, xlabel: str, ylabel: str = "certified L2 radius") -> Axes:
    ax.set_xlabel(xlabel, fontsize=14)
    ax.set_ylabel(ylabel, fontsize=14)
    ax.set_ylim(0, None)
    ax.tick_params(labelsize=13)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax
