"""Which class has the nearest row: a race of independent arrivals, bounded from both sides."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ROUNDING = 1e-10  # of sums of some thousand positive terms


class Race(NamedTuple):
    """Bounds on the probability of each class that the nearest row is of that class, shape (points, classes).

    Attributes
    ----------
    upper : array
        At least the probability.
    miss : array
        At least one minus the probability: `1 - miss` is the lower bound, without its loss of digits near 1.
    """

    upper: Floats
    miss: Floats


def race(low: Floats, high: Floats, radii: Floats, log_concave: bool) -> Race:
    """Bound who is first from bounds on the hazards of all.

    Parameters
    ----------
    low, high : array, shape (points, classes, radii)
        Bounds on each class's cumulative hazard: `-log P(no row of the class within r)`.
    radii : array, shape (radii,)
        Where they hold, rising.
    log_concave : bool
        Whether the true hazards are convex in the radius.
    """
    classes = low.shape[1]
    others = 1.0 - np.eye(classes)
    rest_low, rest_high = others @ low, others @ high
    upper = first(high, rest_low, rest_high, radii, log_concave)
    miss = first(rest_high, low, high, radii, log_concave)
    return Race(upper, miss)


def first(runner: Floats, low: Floats, high: Floats, radii: Floats, log_concave: bool) -> Floats:
    """Upper bound on the probability that the runner arrives before the other, in closed form on each cell.

    The probability is `- integral of H dR`, with the survival functions `R` of the runner and `H` of the other. Both
    fall, so making the runner early and the other late can only raise it. On a cell from `r_k` to `r_(k+1)`:

    * `R` is at least the exponential through its ends, as `-log R` is convex;
    * `H` is at most the exponential that goes on with the slope of the cell before, as `-log H` is convex. Without
      convexity its slope is 0: the plain upper sum.

    Two exponentials with rates `b` (the runner) and `a` give `H_k R_k b / (a + b) (1 - e^-(a + b))`.

    Parameters
    ----------
    runner : array, shape (..., radii)
        Upper bound on the runner's cumulative hazard.
    low, high : array, shape (..., radii)
        Bounds on the hazard of the other.
    """
    runner = np.maximum.accumulate(runner, axis=-1)
    rate = np.diff(runner, axis=-1)
    total = rate.copy()
    if log_concave:
        widths = np.diff(radii)
        before = np.maximum(low[..., 1:-1] - high[..., :-2], 0.0) * (widths[1:] / widths[:-1])
        total[..., 1:] += before
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total > 0, -np.expm1(-total) / total, 1.0)
    cells = np.exp(-low[..., :-1] - runner[..., :-1]) * rate * share
    # Whatever arrives before the first radius counts, and so does whatever has not arrived at the last one.
    ends = -np.expm1(-runner[..., 0]) + np.exp(-low[..., -1] - runner[..., -1])
    bound: Floats = np.minimum((cells.sum(axis=-1) + ends) * (1 + ROUNDING), 1.0)
    return bound
