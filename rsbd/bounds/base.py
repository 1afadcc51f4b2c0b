"""Bounds on the class probabilities of each point, and the sharing of the failure probability."""

from dataclasses import dataclass

import numpy as np

from rsbd.errors import InputError, is_between, is_whole
from rsbd.evasion.triggers import AnyTrigger
from rsbd.types import Floats, Ints


@dataclass(frozen=True, eq=False)
class Bounds:
    """Bounds on the class probabilities of a batch of points.

    Attributes
    ----------
    label : array of int, shape (points,)
        Top class; ties go to the lowest label.
    miss : array of float, shape (points,)
        Upper bound on `1 - P(top class)`. Stored instead of `p_a = 1 - miss`: near 1 a float loses the
        difference.
    runner_up : array of float, shape (points,)
        Upper bound on the probability of every other class; at most `miss`.
    alpha : float
        Probability that a point's bounds fail, or that any point's bounds fail where `points` is `"all"`.
    points : str
        Whether `alpha` holds for `"each"` point by itself or for `"all"` of them at once.
    trigger : AnyTrigger, optional
        If given, votes that such a trigger on the test input can move count as missed, and as votes for every class to
        which it can move them: `miss` and `runner_up` bound the probabilities with these.
    """

    label: Ints
    miss: Floats
    runner_up: Floats
    alpha: float
    points: str = "each"
    trigger: AnyTrigger | None = None


def over_points(alpha: float, num_points: int, points: str = "all") -> float:
    """Return the level for each point such that, with probability `1 - alpha`, the bounds of all points hold.

    A statement about each point may be wrong for a share `alpha` of the points; "these 900 predictions cannot be
    changed" needs all of them to be right. Bonferroni's `alpha / num_points` achieves this under any dependence between
    points; and they do depend on each other, since the same models vote on all of them.

    Parameters
    ----------
    alpha : float
        Failure probability over all points.
    num_points : int
        Number of points that the statement could be about, including those that it leaves out in the end.
    points : str
        `"all"`, or `"each"`, which leaves `alpha` as it is.

    Examples
    --------
    >>> from rsbd.bounds import clopper_pearson
    >>> clopper_pearson([[1000, 0], [700, 300]], alpha=over_points(0.001, 2)).miss.round(4)
    array([0.0083, 0.3525])
    """
    if points not in ("each", "all"):
        raise InputError(f"points is {points!r}", "choose 'each' (alpha for each point) or 'all' (for all at once)")
    check_alpha(alpha)
    return float(np.nextafter(alpha / num_points, 0)) if points == "all" and num_points > 1 else float(alpha)


def check_alpha(alpha: float) -> None:
    """Raise unless 0 < alpha < 1."""
    if not is_between(alpha, 0, 1, "low high"):
        raise InputError(f"alpha is {alpha!r}, but it is a failure probability", "give a number between 0 and 1")


def dkw(num: int, alpha: float) -> float:
    """Return `sqrt(ln(1 / alpha) / (2 num))`, the width of a one-sided band around an empirical distribution.

    Guarantee: with probability `1 - alpha` the true distribution function nowhere exceeds the empirical one plus this
    width.

    Parameters
    ----------
    num : int
        Number of independent scores.
    alpha : float
        Failure probability, at most 1/2.

    Examples
    --------
    >>> round(dkw(1000, 0.001), 4)
    0.0588

    References
    ----------
    Dvoretzky, Kiefer and Wolfowitz (1956); Massart (1990), for one side; used by Kumar et al. (2020).
    """
    if not is_whole(num, 1):
        raise InputError(f"{num!r} scores", "give the number of scores, at least 1")
    if not is_between(alpha, 0, 0.5, "low"):
        raise InputError(f"alpha is {alpha!r}", "the one-sided band needs a number above 0, at most 0.5")
    return float(np.nextafter(np.sqrt(-np.log(alpha) / (2 * num)) * (1 + 1e-15), np.inf))
