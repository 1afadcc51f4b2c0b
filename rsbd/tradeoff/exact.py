"""Exact trade-offs of discrete laws, in rational arithmetic."""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import accumulate

from rsbd.tradeoff.parts import Levels, Part


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
    return ExactCurve(
        corner_p=tuple(accumulate(whole.P, initial=0)),
        corner_q=tuple(accumulate(whole.Q, initial=0)),
        total_p=whole.total_p,
        total_q=whole.total_q,
    )


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
    order = sorted(P)
    return Levels(
        key=tuple(order),
        P=tuple(P[key] for key in order),
        Q=tuple(Q[key] for key in order),
        total_p=a.total_p * b.total_p,
        total_q=a.total_q * b.total_q,
    )


def _follow(xs: tuple[int, ...], ys: tuple[int, ...], total_x: int, total_y: int, x: Fraction) -> tuple[int, int]:
    """Return the height of the line through `(xs / total_x, ys / total_y)` at `x`, as numerator and denominator."""
    # Corner i is at or left of x exactly when xs[i] <= floor(x * total_x); the last such corner starts the segment.
    i = bisect_right(xs, x.numerator * total_x // x.denominator) - 1
    if i + 1 == len(xs):
        return ys[i], total_y
    run, rise = xs[i + 1] - xs[i], ys[i + 1] - ys[i]
    ahead = x.numerator * total_x - xs[i] * x.denominator  # (x - x_i), times total_x * x.denominator
    return ys[i] * run * x.denominator + rise * ahead, run * x.denominator * total_y
