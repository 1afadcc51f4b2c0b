"""Certificates agree with what they mean: every spread of the changes, at the radius and just beyond."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from exact_radii import exact_radius
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

import rsbd
from rsbd.bounds import Bounds, clopper_pearson, simultaneous
from rsbd.certify import (
    ABSTAIN,
    Certificate,
    allocation,
    certified_map,
    certify,
    poisoned_rows,
    radius,
)
from rsbd.certify.certificate import DistinctPairs
from rsbd.errors import InputError
from rsbd.noises import Flip, Gaussian, Noise, Uniform
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.tradeoff import flips, identity

VECTORS = os.environ.get("RSBD_VECTORS")
needs_vectors = pytest.mark.skipif(not VECTORS, reason="RSBD_VECTORS names no folder with reference values")


def evidence(miss: object, runner_up: object = None, label: object = None) -> Bounds:
    misses = np.atleast_1d(np.asarray(miss, dtype=float))
    seconds = misses if runner_up is None else np.atleast_1d(np.asarray(runner_up, dtype=float))
    labels = np.zeros(len(misses), dtype=np.int64) if label is None else np.asarray(label)
    return Bounds(labels, misses, seconds, 0.001)


noises = st.builds(
    Flip,
    st.sampled_from(["0", "1/10", "1/4", "1/2", "3/5", "7/10", "4/5", "9/10", "1"]),
    st.sampled_from([2, 3, 4, 10]),
)
misses = st.floats(-9, -0.25).map(lambda x: 10**x)


def test_one_change_in_each_slot_can_be_the_worst() -> None:
    """Two changes reach one half from a miss of 1/81 or 1/162 if they are alike, of 1/243 if they are not."""
    for features, labels in (("9/10", "3/5"), ("3/5", "9/10")):
        kinds = [Flip(keep, 10 if keep == "3/5" else 2) for keep in (features, labels)]
        noise = Smoothing(features=kinds[0], labels=kinds[1])
        assert radius(evidence([1 / 200, 1 / 250]), noise, max_radius=2).radius.tolist() == [1, 2]
        assert exact_radius(Fraction(1, 243), noise, max_radius=2) == 1


def test_a_coin_is_not_certified_at_any_length() -> None:
    for noise in (Gaussian(1.0), Uniform(1)):
        found = radius(evidence([0.5, 0.75, 0.499], [0.5, 0.25, 0.499]), Smoothing(test=noise))
        assert (found.radius < 0).tolist() == [True, True, False]
        assert found.label.tolist() == [ABSTAIN, ABSTAIN, 0]


@given(st.lists(noises, min_size=1, max_size=3), misses, st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_l0_radius_is_the_worst_of_all_spreads(parts: list[Flip], miss: float, share: float) -> None:
    slots = dict(zip(("features", "labels", "test"), parts, strict=False))
    limit = 4
    for second in (None, miss * share):
        found = radius(evidence(miss, second), Smoothing(**slots), max_radius=limit).radius[0]
        runner_up = None if second is None else Fraction(second)
        exact = exact_radius(Fraction(miss), Smoothing(**slots), max_radius=limit, runner_up=runner_up)
        best = -1
        for size in range(limit + 1):
            spreads = [s for s in product(range(size + 1), repeat=len(parts)) if sum(s) == size]
            laws = []
            for changes in spreads:
                law = identity()
                for noise, count in zip(parts, changes, strict=True):
                    law = law * flips(noise.keep, noise.values, count)
                laws.append(law)
            if not all(law.certifies(Fraction(miss), runner_up) for law in laws):
                break
            best = size
        assert exact == best
        assert found == best or (found == best - 1 and close(miss, second, laws))


def close(miss: float, second: float | None, laws: list) -> bool:
    """Whether a rounding margin may decide: the exact value is within 1e-9 of the threshold."""
    values = [law.upper(Fraction(miss)) + law.upper(Fraction(miss if second is None else second)) for law in laws]
    return abs(max(values) - 1) < Fraction(1, 10**9)


@given(st.floats(0.05, 5), misses, st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_l2_radius_is_certified_and_hardly_more_is(sigma: float, miss: float, share: float) -> None:
    smoothing = Smoothing(test=Gaussian(sigma))
    for second in (None, max(miss * share, 1e-12)):
        bounds = evidence(miss, second)
        (found,) = radius(bounds, smoothing).radius
        assert found >= 0 if miss + (miss if second is None else second) < 1 else found == -1
        if found > 0:
            assert certify(bounds, smoothing, Threat(trigger=float(found)))[0]
            assert not certify(bounds, smoothing, Threat(trigger=float(found * (1 + 1e-6) + 1e-9)))[0]


def test_l2_radii_of_a_batch_are_those_of_the_formula() -> None:
    """The last bits are searched for all points together; those that are done first wait, and none is given up."""
    miss = np.geomspace(1e-200, 0.499, 300)
    found = radius(evidence(miss), Smoothing(test=Gaussian(1.0))).radius
    assert found == pytest.approx(-ndtri(miss), rel=1e-12)


def test_l2_radius_by_hand() -> None:
    slots = Smoothing(features=Gaussian(0.5), test=Gaussian(0.25))
    # Phi(-1) and Phi(-2): sigma / 2 (1 + 2) with the smaller sigma
    found = radius(evidence(0.15865525393145707, 0.022750131948179212), slots)
    assert found.radius[0] == pytest.approx(0.375, abs=1e-12)
    assert found.radius[0] <= 0.375
    assert (found.norm, found.slots) == ("L2", ("features", "test"))
    assert radius(evidence(0.15865525393145707), slots, slots=["features"]).radius[0] == pytest.approx(0.5)
    assert radius(evidence([0.0, 1.0]), slots).radius.tolist() == [np.inf, -1]
    assert radius(evidence([0.0, 1e-9]), slots, max_radius=0.7).radius.tolist() == [0.7, 0.7]


def test_poisoned_rows_end_at_all_of_them_and_abstain_where_nothing_is_certified() -> None:
    threat, bounds = Threat(on_test=False), evidence([0.01, 0.3, 0.6], label=[1, 1, 0])
    found = poisoned_rows(bounds, Smoothing(labels=Flip("4/5")), threat, num_rows=100)
    assert found.radius.tolist() == [2, 0, -1]
    assert found.label.tolist() == [1, 1, ABSTAIN]
    coins = Smoothing(labels=Flip("1/2"))
    for limits, most in (({"num_rows": 7}, 7), ({"num_rows": 7, "max_radius": 3}, 3), ({"max_radius": 9}, 9)):
        found = poisoned_rows(bounds, coins, threat, **limits)
        assert found.radius.tolist() == [most, most, -1]
        assert found.max_radius == most


def test_noise_that_forgets_reaches_the_limit_and_no_noise_certifies_nothing() -> None:
    forgets = Smoothing(test=Flip("1/10", values=10))
    assert radius(evidence([0.49, 0.5]), forgets).radius.tolist() == [allocation.FURTHEST, -1]
    assert radius(evidence([0.49, 0.5]), forgets, max_radius=7).radius.tolist() == [7, -1]
    assert radius(evidence([0.0, 0.3]), Smoothing(test=Flip(1.0))).radius.tolist() == [0, 0]
    # A slot that forgets is never worth attacking.
    beside = Smoothing(features=Flip("1/2"), test=Flip("4/5"))
    assert radius(evidence(0.01), beside).radius[0] == radius(evidence(0.01), beside, slots="test").radius[0] > 0


def test_slots_of_equal_noise_share_their_changes() -> None:
    tied = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.8))
    one = Smoothing(test=Flip(0.8))
    grid = evidence(np.geomspace(1e-9, 0.6, 200))
    assert (radius(grid, tied).radius == radius(grid, one).radius).all()


def test_only_noises_that_an_attacker_could_prefer_are_combined() -> None:
    a, b, c = Flip("4/5"), Flip("9/10"), Flip("3/5", values=256)
    assert allocation.weakest_noises([a, b, a]) == [b]
    assert allocation.weakest_noises([b, c]) == [b, c]
    assert allocation.weakest_noises([Flip("1/5"), Flip("4/5")]) == [Flip("1/5")]  # equal strength: one is enough
    combined = radius(evidence([1e-3, 1e-9]), Smoothing(features=b, test=c))
    assert combined.max_radius == allocation.FURTHEST_COMBINED


class Saturating(Noise):
    """Changes that are not independent: two do what one does."""

    norm = "L0"

    def shift(self, size: float):
        return flips("4/5", 2, min(int(size), 1))

    def sample(self, x, generator):
        return x


def test_noises_whose_changes_depend_on_each_other_are_all_kept() -> None:
    found = allocation.weakest_noises([Saturating(), Flip("9/10")])
    assert len(found) == 2


@given(st.lists(st.integers(-1, 40), min_size=1, max_size=60), st.integers(0, 40))
@settings(deadline=None)
def test_search_finds_the_largest_certified_size(truth: list[int], limit: int) -> None:
    values = np.array(truth)
    tried = []

    def certified(size: int, who: np.ndarray) -> np.ndarray:
        tried.append(size)
        return values[who] >= size

    assert allocation.largest_certified(certified, len(values), limit).tolist() == np.minimum(values, limit).tolist()
    assert max(tried) <= limit


def test_certify_is_upper_plus_upper_below_one() -> None:
    smoothing = Smoothing(test=Flip("4/5"))
    # upper(1/8) = 1/2 exactly: at the threshold is not certified
    assert certify(evidence([0.125, 0.12499999]), smoothing, Threat(trigger=1)).tolist() == [False, True]
    assert certify(evidence([0.125, 0.2], [0.12, 0.01]), smoothing, Threat(trigger=1)).tolist() == [
        True,
        True,
    ]
    law = smoothing.tradeoff(Threat(trigger=1))
    grid = np.linspace(0, 1, 41)
    first, second = (g.ravel() for g in np.meshgrid(grid, grid))
    expected = [law.upper(Fraction(a)) + law.upper(Fraction(b)) < 1 for a, b in zip(first, second, strict=True)]
    assert (certify(evidence(first, second), smoothing, Threat(trigger=1)) <= expected).all()
    lower = np.maximum(second - 1e-9, 0)
    expected = [law.upper(Fraction(a)) + law.upper(Fraction(b)) < 1 for a, b in zip(first, lower, strict=True)]
    assert (certify(evidence(first, lower), smoothing, Threat(trigger=1)) == expected).all()


def test_certificate_counts_abstaining_as_wrong() -> None:
    found = radius(evidence([0.01, 0.01, 0.6, 0.2], label=[1, 0, 1, 1]), Smoothing(test=Flip(0.8)))
    assert found.label.tolist() == [1, 0, ABSTAIN, 1]
    assert found.radius.tolist() == [2, 2, -1, 0]
    y = [1, 1, 1, 1]
    assert found.accuracy(y) == 0.5
    assert found.accuracy(y, 2) == 0.25
    assert found.curve(y, [0, 1, 2, 3]).tolist() == [0.5, 0.25, 0.25, 0.0]
    assert found.curve([ABSTAIN] * 4, [0]).tolist() == [0.0]
    empty = Certificate(np.zeros(0, int), np.zeros(0, int), 0.1, "L0", ("test",))
    assert empty.accuracy([]) == 0.0


def test_map_is_certify_threat_by_threat() -> None:
    rng = np.random.default_rng(0)
    counts = rng.multinomial(2000, [0.9, 0.06, 0.04], size=50)
    y = rng.integers(0, 2, 50)
    smoothing = Smoothing(features=Flip("3/5"), labels=Flip("7/10", 3), test=Flip("4/5"))
    for runner_up in (False, True):
        bounds = clopper_pearson(counts, 0.001, runner_up=runner_up)
        found = certified_map(bounds, y, smoothing, [0, 1, 3], [0, 1, 2])
        for i, rows in enumerate([0, 1, 3]):
            for j, trigger in enumerate([0, 1, 2]):
                holds = certify(bounds, smoothing, Threat(rows, trigger))
                assert found[i, j] == pytest.approx(np.mean(holds & (bounds.label == y)))
    assert (np.diff(found, axis=0) <= 0).all()
    assert (np.diff(found, axis=1) <= 0).all()
    assert certified_map(bounds, y, smoothing, [], [1]).shape == (0, 1)
    order = ([9, 3, 0, 1, 30], [2, 0, 9, 1, 4])  # some of it certifies nothing
    found = certified_map(bounds, y, smoothing, *order)
    assert (found == 0).any()
    for (i, j), share in np.ndenumerate(found):
        holds = certify(bounds, smoothing, Threat(order[0][i], order[1][j]))
        assert share == pytest.approx(np.mean(holds & (bounds.label == y)))
    with pytest.raises(InputError, match="the training labels, where there is no noise"):
        certified_map(bounds, 1 - y, Smoothing(features=Flip("3/5"), test=Flip("4/5")), [0, 9], [9])


def test_a_million_points_share_a_few_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    original = DistinctPairs.certified
    monkeypatch.setattr(
        DistinctPairs,
        "certified",
        lambda self, law: asked.append(len(self.miss)) or original(self, law),
    )
    counts = np.random.default_rng(0).integers(0, 50, (20_000, 2))
    counts[:, 1] = 50 - counts[:, 0]
    radius(clopper_pearson(counts, 0.01), Smoothing(test=Flip(0.7)))
    assert max(asked) <= 51


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: radius(evidence(0.1), Smoothing()), "no slot carries noise"),
        (lambda: radius(evidence(0.1), Smoothing(test=Flip(0.8)), slots=["labels"]), "slot 'labels' carries no noise"),
        (
            lambda: radius(evidence(0.1), Smoothing(features=Gaussian(1.0), test=Flip(0.8))),
            "no radius spans features in L2 and test in L0",
        ),
        (lambda: radius(evidence(0.1), Smoothing(test=Flip(0.8)), max_radius=1.5), "max_radius is 1.5"),
        (lambda: radius(evidence(0.1), Smoothing(test=Flip(0.8)), max_radius=np.inf), "max_radius is inf"),
        (lambda: radius(evidence(0.1), Smoothing(test=Flip(0.8)), max_radius=-1), "max_radius is -1"),
        (lambda: radius(evidence(0.1), Smoothing(test=Flip(0.8))).accuracy([1, 2]), r"y has shape \(2,\)"),
        (lambda: radius(evidence(0.1), Smoothing(test=Flip(0.8))).accuracy(["one"]), "y holds 'one', which"),
        (lambda: radius(evidence(0.1), Smoothing(test=Gaussian(1.0)), max_radius=np.nan), "max_radius is nan"),
        # One minus a share that is rounded: below 0, every attack would seem harmless.
        (lambda: radius(evidence([0.1, -1e-17]), Smoothing(test=Gaussian(1.0))), "the miss goes from -1e-17"),
        (lambda: radius(evidence([0.1, np.nan]), Smoothing(test=Flip(0.8))), "to nan: it bounds a probability"),
    ],
)  # fmt: skip
def test_bad_input_is_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


@needs_vectors
def test_reference_radii() -> None:
    folder = Path(str(VECTORS))
    for case in json.loads((folder / "discrete.json").read_text())["max_radius"]:
        smoothing = Smoothing(test=Flip(case["beta"], case["K"]))
        assert exact_radius(1 - Fraction(case["p"]), smoothing) == case["max_radius"]
        assert radius(evidence(float(1 - Fraction(case["p"]))), smoothing).radius[0] == case["max_radius"]
    papers = json.loads((folder / "papers.json").read_text())
    for case in papers["lee_l0_radius"]["cases"]:
        smoothing = Smoothing(test=Flip(case["keep_prob"], case["K"] + 1))
        miss = 1 - Fraction(repr(case["p_lower"]))
        assert exact_radius(miss, smoothing, max_radius=30) == case["radius"]
        law = flips(case["keep_prob"], case["K"] + 1, 1)
        assert law.lower(1 - miss) == pytest.approx(case["worst_at_radius1"], abs=1e-12)
    for case in papers["cohen_clopper_pearson"]["cases"]:
        bounds = clopper_pearson([[case["nA"], case["n"] - case["nA"]]], case["alpha"], selection=[[1, 0]])
        (found,) = radius(bounds, Smoothing(test=Gaussian(case["sigma"]))).radius
        assert (found == -1) == case["abstain"]
        assert max(found, 0) == pytest.approx(case["radius"], abs=1e-7)


def test_a_hopeless_threat_is_refused_without_forming_its_product() -> None:
    """Thousands of changes times hundreds: one part alone defeats every point."""
    votes = simultaneous([[100_000, 0], [99_000, 1_000]], alpha=0.001)
    noise = Smoothing(features=Flip("29/50"), labels=Flip("63/100"), test=Flip("83/100"))
    tracemalloc.start()
    assert not certify(votes, noise, Threat(rows=650, trigger=9)).any()
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_refusing_by_one_part_changes_no_answer() -> None:
    votes = simultaneous([[n, 2000 - n] for n in range(1000, 2001, 20)], alpha=0.001)
    noise = Smoothing(features=Flip(0.6), labels=Flip(0.7), test=Gaussian(0.5))
    for rows, trigger in [(0, 0.1), (1, 1.0), (2, 1.0), (5, 2.0)]:
        law = noise.tradeoff(Threat(rows, {"features": int(trigger), "test": trigger}))
        expected = 2 * law.upper(votes.miss) < 1
        found = certify(votes, noise, Threat(rows, {"features": int(trigger), "test": trigger}))
        assert (found <= expected).all()  # a threshold may be a rounding stricter
        assert (found | (2 * law.upper(votes.miss * (1 + 1e-9)) >= 1) | ~expected).all()


def test_the_module_stands_in_for_its_function() -> None:
    votes = simultaneous([[1000, 0], [700, 300]], alpha=0.001)
    noise, threat = Smoothing(test=Flip(0.8)), Threat(trigger=2)
    assert np.array_equal(rsbd.certify(votes, noise, threat), certify(votes, noise, threat))
