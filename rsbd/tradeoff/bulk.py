"""Trade-offs of discrete laws in float64, rounded outward, for many probabilities at once.

Why the value is never too small
--------------------------------
By weak duality every slope `t >= 0` bounds the trade-off: `upper(p) <= t p + sum max(0, Q_i - t P_i)`. The slope used
here is the computed ratio of the level that contains `p`. So an error in the order of the levels, or in the choice of
the level, costs tightness and never soundness. Only rounding remains, and nothing cancels:

* every level is a positive number with relative error at most `slack`; the sums of the first levels `SP`, `SQ` have
  relative error at most `slack + n u`, with `n` levels and `u = 2^-53`;
* levels before the chosen one have ratios of at least `t (1 - 2 slack - 2 u)`, so `t SP <= SQ (1 + small)`: each of the
  terms of `SQ + t (p - SP)` is at most the value itself, up to that factor;
* hence the computed value has relative error at most `6 slack + 2 n u + 12 u`. `FloatCurve.margin` is larger than that,
  and also covers half an ulp of rounding in `p`.

`P` is stored times `SCALE`, so that it is a normal float64 number wherever it could matter for a float64 `p > 0`. A
level whose `P` is still smaller counts as `P = 0`: all of its `Q` is lost. A level whose `Q` is below `TINY` leaves the
sums, and its `Q` is added to the result.
"""

import operator
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from functools import reduce
from itertools import accumulate, repeat
from typing import NamedTuple

import numpy as np

from rsbd.tradeoff.parts import Flips, Part, Table
from rsbd.types import UNIT, Floats

SCALE_BITS = 450
SCALE = 2.0**SCALE_BITS
TINY = 2.0**-1000
# Beyond this many changes the recurrence in decimals replaces exact integers: it is as sound, and much faster.
_EXACT_CHANGES = 200


class FloatLevels(NamedTuple):
    """Levels in order of falling `Q / P`: `P` times `SCALE`, `Q`, and bounds on the errors."""

    P: Floats
    Q: Floats
    slack: float  # bound on the relative error of every entry
    lost: float  # Q of the omitted levels
    singular: float  # Q of the outcomes that have P = 0, rounded up


@dataclass(frozen=True, eq=False)
class FloatCurve:
    """A trade-off curve in float64."""

    corner_p: Floats
    corner_q: Floats
    slope: Floats
    margin: float
    lost: float
    singular: float

    def upper(self, p: Floats) -> Floats:
        """Return `upper(p)`, too large by at most a relative `margin` and never too small."""
        scaled = p * SCALE
        i = np.searchsorted(self.corner_p, scaled, side="right") - 1
        with np.errstate(over="ignore"):
            value = self.corner_q[i] + self.slope[i] * (scaled - self.corner_p[i])
        value = np.minimum(value * (1 + self.margin) + self.lost + TINY, 1.0)  # TINY: subnormal results
        return np.where(p > 0, np.maximum(value, p), self.singular)

    def inverse_half(self) -> float:
        """Return a `p`, as large as rounding allows, below which `upper` is under 1/2."""
        target = (0.5 - self.lost - TINY) / (1 + 2 * self.margin)
        i = int(np.searchsorted(self.corner_q, target, side="right")) - 1
        if i + 1 == len(self.corner_q) or self.singular >= 0.5 or target <= 0:
            return 0.0
        slope = self.slope[i]
        ahead = 0.0 if np.isinf(slope) else (target - self.corner_q[i]) / slope
        # Take the next float below, since a subnormal result may have been rounded up by more than the margin.
        return max(0.0, float(np.nextafter((self.corner_p[i] + ahead) / SCALE * (1 - 2 * self.margin), -1)))


def float_curve(levels: FloatLevels) -> FloatCurve:
    """Return the curve through the levels."""
    n = len(levels.P)
    with np.errstate(divide="ignore"):
        slope = levels.Q / levels.P
    corner_p, corner_q = (np.concatenate(([0.0], np.cumsum(law))) for law in (levels.P, levels.Q))
    margin = 8 * levels.slack + 4 * n * UNIT + 32 * UNIT
    # Beyond the last level the curve is flat.
    return FloatCurve(corner_p, corner_q, np.append(slope, 0.0), margin, levels.lost, levels.singular)


def float_levels(parts: tuple[Part, ...]) -> FloatLevels:
    """Return the levels of independent parts attacked together, without merging equal ratios."""
    whole = reduce(_product, (_part_levels(part) for part in parts))
    if len(parts) == 1:
        return whole
    with np.errstate(divide="ignore"):
        order = np.argsort(-(whole.Q / whole.P), kind="stable")
    return whole._replace(P=whole.P[order], Q=whole.Q[order])


def _product(a: FloatLevels, b: FloatLevels) -> FloatLevels:
    P, Q = np.outer(a.P, b.P).ravel() / SCALE, np.outer(a.Q, b.Q).ravel()
    return _without_tiny(P, Q, a.slack + b.slack + 4 * UNIT, a.lost + b.lost, _either(a.singular, b.singular))


def _either(a: float, b: float) -> float:
    """Return the probability of at least one of two independent events, rounded up; exact if one is 0 or 1."""
    if 0 in (a, b) or 1 in (a, b):
        return max(a, b)
    return min(1.0, (a + b * (1 - a)) * (1 + 8 * UNIT))


def _without_tiny(P: Floats, Q: Floats, slack: float, lost: float, singular: float) -> FloatLevels:
    keep = Q >= TINY
    dropped = len(Q) - int(np.count_nonzero(keep))
    if dropped:
        P, Q, lost = P[keep], Q[keep], lost + dropped * 2 * TINY
    return FloatLevels(np.where(TINY <= P, P, 0.0), Q, slack, lost, singular)


def _part_levels(part: Part) -> FloatLevels:
    if isinstance(part, Flips) and part.changes > _EXACT_CHANGES and all(part.weights[:2]):
        return _many_changes(part)
    return _from_integers(part)


def _from_integers(part: Flips | Table) -> FloatLevels:
    """Return the exact levels, each correctly rounded, as `int / int` is in Python."""
    key, P, Q, total_p, total_q = part.levels()
    singular = sum(q for k, q in zip(key, Q, strict=True) if k == 0)
    alone = min(1.0, singular / total_q * (1 + 4 * UNIT)) if singular else 0.0
    before, after = np.array([(p << SCALE_BITS) / total_p for p in P]), np.array([q / total_q for q in Q])
    return _without_tiny(before, after, slack=UNIT, lost=0.0, singular=alone)


def _many_changes(part: Flips) -> FloatLevels:
    """Return the levels of thousands of changes, by the recurrence of `parts.power` in decimals of 40 digits.

    The recurrence runs over the lower half only, where all terms are positive (at most 5 roundings in a step). The
    upper half is the lower half times `(B / G)^j`. Dividing by the sum turns both into probabilities. All these errors
    together are far smaller than those of the last step, which rounds to float64.
    """
    B, G, _ = part.weights
    r, middle = part.changes, part.values - 2
    with localcontext(Context(prec=40, Emin=MIN_EMIN, Emax=MAX_EMAX)):
        ratio, lower = Decimal(B) / G, [Decimal(0), Decimal(1)]
        for k in range(1, r + 1):
            lower.append((middle * (r - k + 1) * lower[k] + ratio * (2 * r - k + 2) * lower[k - 1]) / k)
        powers = accumulate(repeat(ratio, r), operator.mul)
        upper = [coefficient * power for coefficient, power in zip(lower[-2:0:-1], powers, strict=True)]
        seen = [coefficient for coefficient in (*lower[1:], *upper) if coefficient]
        scale = Decimal(2) ** SCALE_BITS / sum(seen)
        scaled = np.array([float(c * scale) for c in seen])
    plain = np.ldexp(scaled, -SCALE_BITS)  # exact, but below the smallest normal number, where levels are left out
    step = 1 if B > G else -1  # falling Q / P
    return _without_tiny(scaled[::step], plain[::-1][::step], slack=2 * UNIT, lost=0.0, singular=0.0)
