"""Who comes first: a race of two independent arrivals, bounded from both sides on a grid of radii."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rsbd.types import Floats

ROUNDING = 1e-10  # of sums of some thousand positive terms


class Race(NamedTuple):
    """Bounds on the probability of each class that it is the label, shape (points, classes).

    Attributes
    ----------
    upper : array
        At least the probability.
    miss : array
        At least one minus the probability: `1 - miss` is the lower bound, without its loss of digits near 1.
    """

    upper: Floats
    miss: Floats


class Arrival(NamedTuple):
    """Bounds on the law of the radius at which something has come; arrays (..., radii).

    Attributes
    ----------
    low, high : array
        The cumulative hazard, `-log P(not yet within r)`.
    flat, steep : array, shape (..., radii - 1)
        From radius to radius, the probability of "not yet" is at most an exponential that starts where it is and falls
        at the rate `flat`, and at least one that falls at the rate `steep`.
    """

    low: Floats
    high: Floats
    flat: Floats
    steep: Floats

    @classmethod
    def first(cls, low: Floats, high: Floats, radii: Floats, convex: bool) -> Arrival:
        """Bound the first of several rows, from their hazards added up.

        A convex hazard stays below its chord, and above the line that goes on with the slope of the cell before.
        """
        high = np.maximum.accumulate(high, axis=-1)
        return cls(low, high, _going_on(low, high, radii, convex), np.diff(high, axis=-1))

    @classmethod
    def later(
        cls, low: Floats, high: Floats, total_low: Floats, total_high: Floats, radii: Floats, convex: bool
    ) -> Arrival:
        """Bound a later one of several rows, given its own hazard and theirs added up.

        Not yet is `e^-H g`, with `H` the hazards added up and `g` a sum of products of their odds: both are convex. So
        it is at least an exponential with the chord of `H` and the slope that `g` had before, and at most one with the
        slope that `H` had before and the chord of `g`.
        """
        high = np.maximum.accumulate(high, axis=-1)
        steep, flat = np.diff(high, axis=-1), np.zeros_like(high[..., 1:])
        if convex:
            # log g = H - hazard, so that between radii it rises by at least and at most
            least = np.maximum((total_low - high)[..., 1:] - (total_high - low)[..., :-1], 0.0)
            most = np.maximum((total_high - low)[..., 1:] - (total_low - high)[..., :-1], 0.0)
            widths = np.diff(radii)
            gain = np.zeros_like(least)
            gain[..., 1:] = np.log1p(-np.expm1(-least[..., :-1]) * (widths[1:] / widths[:-1]))
            steep = np.maximum(steep, total_high[..., 1:] - total_low[..., :-1] - gain)
            flat = np.maximum(_going_on(total_low, total_high, radii, convex) - np.expm1(np.minimum(most, 700.0)), 0.0)
        return cls(low, high, flat, steep)


def first(runner: Arrival, other: Arrival) -> Floats:
    """Upper bound on the probability that the runner arrives before the other, in closed form on each cell.

    The probability is `- integral of H dR`, with the survival functions `R` of the runner and `H` of the other. Both
    fall, so making the runner early and the other late can only raise it. On a cell, an exponential with rate `b` for
    `R` and one with rate `a` for `H` give `H R b / (a + b) (1 - e^-(a + b))`. Where the one for `R` ends below the
    bound at the next radius, `R` jumps up again, and what `H` weighs there is too much; without any slopes (`H` as it
    was all over the cell) it is the plain upper sum. The smaller of the two counts.
    """
    rate = np.diff(runner.high, axis=-1)
    start = np.exp(-other.low[..., :-1] - runner.high[..., :-1])
    total = runner.steep + other.flat
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total > 0, -np.expm1(-total) / total, 1.0)
    jump = np.exp(-other.high[..., 1:] - runner.high[..., 1:]) * -np.expm1(rate - runner.steep)
    cells = start * runner.steep * share * (1 + ROUNDING) - jump * (1 - ROUNDING)
    cells = np.minimum(cells, start * -np.expm1(-rate))
    # Whatever arrives before the first radius counts, and so does whatever has not arrived at the last one.
    ends = -np.expm1(-runner.high[..., 0]) + np.exp(-other.low[..., -1] - runner.high[..., -1])
    bound: Floats = np.minimum((cells.sum(axis=-1) + ends) * (1 + ROUNDING), 1.0)
    return bound


def _going_on(low: Floats, high: Floats, radii: Floats, convex: bool) -> Floats:
    """At least the rise of a convex function in each cell, by the slope of the cell before."""
    rise = np.zeros_like(low[..., 1:])
    if convex:
        widths = np.diff(radii)
        rise[..., 1:] = np.maximum(low[..., 1:-1] - high[..., :-2], 0.0) * (widths[1:] / widths[:-1])
    return rise
