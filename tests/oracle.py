"""Independent reference for discrete trade-offs: multinomial cells and the dual of the linear program.

Shares nothing with the library: outcomes are grouped by how many of the changed coordinates show the old
value, the new one, or another; the maximum of Q(A) subject to P(A) <= p is the minimum over t of t p +
sum max(0, Q - t P), which is convex and piecewise linear in t, so it lies at a likelihood ratio of some
cell.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb, prod


def cells(keep: Fraction, values: int, changes: int) -> list[tuple[Fraction, Fraction]]:
    """Return all (P, Q) of one part, each times the number of outcomes that have it."""
    away = (1 - keep) / (values - 1)
    found = []
    for old in range(changes + 1):
        for new in range(changes + 1 - old):
            other = changes - old - new
            ways = comb(changes, old) * comb(changes - old, new) * (values - 2) ** other
            if ways:
                common = ways * away**other
                found.append((common * keep**old * away**new, common * keep**new * away**old))
    return found


def joint(parts: list[tuple[Fraction, int, int]]) -> list[tuple[Fraction, Fraction]]:
    """Return the cells of independent parts taken together."""
    grids = [cells(*part) for part in parts]
    return [(prod((c[0] for c in cell), start=Fraction(1)), prod((c[1] for c in cell), start=Fraction(1)))
            for cell in product(*grids)]  # fmt: skip


def upper(parts: list[tuple[Fraction, int, int]], p: Fraction) -> Fraction:
    """Return the largest Q(A) with P(A) <= p."""
    return dual(joint(parts), p)


def dual(grid: list[tuple[Fraction, Fraction]], p: Fraction) -> Fraction:
    """Return the minimum of the dual over its corners; the last corner stands for t -> infinity, where P is 0."""
    ratios = {q / p_ for p_, q in grid if p_}
    corners = [Fraction(0), *ratios, max(ratios, default=Fraction(0)) + 1]
    lost = sum(q for p_, q in grid if not p_)
    by_slope = [t * p + sum(max(Fraction(0), q - t * p_) for p_, q in grid) for t in corners]
    return min(by_slope) if p else min(*by_slope, lost)
