"""How far away a noised row is: the law of its distance, tabulated with an error on either side.

A row at distance `a` from the point, under Gaussian noise of standard deviation 1, ends up at a distance whose
square is non-central chi-square: `dim` degrees of freedom, non-centrality `a^2`. What is tabulated is the
cumulative hazard `-log P(distance > r)`: those of independent rows add up.

No series is cut off blindly and nothing cancels. The law is a Poisson mixture of central ones, whose distribution
functions differ by positive terms,

    F(r; a) = sum_j Poisson(j; a^2 / 2) F_j,    F_j = F_(j+1) + x^s e^-x / Gamma(s + 1),  s = dim/2 + j,  x = r^2 / 2,

so `F`, `1 - F` and the derivative are each a matrix product of positive numbers, with a known relative error.

The hazard falls with the non-centrality and is convex in it: `S_j = 1 - F_j` is log-concave in `j`, since `S_j` over
`S_(j+1) - S_j` is `s` times the integral of `v^(s-1) e^(-x(v-1))` over `v > 1`, which grows with `s`; and a Poisson
mixture of a log-concave sequence is log-concave in its mean (Karlin 1968, chapter 3).

In two dimensions and more the hazard is also convex in `t = r^2`, so in `r`: the density `f` of `t` has

    (log f)' = (dim/2 - 1)/t - 1/2 + (a^2/2) I_(v+1)(z) / (z I_v(z)),    v = dim/2 - 1,  z = a sqrt(t),

whose last term is `a^2` times the sum of `1 / (z^2 + j^2)` over the positive zeros `j` of `J_v` and so falls, as the
first one does; and a log-concave density has a log-concave tail.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammainc, gammaincc, gammaln, xlogy

from rsbd.types import Floats

UNIT = 2.0**-53
# Poisson terms that are left out have this probability together, by Chernoff's bounds.
LEFT_OUT = 1e-60
# Allowed to scipy's incomplete gamma functions, of which one row each is used; the tests see less than 1e-12.
TRUSTED = 1e-10
HELD = 1 << 21  # terms of the mixture, times radii, held at once


class Hazards(NamedTuple):
    """Cumulative hazards for each non-centrality and each radius.

    Attributes
    ----------
    low, high : array, shape (nodes, radii)
        The hazard, rounded down and up.
    bend : array, shape (nodes - 1, radii)
        A part `w` of the way from one node to the next, the hazard is at most its chord, and at least the chord
        less `w (1 - w) bend`.
    """

    low: Floats
    high: Floats
    bend: Floats


def hazards(dim: int, nodes: Floats, radii: Floats) -> Hazards:
    """Tabulate, for noise of standard deviation 1.

    Parameters
    ----------
    dim : int
        Number of features.
    nodes : array, shape (nodes,)
        Non-centralities (squared distances), rising.
    radii : array, shape (radii,)
        Distances after the noise, rising.

    Examples
    --------
    >>> import numpy as np
    >>> found = hazards(2, np.array([0.0, 1.0]), np.array([2.0]))  # in the plane, from the centre: r^2 / 2
    >>> bool(found.low[0, 0] <= 2 <= found.high[0, 0])
    True
    """
    mean = nodes / 2
    reach = -np.log(LEFT_OUT / 2)
    first = max(0, int(mean[0] - np.sqrt(2 * reach * mean[0])))
    last = int(mean[-1] + reach / 3 + np.sqrt(reach**2 / 9 + 2 * reach * mean[-1])) + 1
    j = np.arange(first, last + 1.0)
    chance = np.exp(xlogy(j, mean[:, None]) - mean[:, None] - gammaln(j + 1))
    size = max(1, HELD // len(j))
    parts = [_part(dim, nodes, j, chance, radii[i : i + size]) for i in range(0, len(radii), size)]
    return Hazards(*(np.concatenate(part, axis=1) for part in zip(*parts, strict=True)))


def _part(dim: int, nodes: Floats, j: Floats, chance: Floats, radii: Floats) -> Hazards:
    x, s = radii**2 / 2, (dim / 2 + j)[:, None]
    power, factorial = xlogy(s, x), gammaln(s + 1)
    step = np.exp(power - x - factorial)  # S_(j+1) - S_j = F_j - F_(j+1)
    below = gammainc(s[-1] + 1, x) + np.cumsum(step[::-1], axis=0)[::-1]
    above = gammaincc(s[0], x) + np.cumsum(np.concatenate([0 * step[:1], step[:-1]]), axis=0)
    F, S, change = chance @ below, chance @ above, chance @ step / 2

    largest = max(float(np.abs(a[np.isfinite(a)]).max(initial=0)) for a in (power, x, factorial, nodes))
    slack = TRUSTED + UNIT * (64 * largest + 8 * len(j) + 64)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        hazard = np.where(F < 0.5, -np.log1p(-np.minimum(F, 0.5)), -np.log(S))
        low = np.where(F < 0.5, hazard, -np.log(S + LEFT_OUT)) * (1 - 4 * slack)
        # Where S underflows: no distance is more likely within r than a Gaussian number's, which gives the ceiling.
        high = np.minimum(hazard * (1 + 4 * slack) + 4 * LEFT_OUT, x + radii + 1)
        # Convex: above the tangents at both ends, so above their mean with weights 1 - w and w.
        slope = change / S
        fall = slope[:-1] * (1 + 4 * slack) - slope[1:] * (1 - 4 * slack) + LEFT_OUT / S[:-1]
        bend = np.maximum(fall, 0) * np.diff(nodes)[:, None] * (1 + 8 * UNIT)
    return Hazards(np.maximum(low, 0.0), high, np.nan_to_num(bend, nan=1e200, posinf=1e200))
