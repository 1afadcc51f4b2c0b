"""Hypothesis strategies for trade-offs: parts are (keep, values, changes)."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from rsbd.tradeoff import Tradeoff, flips, identity


def of(parts: list[tuple[Fraction, int, int]]) -> Tradeoff:
    law = identity()
    for part in parts:
        law = law * flips(*part)
    return law


@st.composite
def keeps(draw: st.DrawFn, values: int) -> Fraction:
    special = [Fraction(0), Fraction(1), Fraction(1, values), Fraction(4, 5), Fraction(1, 20)]
    return draw(st.sampled_from(special) | st.fractions(0, 1, max_denominator=30))


@st.composite
def some_parts(draw: st.DrawFn, most: int = 2, changes: int = 3) -> list[tuple[Fraction, int, int]]:
    found = []
    for _ in range(draw(st.integers(1, most))):
        values = draw(st.integers(2, 5))
        found.append((draw(keeps(values)), values, draw(st.integers(0, changes))))
    return found
