"""Exact trade-offs against an independent oracle, the reference vectors and their own laws."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from itertools import product
from pathlib import Path

import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import of, some_parts

from rsbd import tradeoff
from rsbd.errors import InputError
from rsbd.tradeoff import flips, gaussian, identity, levels
from rsbd.tradeoff.parts import exact_curve, power

VECTORS = os.environ.get("RSBD_VECTORS")
needs_vectors = pytest.mark.skipif(not VECTORS, reason="RSBD_VECTORS names no folder with reference values")


@st.composite
def misses(draw: st.DrawFn, parts: list[tuple[Fraction, int, int]]) -> Fraction:
    """Any probability, among them the corners of the curve, where an off-by-one would show."""
    corners = [p for p, _ in exact_curve(of(parts).parts).corners()]
    return draw(st.sampled_from(corners) | st.fractions(0, 1))


@given(st.data())
@settings(max_examples=250, deadline=None)
def test_equals_the_dual_of_the_linear_program(data: st.DataObject) -> None:
    parts = data.draw(some_parts())
    p = data.draw(misses(parts))
    law = of(parts)
    assert law.upper(p) == oracle.upper(parts, p)
    assert law.lower(p) == 1 - oracle.upper(parts, 1 - p)


def test_equals_the_best_of_all_events() -> None:
    """Every event of a two-coordinate outcome is tried: at P of an event the bound is reached, nowhere is it passed."""
    keep, other = Fraction(4, 5), Fraction(3, 5)
    law = flips(keep, 2, 1) * flips(other, 3, 1)
    outcomes = list(product(range(2), range(3)))

    def probability(outcome: tuple[int, int], at: int) -> Fraction:
        first = keep if outcome[0] == at else 1 - keep
        return first * (other if outcome[1] == at else (1 - other) / 2)

    best: dict[Fraction, Fraction] = {}
    for event in product([False, True], repeat=len(outcomes)):
        inside = [o for o, taken in zip(outcomes, event, strict=True) if taken]
        before, after = (sum((probability(o, at) for o in inside), Fraction(0)) for at in (0, 1))
        assert after <= law.upper(before)
        best[before] = max(after, best.get(before, Fraction(0)))
    reached = [p for p, q in best.items() if q == law.upper(p)]
    assert {p for p, _ in exact_curve(law.parts).corners()} <= set(reached)


@given(some_parts(), st.fractions(0, 1), st.fractions(0, 1), st.fractions(0, 1))
@settings(max_examples=150, deadline=None)
def test_is_a_tradeoff(parts: list[tuple[Fraction, int, int]], p: Fraction, q: Fraction, w: Fraction) -> None:
    law = of(parts)
    low, high = sorted((p, q))
    assert p <= law.upper(p) <= 1
    assert law.upper(1) == law.upper(Fraction(1)) == 1
    assert law.upper(low) <= law.upper(high)
    middle = w * p + (1 - w) * q
    assert law.upper(middle) >= w * law.upper(p) + (1 - w) * law.upper(q)


@given(some_parts(3, 2), some_parts(2, 2), st.fractions(0, 1))
@settings(max_examples=60, deadline=None)
def test_multiplies_like_independent_parts(a: list, b: list, p: Fraction) -> None:
    assert of(a) * of(b) == of(b) * of(a) == of(a + b)
    assert hash(of(a) * of(b)) == hash(of(b) * of(a))
    assert (of(a) * identity()) == of(a)
    assert (of(a) * of(b)).upper(p) >= max(of(a).upper(p), of(b).upper(p))


@given(some_parts(2, 3))
@settings(max_examples=100, deadline=None)
def test_threshold_is_where_half_is_reached(parts: list[tuple[Fraction, int, int]]) -> None:
    law = of(parts)
    threshold = law.threshold()
    if threshold:
        assert law.upper(threshold) == Fraction(1, 2)
        assert not law.certifies(threshold)
        assert law.certifies(threshold - Fraction(1, 10**30))
    else:
        assert 2 * law.upper(Fraction(0)) >= 1


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_dominates_compares_whole_curves(data: st.DataObject) -> None:
    a, b = data.draw(some_parts(1, 2)), data.draw(some_parts(1, 2))
    grid = [Fraction(i, 60) for i in range(61)]
    everywhere = all(of(a).upper(p) >= of(b).upper(p) for p in grid)
    if of(a).dominates(of(b)):
        assert everywhere
    elif everywhere:  # the difference hides between two points of the grid: a corner of b shows it
        corners = [p for p, _ in exact_curve(of(b).parts).corners()]
        assert any(of(a).upper(p) < of(b).upper(p) for p in corners)


def test_exactly_at_the_threshold_is_not_certified() -> None:
    law, hair = flips("4/5", 2, 1), Fraction(1, 10**30)  # upper(p) = 4 p up to 1/5
    for miss, second in ((Fraction(1, 8), Fraction(1, 8)), (Fraction(3, 20), Fraction(1, 10))):
        assert not law.certifies(miss, second)
        assert law.certifies(miss, second - hair)
    assert not law.certifies(Fraction(1, 8))
    assert law.certifies(Fraction(1, 8) - hair)


def test_equal_noises_merge_and_harmless_parts_go() -> None:
    assert flips("4/5", 2, 2) * flips(0.8, 2, 3) == flips(Fraction(4, 5), 2, 5)
    assert flips("1/2", 2, 7) == flips(0.25, 4, 7) == flips(0.9, 2, 0) == levels([1, 2], [2, 4]) == identity()
    assert repr(flips(0.8, 2, 3) * gaussian(0.5)) == "flips(keep=4/5, values=2, changes=3) * gaussian(mu=0.5)"
    assert repr(identity()) == "identity()"


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_levels_hold_any_pair_of_laws(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 5))
    weights = st.lists(st.integers(0, 6), min_size=size, max_size=size).filter(any)
    P, Q = data.draw(weights), data.draw(weights)
    grid = [(Fraction(a, sum(P)), Fraction(b, sum(Q))) for a, b in zip(P, Q, strict=True)]
    p = data.draw(st.fractions(0, 1))
    assert levels(P, Q).upper(p) == oracle.dual(grid, p)
    parts = data.draw(some_parts(1, 2))
    both = [(a * c, b * d) for a, b in grid for c, d in oracle.joint(parts)]
    assert (levels(P, Q) * of(parts)).upper(p) == oracle.dual(both, p)


def test_flips_are_levels_too() -> None:
    keep = Fraction(7, 10)
    grid = oracle.joint([(keep, 3, 2)])
    table = levels([p for p, _ in grid], [q for _, q in grid])
    for i in range(101):
        assert table.upper(Fraction(i, 100)) == flips(keep, 3, 2).upper(Fraction(i, 100))


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(0, 12))
def test_power_is_repeated_multiplication(a: int, b: int, c: int, r: int) -> None:
    expected = [1]
    for _ in range(r):
        longer = [0] * (len(expected) + 2)
        for i, f in enumerate(expected):
            for j, g in enumerate((c, b, a)):
                longer[i + j] += f * g
        expected = longer
    assert power(a, b, c, r) == expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: flips(1.5, 2, 1), "keep is 1.5"),
        (lambda: flips("x", 2, 1), "keep is 'x'"),
        (lambda: flips(float("nan"), 2, 1), "keep is nan"),
        (lambda: flips(0.5, 1, 1), "values is 1"),
        (lambda: flips(0.5, 2, -1), "changes is -1"),
        (lambda: flips(0.5, 2, 1.5), "changes is 1.5"),
        (lambda: gaussian(-1.0), "Gaussian shift is -1.0"),
        (lambda: gaussian(float("inf")), "Gaussian shift is inf"),
        (lambda: levels([1], [1, 2]), "1 weights before and 2 after"),
        (lambda: levels([1, -1], [1, 2]), "weights of the levels are negative or all 0"),
        (lambda: levels([0, 0], [1, 2]), "weights of the levels are negative or all 0"),
        (lambda: levels(["a"], [1]), "integers or fractions"),
        (lambda: identity().upper(1.5), "the probability is 1.5"),
        (lambda: identity().upper(Fraction(-1)), "the probability is -1"),
        (lambda: identity().upper([0.5, float("nan")]), "the probability is nan"),
        (lambda: identity().upper("a"), "the probability is 'a'"),
        (lambda: gaussian(1).upper(Fraction(1, 2)), "never rational"),
    ],
)
def test_bad_input_is_named(make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()  # type: ignore[operator]


def test_only_tradeoffs_multiply() -> None:
    with pytest.raises(TypeError):
        identity() * 2  # type: ignore[operator]


@needs_vectors
def test_reference_values() -> None:
    reference = json.loads((Path(str(VECTORS)) / "discrete.json").read_text())
    cases = reference["single"] + reference["groups"]
    assert len(cases) > 180
    for case in cases:
        groups = case.get("groups", [case])
        law = of([(Fraction(g["beta"]), g["K"], g["r"]) for g in groups])
        p, rho = Fraction(case["p"]), Fraction(case["rho"])
        assert law.lower(p) == rho, case
        assert law.certifies(1 - p) is case["certified"], case
        # float64: half an ulp of rounding in the miss is covered too
        above = Fraction(law.upper(float(1 - p))) - (1 - rho)
        assert 0 <= above <= Fraction(1, 10**9), case
    for case in reference["thresholds"]:
        law = tradeoff.flips(case["beta"], case["K"], case["r"])
        assert 1 - law.threshold() == Fraction(case["threshold"]), case
        assert law.fast_threshold() == pytest.approx(case["one_minus_threshold_float"], rel=1e-9)
