"""The law of a noised row's distance, tabulated with rigorous bounds from both sides, and counts of rows.

Under Gaussian noise of standard deviation 1, a row at distance `a` from the point moves to a distance whose square is
non-central chi-square with `dim` degrees of freedom and non-centrality `a^2`. The table holds the cumulative hazard
`-log P(distance > r)`, because the hazards of independent rows add up.

Every truncated series has a bound on its remainder, and nothing cancels. The law is a Poisson mixture of central laws,
whose distribution functions differ by positive terms,

    F(r; a) = sum_j Poisson(j; a^2 / 2) F_j,    F_j = F_(j+1) + x^s e^-x / Gamma(s + 1),  s = dim/2 + j,  x = r^2 / 2,

so `F`, `1 - F` and the derivative are matrix products of positive numbers, with known relative errors.

The hazard falls with the non-centrality and is convex in it: `S_j = 1 - F_j` is log-concave in `j`, since `S_j` over
`S_(j+1) - S_j` is `s` times the integral of `v^(s-1) e^(-x(v-1))` over `v > 1`, which grows with `s`; and a Poisson
mixture of a log-concave sequence is log-concave in its mean (Karlin 1968, chapter 3).

In two dimensions and more the hazard is also convex in `t = r^2`, so in `r`: the density `f` of `t` has

    (log f)' = (dim/2 - 1)/t - 1/2 + (a^2/2) I_(v+1)(z) / (z I_v(z)),    v = dim/2 - 1,  z = a sqrt(t),

whose last term is `a^2` times the sum of `1 / (z^2 + j^2)` over the positive zeros `j` of `J_v`. It falls with `t`, as
the first term does, so the density is log-concave; and a log-concave density has a log-concave tail.

Rows are counted by class and tabulated distance, so that the hazards of classes are counts times the table. A row
between two distances counts partly for each. This gives the chord of the hazard, an upper bound; the chord minus the
bend of the cell is a lower bound.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import gammainc, gammaincc, gammaln, xlogy

from rsbd.bounds.nearest.race import ROUNDING
from rsbd.types import UNIT, Bools, Floats, Ints

# Total probability of the Poisson terms that are left out, by Chernoff's bounds.
_LEFT_OUT = 1e-60
# Relative error allowed to scipy's incomplete gamma functions, of which one row each is used; tests see below 1e-12.
_TRUSTED = 1e-10
_HELD = 1 << 21  # terms of the mixture times radii in one block


class Hazards(NamedTuple):
    """Cumulative hazards for each non-centrality and each radius.

    Attributes
    ----------
    low, high : array, shape (nodes, radii)
        The hazard, rounded down and up.
    bend : array, shape (nodes - 1, radii)
        At the fraction `w` of the way from one node to the next, the hazard is at most its chord and at least the chord
        minus `w (1 - w) bend`.
    """

    low: Floats
    high: Floats
    bend: Floats


def hazards(dim: int, nodes: Floats, radii: Floats) -> Hazards:
    """Tabulate the hazards for noise of standard deviation 1.

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
    reach = -np.log(_LEFT_OUT / 2)
    first = max(0, int(mean[0] - np.sqrt(2 * reach * mean[0])))
    last = int(mean[-1] + reach / 3 + np.sqrt(reach**2 / 9 + 2 * reach * mean[-1])) + 1
    j = np.arange(first, last + 1.0)
    chance = np.exp(xlogy(j, mean[:, None]) - mean[:, None] - gammaln(j + 1))
    size = max(1, _HELD // len(j))
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
    slack = _TRUSTED + UNIT * (64 * largest + 8 * len(j) + 64)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        hazard = np.where(F < 0.5, -np.log1p(-np.minimum(F, 0.5)), -np.log(S))
        low = np.where(F < 0.5, hazard, -np.log(S + _LEFT_OUT)) * (1 - 4 * slack)
        # Where S underflows, a ceiling applies: no distance is more likely within r than that of one Gaussian number.
        high = np.minimum(hazard * (1 + 4 * slack) + 4 * _LEFT_OUT, x + radii + 1)
        # The hazard is convex, so it lies above the tangents at both ends, and above their mean with weights 1 - w, w.
        slope = change / S
        fall = slope[:-1] * (1 + 4 * slack) - slope[1:] * (1 - 4 * slack) + _LEFT_OUT / S[:-1]
        bend = np.maximum(fall, 0) * np.diff(nodes)[:, None] * (1 + 8 * UNIT)
    return Hazards(np.maximum(low, 0.0), high, np.nan_to_num(bend, nan=1e200, posinf=1e200))


@dataclass(frozen=True)
class Nodes:
    """Tabulated distances: those of equal steps of `sqrt(distance^2 + dim / 2)` that are used."""

    dim: int
    start: float
    step: float
    used: Bools

    @classmethod
    def between(cls, dim: int, low: float, high: float, step: float) -> "Nodes":
        """Return nodes from just below one value of this square root to just above another."""
        start = max(float(np.sqrt(dim / 2)), low - 0.01)
        return cls(dim, start, step, np.ones(2 + int((high - start) / step), bool))

    def beside(self, *squares: Floats) -> "Nodes":
        """Return the first node and those at the ends of these squares' cells: no row counts for the others."""
        used = np.zeros_like(self.used)
        for cell in (np.zeros(1, np.int64), *(self.place(some)[0] for some in squares)):
            used[cell] = used[cell + 1] = True
        return Nodes(self.dim, self.start, self.step, used)

    @cached_property
    def squares(self) -> Floats:
        """Squared distances, rising from 0 or more."""
        roots = self.start + self.step * np.flatnonzero(self.used)
        return np.asarray(np.maximum(np.square(roots) - self.dim / 2, 0.0))

    def place(self, squares: Floats) -> tuple[Ints, Floats]:
        """Return the cell of each square and its relative position in the cell, in [0, 1]."""
        cell = ((np.sqrt(squares + self.dim / 2) - self.start) / self.step).astype(np.int64)
        cell = (np.cumsum(self.used) - 1)[np.clip(cell, 0, len(self.used) - 2)]
        start = self.squares[cell]
        return cell, np.clip((squares - start) / np.diff(self.squares)[cell], 0.0, 1.0)

    def single(self, squares: Floats, error: Floats, table: Hazards) -> tuple[Floats, Floats]:
        """Return bounds on the hazard of one row for each point, at (points,) squared distances: (points, radii)."""
        cell, part = self.place(np.maximum(squares - error, 0.0))
        high = _chord(table.high, cell, part) * (1 + ROUNDING)
        cell, part = self.place(squares + error)
        bend = (part * (1 - part))[:, None] * table.bend[cell]
        low = _chord(table.low, cell, part) * (1 - ROUNDING) - bend * (1 + ROUNDING)
        low[squares + error > self.squares[-1]] = 0.0
        return _rising(low), high


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of each class at the nodes, (points, classes, nodes), and the largest distance of hazards from chords."""

    near: Floats  # with each row as near as its error allows
    far: Floats  # with each row as far as its error allows; rows beyond the last node are left out
    bend: Floats  # sum of w (1 - w) over the rows in each cell

    @classmethod
    def of(cls, squares: Floats, error: Floats, nodes: Nodes, y: Ints, classes: int) -> "Counts":
        """Count squared distances (points, rows), known up to an error (points, 1), by label."""
        shape = (len(squares), classes, len(nodes.squares))
        line = (np.arange(len(squares))[:, None] * classes + y) * len(nodes.squares)

        def total(place: Ints, weights: Floats) -> Floats:
            return np.bincount(place.ravel(), weights.ravel(), int(np.prod(shape))).reshape(shape).astype(np.float64)

        cell, part = nodes.place(np.maximum(squares - error, 0.0))
        near = total(line + cell, 1 - part) + total(line + cell + 1, part)
        cell, part = nodes.place(squares + error)
        here = np.where(squares + error <= nodes.squares[-1], 1.0, 0.0)
        far = total(line + cell, here * (1 - part)) + total(line + cell + 1, here * part)
        return cls(near, far, total(line + cell, here * part * (1 - part))[..., :-1])

    def high(self, table: Hazards) -> Floats:
        """Return an upper bound on the hazard of each class, (points, classes, radii)."""
        return _product(self.near, table.high) * (1 + ROUNDING)

    def low(self, table: Hazards) -> Floats:
        """Return a lower bound on the hazard of each class, (points, classes, radii)."""
        chord, bend = _product(self.far, table.low), _product(self.bend, table.bend)
        return _rising(chord * (1 - ROUNDING) - bend * (1 + ROUNDING))


def _rising(low: Floats) -> Floats:
    """Return the running maximum: a lower bound at one radius also holds beyond it, where tables may be weaker."""
    return np.asarray(np.maximum(np.maximum.accumulate(low, axis=-1), 0.0))


def _chord(table: Floats, cell: Ints, part: Floats) -> Floats:
    return table[cell] * (1 - part)[:, None] + table[cell + 1] * part[:, None]


def _product(counts: Floats, table: Floats) -> Floats:
    return np.asarray(counts.reshape(-1, counts.shape[-1]) @ table).reshape(*counts.shape[:-1], -1)
