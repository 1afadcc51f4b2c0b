"""The laws of the independent discrete parts of the data in exact integers, and their exact trade-off."""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import accumulate
from math import gcd, lcm
from typing import NamedTuple


class Levels(NamedTuple):
    """Outcomes of a part grouped by likelihood ratio, in order of falling `Q / P`, in integers.

    `P[i] / total_p` and `Q[i] / total_q` are the probabilities of level `i`. `key[i]` is `P / Q` times a constant of
    the part: an integer that orders levels exactly, and keys multiply when parts do. Levels with `Q = 0` are omitted
    (they would come last and add nothing), so `P` may sum to less than `total_p`; levels with `P = 0` have key 0 and
    come first.
    """

    key: tuple[int, ...]
    P: tuple[int, ...]
    Q: tuple[int, ...]
    total_p: int
    total_q: int


@dataclass(frozen=True)
class Flips:
    """The law of `changes` changed coordinates, each kept with probability `keep`, else moved to another value.

    With `s` = (outcomes equal to the old value) - (outcomes equal to the new value), the likelihood ratio is
    `P / Q = (B / G)^s`, `P(s)` is a coefficient of `(B z^2 + (K - 2) G z + G)^r / N^r`, and `Q(s) = P(-s)`. Here
    `B / N` is the probability of keeping and `G / N` that of each other value, in lowest terms.

    References
    ----------
    Lee et al., "Tight certificates of adversarial robustness for randomly smoothed classifiers" (2019),
    section 4.
    """

    keep: Fraction
    values: int
    changes: int

    @property
    def weights(self) -> tuple[int, int, int]:
        """Integer weights `(B, G, N)`: keep, move to one given other value, all. `B` and `G` have no common factor."""
        B = self.keep.numerator * (self.values - 1)
        G = self.keep.denominator - self.keep.numerator
        common = gcd(B, G)
        return B // common, G // common, (B + (self.values - 1) * G) // common

    @property
    def trivial(self) -> bool:
        """True if the attacker gains nothing: no change, or noise that hides the data completely."""
        return self.changes == 0 or self.keep * self.values == 1

    def levels(self) -> Levels:
        """Return the exact levels; 2r + 1 of them, r + 1 for two values."""
        B, G, N = self.weights
        r = self.changes
        total = N**r
        if G == 0:
            # Without noise the two data sets give disjoint outcomes, and everything is lost.
            return Levels((0,), (0,), (total,), total, total)
        f = power(B, (self.values - 2) * G, G, r)
        sign = -1 if B > G else 1  # falling Q / P = (G / B)^s
        shifts = [s for s in range(sign * r, -sign * r - sign, -sign) if f[r - s]]
        b = max(B, 1)  # if B = 0, both laws share a single level, and any key above 0 will do
        key = tuple(b ** (r + s) * G ** (r - s) if f[r + s] else 0 for s in shifts)
        return Levels(key, tuple(f[r + s] for s in shifts), tuple(f[r - s] for s in shifts), total, total)

    def __repr__(self) -> str:
        return f"flips(keep={self.keep}, values={self.values}, changes={self.changes})"


@dataclass(frozen=True)
class Table:
    """Any pair of finite laws: integer weights of the same outcomes under `P` and under `Q`."""

    P: tuple[int, ...]
    Q: tuple[int, ...]

    @property
    def trivial(self) -> bool:
        """True if the two laws agree."""
        p, q = sum(self.P), sum(self.Q)
        return all(a * q == b * p for a, b in zip(self.P, self.Q, strict=True))

    def levels(self) -> Levels:
        """Return the exact levels, with equal ratios merged."""
        ratios: dict[Fraction, tuple[int, int]] = {}
        for p, q in zip(self.P, self.Q, strict=True):
            if q:
                ratio = Fraction(p, q)
                old = ratios.get(ratio, (0, 0))
                ratios[ratio] = old[0] + p, old[1] + q
        order = sorted(ratios)
        unit = lcm(*(ratio.denominator for ratio in order))
        key = tuple(ratio.numerator * (unit // ratio.denominator) for ratio in order)
        P, Q = (tuple(ratios[ratio][law] for ratio in order) for law in (0, 1))
        return Levels(key, P, Q, sum(self.P), sum(self.Q))

    def __repr__(self) -> str:
        return f"levels({list(self.P)}, {list(self.Q)})"


Part = Flips | Table


def power(a: int, b: int, c: int, r: int) -> list[int]:
    """Return the coefficients of `(a z^2 + b z + c)^r`, lowest first, for `c > 0`.

    `f = g^r` satisfies `f' g = r g' f`: each coefficient follows from the two before it by small factors,
    so the cost is linear in `r` (times the length of the integers), and every division is exact.

    >>> power(1, 2, 1, 2)
    [1, 4, 6, 4, 1]
    """
    f = [0, c**r]
    for k in range(1, 2 * r + 1):
        f.append((b * (r - k + 1) * f[k] + a * (2 * r - k + 2) * f[k - 1]) // (k * c))
    return f[1:]


def merge(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return the same law with the fewest parts, in canonical order: equal flips are added, trivial parts dropped."""
    flips: dict[tuple[int, Fraction], int] = {}
    tables = []
    for part in parts:
        if part.trivial:
            continue
        if isinstance(part, Flips):
            noise = part.values, part.keep
            flips[noise] = flips.get(noise, 0) + part.changes
        else:
            tables.append(part)
    merged = [Flips(keep, values, changes) for (values, keep), changes in sorted(flips.items())]
    return (*merged, *sorted(tables, key=lambda table: (table.P, table.Q)))


@dataclass(frozen=True)
class ExactCurve:
    """A trade-off curve as a broken line: `corner_p[i]` and `corner_q[i]` are sums of the first `i` levels."""

    corner_p: tuple[int, ...]
    corner_q: tuple[int, ...]
    total_p: int
    total_q: int

    def upper(self, p: Fraction) -> Fraction:
        """Return the largest probability under `Q` of an event with probability at most `p` under `P`."""
        return Fraction(*_follow(self.corner_p, self.corner_q, self.total_p, self.total_q, p))

    def inverse(self, q: Fraction) -> Fraction:
        """Return the `p` at which `upper` reaches `q`, or 0 if it starts above."""
        return Fraction(*_follow(self.corner_q, self.corner_p, self.total_q, self.total_p, q))

    def corners(self) -> list[tuple[Fraction, Fraction]]:
        """Return the corners of the line as `(p, upper(p))`, and its end at `p = 1`."""
        bends = zip(self.corner_p, self.corner_q, strict=True)
        found = [(Fraction(p, self.total_p), Fraction(q, self.total_q)) for p, q in bends]
        return [*found, (Fraction(1), Fraction(1))]


def exact_curve(parts: tuple[Part, ...]) -> ExactCurve:
    """Return the exact curve of independent parts attacked together."""
    whole = exact_levels(parts)
    corner_p, corner_q = (tuple(accumulate(law, initial=0)) for law in (whole.P, whole.Q))
    return ExactCurve(corner_p, corner_q, whole.total_p, whole.total_q)


def exact_levels(parts: tuple[Part, ...]) -> Levels:
    """Return all levels of independent parts attacked together."""
    return reduce(product, (part.levels() for part in parts), Levels((1,), (1,), (1,), 1, 1))


def product(a: Levels, b: Levels) -> Levels:
    """Return the levels of two independent parts: all pairs, equal ratios merged, sorted by the exact integer key.

    Sorting matters: pairs of sorted levels are *not* sorted, and taking unsorted levels in turn certifies too much.
    """
    P: dict[int, int] = {}
    Q: dict[int, int] = {}
    right = list(zip(b.key, b.P, b.Q, strict=True))
    for key_a, p_a, q_a in zip(a.key, a.P, a.Q, strict=True):
        for key_b, p_b, q_b in right:
            key = key_a * key_b
            P[key] = P.get(key, 0) + p_a * p_b
            Q[key] = Q.get(key, 0) + q_a * q_b
    order = tuple(sorted(P))
    before, after = (tuple(law[key] for key in order) for law in (P, Q))
    return Levels(order, before, after, a.total_p * b.total_p, a.total_q * b.total_q)


def _follow(xs: tuple[int, ...], ys: tuple[int, ...], total_x: int, total_y: int, x: Fraction) -> tuple[int, int]:
    """Return the height of the line through `(xs / total_x, ys / total_y)` at `x`, as numerator and denominator."""
    # Corner i is at or left of x exactly when xs[i] <= floor(x * total_x); the last such corner starts the segment.
    i = bisect_right(xs, x.numerator * total_x // x.denominator) - 1
    if i + 1 == len(xs):
        return ys[i], total_y
    run, rise = xs[i + 1] - xs[i], ys[i + 1] - ys[i]
    ahead = x.numerator * total_x - xs[i] * x.denominator  # (x - x_i), times total_x * x.denominator
    return ys[i] * run * x.denominator + rise * ahead, run * x.denominator * total_y
