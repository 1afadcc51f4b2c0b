"""The probability that one of two independent arrivals is first, bounded from above on a grid of radii."""

from typing import NamedTuple

import numpy as np

from rsbd.types import Floats

ROUNDING = 1e-10  # relative error allowed to sums of a few thousand positive terms


class Race(NamedTuple):
    """Bounds on the probability that each class is the label, shape (points, classes).

    Attributes
    ----------
    upper : array
        Upper bound on the probability.
    miss : array
        Upper bound on 1 minus the probability. `1 - miss` is the lower bound, but would lose digits near 1.
    """

    upper: Floats
    miss: Floats


class Arrival(NamedTuple):
    """Bounds on the law of an arrival, which happens at a random radius; arrays (..., radii).

    Attributes
    ----------
    low, high : array
        The cumulative hazard `-log P(no arrival within r)`.
    flat, steep : array, shape (..., radii - 1)
        Between neighbouring radii, the probability of no arrival is at most an exponential that starts from its value
        at the first radius and falls at the rate `flat`, and at least one that falls at the rate `steep`.
    """

    low: Floats
    high: Floats
    flat: Floats
    steep: Floats

    @classmethod
    def first(cls, low: Floats, high: Floats, radii: Floats, convex: bool) -> "Arrival":
        """Bound the first arrival of several rows, from the sum of their hazards.

        A convex hazard stays below its chord, and above the line that continues the slope of the cell before.
        """
        high = np.maximum.accumulate(high, axis=-1)
        return cls(low, high, _going_on(low, high, radii, convex), np.diff(high, axis=-1))

    @classmethod
    def later(
        cls, low: Floats, high: Floats, total_low: Floats, total_high: Floats, radii: Floats, convex: bool
    ) -> "Arrival":
        """Bound a later arrival of several rows, from its own hazard and the sum of theirs.

        The probability of no arrival is `e^-H g`, where `H` is the sum of the hazards and `g` a sum of products of the
        odds; both are convex. So it is at least an exponential with the chord of `H` and the slope of `g` in the cell
        before, and at most one with the slope of `H` in the cell before and the chord of `g`.
        """
        high = np.maximum.accumulate(high, axis=-1)
        steep, flat = np.diff(high, axis=-1), np.zeros_like(high[..., 1:])
        if convex:
            # Lower and upper bounds on the rise of log g = H - hazard from one radius to the next.
            least = np.maximum((total_low - high)[..., 1:] - (total_high - low)[..., :-1], 0.0)
            most = np.maximum((total_high - low)[..., 1:] - (total_low - high)[..., :-1], 0.0)
            widths = np.diff(radii)
            gain = np.zeros_like(least)
            gain[..., 1:] = np.log1p(-np.expm1(-least[..., :-1]) * (widths[1:] / widths[:-1]))
            steep = np.maximum(steep, total_high[..., 1:] - total_low[..., :-1] - gain)
            flat = np.maximum(_going_on(total_low, total_high, radii, convex) - np.expm1(np.minimum(most, 700.0)), 0.0)
        return cls(low, high, flat, steep)


def arrives_first(runner: Arrival, other: Arrival) -> Floats:
    """Return an upper bound on the probability that the runner arrives before the other, in closed form on each cell.

    The probability is `- integral of H dR`, with the survival functions `R` of the runner and `H` of the other. Both
    fall, so an earlier runner and a later other can only raise it. On a cell, an exponential with rate `b` for `R` and
    one with rate `a` for `H` contribute `H R b / (a + b) (1 - e^-(a + b))`. Where the exponential for `R` ends below
    the bound at the next radius, `R` jumps up again, and the weight of `H` at that jump is subtracted. Without slopes,
    with `H` constant on the cell, the contribution is the plain upper sum. The smaller of the two is used.
    """
    rate = np.diff(runner.high, axis=-1)
    start = np.exp(-other.low[..., :-1] - runner.high[..., :-1])
    total = runner.steep + other.flat
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total > 0, -np.expm1(-total) / total, 1.0)
    jump = np.exp(-other.high[..., 1:] - runner.high[..., 1:]) * -np.expm1(rate - runner.steep)
    cells = start * runner.steep * share * (1 + ROUNDING) - jump * (1 - ROUNDING)
    cells = np.minimum(cells, start * -np.expm1(-rate))
    # Arrivals before the first radius count in full, and so does the case that neither has arrived at the last one.
    ends = -np.expm1(-runner.high[..., 0]) + np.exp(-other.low[..., -1] - runner.high[..., -1])
    return np.asarray(np.minimum((cells.sum(axis=-1) + ends) * (1 + ROUNDING), 1.0))


def _going_on(low: Floats, high: Floats, radii: Floats, convex: bool) -> Floats:
    """Return a lower bound on the rise of a convex function in each cell, from its slope in the cell before."""
    rise = np.zeros_like(low[..., 1:])
    if convex:
        widths = np.diff(radii)
        rise[..., 1:] = np.maximum(low[..., 1:-1] - high[..., :-2], 0.0) * (widths[1:] / widths[:-1])
    return rise
