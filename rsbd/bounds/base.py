"""What is known of each point, and at which level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rsbd.errors import InputError
from rsbd.types import Floats, Ints


@dataclass(frozen=True, eq=False)
class Bounds:
    """Evidence for a batch of points.

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
        Probability that a point's bounds do not hold, or those of any point where `points` is `"all"`.
    points : str
        What `alpha` speaks of: `"each"` point by itself, or `"all"` of them at once.
    """

    label: Ints
    miss: Floats
    runner_up: Floats
    alpha: float
    points: str = "each"


def over_points(alpha: float, num_points: int, points: str = "all") -> float:
    """Level of each point's bounds, so that with probability `1 - alpha` those of all points hold together.

    A statement about each point may be wrong for a share `alpha` of them; "these 900 predictions cannot be
    changed" needs all of them to be right. Bonferroni's `alpha / num_points` gives that however the points
    depend on each other, as they do: the same models vote on all of them.

    Parameters
    ----------
    alpha : float
        Failure probability over all points.
    num_points : int
        Number of points that the statement could be about, also those that it leaves out in the end.
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
    """Raise for a failure probability that is none."""
    if not 0 < alpha < 1:
        raise InputError(f"alpha is {alpha!r}, but it is a failure probability", "give a number between 0 and 1")
