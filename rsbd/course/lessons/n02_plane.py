"""Notebook 02: what votes prove, tried out in the plane and on fair coins, and the self-checks."""

from typing import Any

import numpy as np
from scipy.special import ndtri

from rsbd import bounds
from rsbd.certify import radius
from rsbd.course.lessons.cell_output import figure
from rsbd.course.lessons.self_check import HINTS, Verdict, judge_number
from rsbd.errors import check_among
from rsbd.noises import Gaussian, Smoothing
from rsbd.panels import Picture
from rsbd.panels.plane.compute import CLASSES, WORLD, PlaneParams, compute_plane
from rsbd.plots import draw_curves, name_axes, new_axes
from rsbd.types import Floats, Ints

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
    check_among("rule", rule, ("same votes", "shared", "other votes"))
    rng = np.random.default_rng(seed)
    counts, others = (_coins(rng.binomial(n, 0.5, trials), n) for n in (num, 100))
    if rule == "shared":
        evidence = bounds.simultaneous(counts, alpha)
    else:
        evidence = bounds.clopper_pearson(counts, alpha, counts if rule == "same votes" else others)
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
    check_among("bound", bound, ("simultaneous", "anytime"))
    heads = (np.random.default_rng(0).random((2000, 1000)) < 0.5).cumsum(axis=1)
    proved = np.zeros(len(heads), bool)
    for n in range(every, heads.shape[1] + 1, every):
        proved |= getattr(bounds, bound)(_coins(heads[:, n - 1], n), alpha).miss < 0.5
    return float(proved.mean())


def best_of(settings: int, chosen_on: str, num: int = 1000, alpha: float = 0.05, trials: int = 10_000) -> float:
    """Return the share of experiments in which the bound at the best of some settings is above the truth.

    In every setting the two labels are equally probable, so no bound above one half is true. Other votes pick the
    label of each setting, so each bound by itself is wrong with probability at most ``alpha``.

    Parameters
    ----------
    settings : int
        How many settings are tried.
    chosen_on : {"certified points", "practice points"}
        The setting with the best bound is chosen by the votes that are certified, or by votes of their own.

    Examples
    --------
    >>> best_of(10, "certified points") > 0.3, best_of(10, "practice points") <= 0.05
    (True, True)
    """
    check_among("chosen_on", chosen_on, ("certified points", "practice points"))
    rng = np.random.default_rng(0)

    def misses() -> Floats:
        votes = rng.binomial(num, 0.5, trials * settings)  # for the label that other votes have picked
        known, where = np.unique(votes, return_inverse=True)
        bounded = bounds.clopper_pearson(_coins(known, num), alpha, [[1, 0]] * len(known))
        return bounded.miss[where].reshape(trials, settings)

    certified = misses()
    seen = certified if chosen_on == "certified points" else misses()
    return float(np.mean(certified[np.arange(trials), seen.argmin(axis=1)] < 0.5))


def _coins(heads: Ints, num: int) -> Ints:
    return np.column_stack([heads, num - heads]).astype(np.int64)


def draw_radius_by_sigma(point: Point, num: int) -> Picture:
    """Show the certified radius of a point by sigma: a line for each label, a gray area where it abstains."""
    sigmas = np.arange(2, 81) / 40
    found = [compute_plane(PlaneParams(*point, sigma, num)) for sigma in sigmas.tolist()]
    labels, sizes = np.array([one.label for one in found]), np.array([one.radius for one in found])
    ax = new_axes(9, 4.2)
    by_answer = {name: np.where((labels == name) & (sizes >= 0), sizes, np.nan) for name in CLASSES}
    draw_curves(ax, sigmas, {f"answers {name}": seen for name, seen in by_answer.items()})
    said = [
        f"Answer {name}: at most {np.nanmax(seen):.2f}, at sigma {sigmas[np.nanargmax(seen)]:g}."
        for name, seen in by_answer.items()
        if np.isfinite(seen).any()
    ]
    silent = sigmas[sizes < 0]
    if len(silent):
        ax.axvspan(silent.min(), silent.max(), color="#bbbbbb", alpha=0.5, linewidth=0, label="abstains")
        said.append(f"It abstains between sigma {silent.min():g} and {silent.max():g}.")
    name_axes(ax, "sigma (units of the plane)", "certified L2 radius", ylim=(0, None))
    caption = f"The certified radius of the point {point}, with {num:,} votes for each sigma. {' '.join(said)}"
    return figure(ax, "Certified radius of a point by sigma, with a line for each answer.", caption)


def check_radius(answer: Any, votes: int, num: int, sigma: float, alpha: float = 0.001) -> Verdict:
    """Check a certified radius, to three decimals, from votes for a label that other votes have selected.

    Examples
    --------
    >>> check_radius(1.163, votes=990, num=1000, sigma=0.5)
    Not yet. That takes the share of the votes for the probability. First bound the probability from below.
    """
    counts = [votes, num - votes]
    by_others = bounds.clopper_pearson([counts], alpha, [[1, 0]])  # other votes selected the first label
    rules = by_others, bounds.simultaneous([counts], alpha), bounds.anytime([counts], alpha)
    truth, shared, watched = (float(radius(rule, Smoothing(test=Gaussian(sigma))).radius[0]) for rule in rules)
    p_a = 1 - float(by_others.miss[0])
    mistakes = {
        "share": float(sigma * ndtri(votes / num)),
        "in_sigma": float(ndtri(p_a)),
        "p_a": p_a,
        "shared": shared,
        "watched": watched,
    }
    return judge_number(answer, truth, HINTS["check_radius"], mistakes, p_a=p_a, deviations=ndtri(p_a))
