"""The laws of the independent discrete parts of the data, in exact integers."""

from dataclasses import dataclass
from fractions import Fraction
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
        return Levels(
            key=tuple(b ** (r + s) * G ** (r - s) if f[r + s] else 0 for s in shifts),
            P=tuple(f[r + s] for s in shifts),
            Q=tuple(f[r - s] for s in shifts),
            total_p=total,
            total_q=total,
        )

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
        return Levels(
            key=tuple(ratio.numerator * (unit // ratio.denominator) for ratio in order),
            P=tuple(ratios[ratio][0] for ratio in order),
            Q=tuple(ratios[ratio][1] for ratio in order),
            total_p=sum(self.P),
            total_q=sum(self.Q),
        )

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
