"""Float64 trade-offs are sound: never below the exact value of the very floats, and tight to 1e-9."""

from __future__ import annotations

import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import of, some_parts

from rsbd.tradeoff import Tradeoff, bulk, flips, identity, levels
from rsbd.tradeoff.parts import exact_curve

TIGHT = Fraction(1, 10**9)


def near(center: float, ulps: int = 4) -> list[float]:
    found = [center]
    for _ in range(ulps):
        found = [math.nextafter(found[0], 0), *found, math.nextafter(found[-1], 1)]
    return [p for p in found if 0 <= p <= 1]


def assert_lower_is_sound_and_tight(law: Tradeoff, p: float) -> None:
    """`lower` covers every number that rounds to p: near 1 the law can be too steep for a float."""
    least = law.lower(max(Fraction(0), Fraction(p) - Fraction(1, 2**53)))
    assert least - TIGHT <= Fraction(law.lower(p)) <= law.lower(Fraction(p))


@given(some_parts(3, 6), st.floats(0, 1) | st.floats(-300, 0).map(lambda x: 10**x))
@settings(max_examples=200, deadline=None)
def test_sound_and_tight(parts: list[tuple[Fraction, int, int]], p: float) -> None:
    law = of(parts)
    value, truth = Fraction(law.upper(p)), law.upper(Fraction(p))
    assert truth <= value <= truth + TIGHT
    assert_lower_is_sound_and_tight(law, p)


@given(some_parts(2, 12))
@settings(max_examples=80, deadline=None)
def test_sound_at_every_corner_and_threshold(parts: list[tuple[Fraction, int, int]]) -> None:
    law = of(parts)
    corners = [float(p) for p, _ in exact_curve(law.parts).corners()][:40]
    for center in [*corners, float(law.threshold())]:
        misses = near(center)
        for p, value in zip(misses, law.upper(misses), strict=True):
            truth = law.upper(Fraction(p))
            assert truth <= Fraction(float(value)) <= truth + TIGHT
            if law.certifies(p):
                assert law.certifies(Fraction(p))
        for p in near(1 - center):
            assert_lower_is_sound_and_tight(law, p)


@given(some_parts(2, 12))
@settings(max_examples=100, deadline=None)
def test_fast_threshold_is_just_below(parts: list[tuple[Fraction, int, int]]) -> None:
    law = of(parts)
    assert_just_below_threshold(law.fast_threshold(), law)


@given(
    st.integers(2, 300),
    st.fractions(0, 1, max_denominator=50).filter(lambda keep: 0 < keep < 1),
    st.integers(1, 120),
    st.lists(st.floats(-300, 0).map(lambda x: 10**x) | st.floats(0, 1), min_size=1, max_size=20),
)
@settings(max_examples=100, deadline=None)
def test_recurrence_for_many_changes_agrees_with_integers(
    values: int, keep: Fraction, changes: int, misses: list[float]
) -> None:
    law = flips(keep, values, changes)
    if law == identity():
        return
    (part,) = law.parts
    levels = bulk._many_changes(part)
    curve = bulk.float_curve(levels)
    for p, value in zip(misses, curve.upper(np.array(misses)), strict=True):
        truth = law.upper(Fraction(p))
        assert truth <= Fraction(float(value)) <= truth + TIGHT
    assert_just_below_threshold(curve.inverse_half(), law)


def assert_just_below_threshold(found: float, law: Tradeoff) -> None:
    assert Fraction(found) <= law.threshold()
    if law.threshold() > Fraction(1, 10**300):  # below, floats end
        assert law.upper(Fraction(found)) >= Fraction(1, 2) - TIGHT


@pytest.mark.parametrize(("keep", "values"), [("51/100", 2), ("4/5", 2), ("1/100", 10), ("99/100", 256)])
def test_thousands_of_changes(keep: str, values: int) -> None:
    law = flips(keep, values, 700)
    for p in (0.0, 1e-300, 1e-30, 1e-9, 1e-3, 0.3, 0.999):
        truth = law.upper(Fraction(p))
        assert truth <= Fraction(law.upper(p)) <= truth + TIGHT


@pytest.mark.parametrize("keep", [Fraction(1, 10**400), 1 - Fraction(1, 10**400)])
def test_keep_beyond_the_range_of_floats(keep: Fraction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_EXACT_CHANGES", 2)  # many changes, from where the recurrence would be used
    law = flips(keep, 3, 5)
    for p in (0.0, 1e-300, 0.3):
        truth = law.upper(Fraction(p))
        assert truth <= Fraction(law.upper(p)) <= truth + TIGHT


def test_unsorted_products_would_certify_too_much() -> None:
    """Pairs of sorted levels are not sorted: the known error elsewhere, which the oracle must tell from the truth."""
    law = flips("9/10", 2, 2) * flips("3/5", 2, 2)
    whole = bulk._product(*(bulk._part_levels(part) for part in law.parts))
    careless = bulk.float_curve(whole).upper(np.linspace(0, 1, 101))
    assert (careless < law.upper(np.linspace(0, 1, 101)) - 0.01).any()


def test_shapes_and_types() -> None:
    law = flips(0.8, 2, 1)
    assert isinstance(law.upper(0.1), float)
    assert isinstance(law.upper(Fraction(1, 10)), Fraction)
    assert law.upper(np.full((2, 3), 0.1)).shape == (2, 3)
    assert law.upper(np.zeros((0,))).shape == (0,)
    assert law.certifies(np.array([0.1, 0.2])).tolist() == [True, False]
    assert identity().upper(0.25) == identity().lower(0.25) == 0.25


def test_a_miss_below_the_smallest_float_gap_of_one() -> None:
    """At p_a = 1 - 1e-20 a float p_a would be 1; the miss keeps what matters."""
    law = flips("9/10", 256, 9)
    assert law.certifies(Fraction(1, 10**20)) is False
    assert not law.certifies(1e-20)
    assert law.certifies(0.0)


def test_lost_mass_counts_at_zero() -> None:
    overlap = levels([9, 1, 0], [9, 0, 1])
    assert overlap.upper(0.0) == pytest.approx(0.1, abs=1e-15)
    assert overlap.upper(0.0) >= 0.1
    assert flips(1, 2, 1).upper(0.0) == 1.0
    assert flips(0.9, 2, 3).upper(0.0) == 0.0


@pytest.mark.parametrize("keep", ["51/100", "55/100", "3/5", "4/5"])
def test_thresholds_of_many_changes_are_those_of_the_whole_law_or_zero(keep: str) -> None:
    law = flips(Fraction(keep), 2, 20_000)
    whole, found = law._floats.inverse_half(), law.fast_threshold()
    assert found == whole or (found == 0 and whole < 1e-290)
    began = time.process_time()
    assert flips(Fraction("4/5"), 2, 2**24).fast_threshold() == 0
    assert time.process_time() - began < 1
