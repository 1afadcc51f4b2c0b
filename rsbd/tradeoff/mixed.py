"""The trade-off of a Gaussian shift and a discrete law attacked together.

In discrete level `i` with log-ratio `l_i = log(Q_i / P_i)`, the best event for the attacker takes the half line where
`l_i + (log-ratio of the Gaussian) >= tau`, with one `tau` for all levels. With `z_i = (l_i - tau) / mu - mu / 2`

    P(tau) = sum P_i Phi(z_i),    Q(tau) = sum Q_i Phi(z_i + mu),

and `upper(p) <= e^tau p + Q(tau) - e^tau P(tau)` for **every** `tau`, with equality where `P(tau) = p`. So the search
for `tau` may stop early: this costs tightness (of second order), never soundness. Rounding adds an absolute error,
bounded by `MixedCurve.margin`. Each sum is at most 1, and each of its terms has a relative error of a few ulps, or of a
few ulps times `mu` in the tail. The same `z_i` enter both sums, so an error in them only misplaces the half line, which
is of second order as well.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from rsbd.tradeoff.bulk import SCALE, TINY, FloatLevels
from rsbd.types import UNIT, Floats

# A smaller shift is raised to this one, which costs 4e-11 and keeps (l - tau) / mu accurate.
_SMALLEST_MU = 1e-10
# e^tau must be a finite float; where the best tau is larger, this one still gives a bound.
_FURTHEST_TAU = 650.0
# Cells (levels x probabilities) in one block, which bounds the memory.
_CHUNK = 1 << 20


@dataclass(frozen=True, eq=False)
class MixedCurve:
    """The trade-off of discrete levels with a Gaussian shift `mu`."""

    log_ratio: Floats  # falling
    P: Floats
    Q: Floats
    mu: float
    lost: float  # Q where P is negligible
    margin: float
    singular: float

    def upper(self, p: Floats) -> Floats:
        """Return `upper(p)` for a flat array."""
        distinct, back = np.unique(p, return_inverse=True)
        size = max(1, _CHUNK // max(1, len(self.P)))
        parts = [self._upper(distinct[i : i + size]) for i in range(0, len(distinct), size)]
        return np.concatenate([np.zeros(0), *parts])[back.reshape(-1)]

    def inverse_half(self) -> float:
        """Return a `p`, as large as rounding allows, below which `upper` is under 1/2."""
        from scipy.optimize import brentq  # takes half a second, for which most programs need not wait

        target = 0.5 - self.lost - self.margin
        if target <= 0:
            return 0.0
        low, high = self._range()

        def excess(tau: float) -> float:
            return float(self.Q @ ndtr(self._z(np.array([tau]))[:, 0] + self.mu)) - target

        # At `low` the sum is all of Q. If the best tau is beyond `high`, `high` still gives a bound.
        tau = high if excess(high) >= 0 else float(brentq(excess, low, high, xtol=1e-13))
        above, _ = self._sums(np.array([tau]))
        # For every p, upper(p) <= e^tau p + above + lost + margin. This is solved for upper = 1/2.
        return max(0.0, float((target - above[0]) * np.exp(-tau)) * (1 - 2000 * UNIT) - TINY)

    def _upper(self, p: Floats) -> Floats:
        tau = self._solve(p)
        above, _ = self._sums(tau)
        value = np.exp(tau) * p + above + self.lost + self.margin
        value = np.where(np.isfinite(value), np.clip(value, p, 1.0), 1.0)
        return np.where(p > 0, value, self.singular)

    def _range(self) -> tuple[float, float]:
        reach = (45 + self.mu) * self.mu  # infinite where a power would overflow
        low = float(self.log_ratio.min(initial=0.0)) - reach
        high = float(self.log_ratio.max(initial=0.0)) + reach
        return max(low, -_FURTHEST_TAU), min(high, _FURTHEST_TAU)

    def _z(self, tau: Floats) -> Floats:
        z: Floats = (self.log_ratio[:, None] - tau) / self.mu - self.mu / 2
        return z

    def _sums(self, tau: Floats) -> tuple[Floats, Floats]:
        """Return `Q(tau) - e^tau P(tau)` and `P(tau)`."""
        z = self._z(tau)
        P = self.P @ ndtr(z)
        return self.Q @ ndtr(z + self.mu) - np.exp(tau) * P, P

    def _solve(self, p: Floats) -> Floats:
        """Return `tau` with `P(tau) = p`, by Newton steps on the normal scale inside a shrinking bracket."""
        grid = np.linspace(*self._range(), 65)
        _, heights = self._sums(grid)  # falling in tau
        i = np.clip(len(grid) - np.searchsorted(heights[::-1], p), 1, len(grid) - 1)
        low, high, goal = grid[i - 1], grid[i], ndtri(p)
        tau = (low + high) / 2
        for _ in range(60):
            z = self._z(tau)
            P = self.P @ ndtr(z)
            low, high = np.where(p < P, tau, low), np.where(p < P, high, tau)
            going = (np.exp(tau) * np.abs(P - p) > 1e-13) & (high - low > 1e-14 * (1 + np.abs(tau)))
            if not going.any():
                break
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                at = ndtri(P)
                density = self.P @ np.exp(-z * z / 2) / self.mu
                step = tau + (at - goal) * np.exp(-at * at / 2) / density
            step = np.where((step > low) & (step < high), step, (low + high) / 2)
            tau = np.where(going, step, tau)
        return tau


def mixed_curve(levels: FloatLevels, mu: float) -> MixedCurve:
    """Return the curve of the levels together with a Gaussian shift."""
    mu = max(mu, _SMALLEST_MU)
    P = levels.P / SCALE
    seen = P > 1e-290  # where P is negligible, all of Q is lost
    P, Q = P[seen], levels.Q[seen]
    log_ratio = np.log(Q / P)
    reach = 2 * _FURTHEST_TAU + float(np.abs(log_ratio).max(initial=0.0))
    misplaced = 4 * levels.slack + 4 * UNIT * reach
    lost = (float(levels.Q[~seen].sum()) + levels.lost) * (1 + len(seen) * UNIT)
    margin = (1024 + 8 * len(P) + 64 * mu + 8 * reach) * UNIT + 6 * levels.slack + 2 * misplaced**2 / mu
    return MixedCurve(log_ratio, P, Q, mu, lost, margin, levels.singular)
