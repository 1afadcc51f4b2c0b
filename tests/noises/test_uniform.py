"""Uniform noise: the worst spread of a change, the sampler, radii in L1, the reference values."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri

from rsbd.attacks import BadPatch
from rsbd.attacks.poisoning import Poisoning
from rsbd.bounds import Bounds
from rsbd.certify import certify, radius
from rsbd.data import load
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.learners import LDA, randomness
from rsbd.learners.linear.linear import Linear
from rsbd.noises import Flip, Gaussian, Uniform
from rsbd.noises.base import largest_size
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes.experiment import Experiment
from rsbd.recipes.report import report
from rsbd.tradeoff import Tradeoff, gaussian, levels, overlap
from rsbd.tradeoff.make import product_down

VECTORS = os.environ.get("RSBD_VECTORS")
needs_vectors = pytest.mark.skipif(not VECTORS, reason="RSBD_VECTORS names no folder with reference values")
fractions = st.fractions(0, 1, max_denominator=50)


def evidence(miss: object, runner_up: object = None) -> Bounds:
    misses = np.atleast_1d(np.asarray(miss, dtype=float))
    seconds = misses if runner_up is None else np.atleast_1d(np.asarray(runner_up, dtype=float))
    return Bounds(np.zeros(len(misses), np.int64), misses, seconds, 0.001)


def shift_by(noise: Uniform, deltas: npt.ArrayLike) -> Tradeoff:
    """Trade-off of one known change: the numbers that are added to the coordinates, an array of any shape."""
    return overlap(product_down(noise._kept(abs(delta)) for delta in np.ravel(deltas).tolist() if delta))


@given(st.lists(fractions, min_size=1, max_size=4), fractions)
def test_no_spread_of_an_l1_change_beats_one_coordinate(deltas: list[Fraction], p: Fraction) -> None:
    noise = Uniform("3/4")
    known, worst = shift_by(noise, deltas), noise.shift(sum(deltas))
    assert known.upper(p) <= worst.upper(p)
    assert shift_by(noise, [-sum(deltas)]).upper(p) == worst.upper(p) == min(1, p + 1 - noise._kept(sum(deltas)))


@pytest.mark.parametrize("deltas", [[1], [1, 2], [2, 0, 1]])
def test_the_law_is_that_of_two_boxes(deltas: list[int]) -> None:
    """Counted on a grid: noise on 1/5, ..., 5/5 and a change by whole cells."""
    cells = np.stack([axis.ravel() for axis in np.indices((5 + 2,) * len(deltas))], 1)
    P = (cells < 5).all(1)
    Q = ((cells >= deltas) & (cells < np.add(5, deltas))).all(1)
    assert shift_by(Uniform(1), [Fraction(d, 5) for d in deltas]) == overlap(
        Fraction(int((P & Q).sum()), 5 ** len(deltas))
    )
    counted = levels(P.astype(int).tolist(), Q.astype(int).tolist())
    for p in (Fraction(0), Fraction(1, 7), Fraction(1, 2)):
        assert counted.upper(p) == shift_by(Uniform(1), [Fraction(d, 5) for d in deltas]).upper(p)


def test_rows_multiply_and_are_better_than_one_long_change() -> None:
    noise = Uniform(2)
    threat = Threat(rows=3, trigger=Fraction(1, 5), relabel=False, on_test=False)
    law = Smoothing(features=noise).tradeoff(threat)
    assert law == overlap(Fraction(9, 10) ** 3)
    assert noise.shift(Fraction(3, 5)).upper(Fraction(0)) > law.upper(Fraction(0))


def test_long_products_round_towards_the_attacker() -> None:
    factors = [Fraction(float(x)) for x in np.random.default_rng(0).uniform(0.999, 1, 400)]
    exact = Fraction(1)
    for factor in factors:
        exact *= factor
    rounded = product_down(factors)
    assert rounded.denominator.bit_length() <= 4096
    assert exact * (1 - Fraction(1, 2**500)) < rounded < exact


@pytest.mark.parametrize("width", [0.5, "3/2"])
def test_the_sampler_draws_its_law(width: float | str) -> None:
    noise = Uniform(width)
    generator = randomness.generators(0, range(1))[0]
    x = torch.full((200_000,), 0.25)
    step = noise.lattice.step
    within = step * torch.rand(200_000, generator=generator).sub_(0.5)  # spreads each number over its step
    drawn = ((noise.sample(x, generator) + within - x) / (float(noise.width) + step)).numpy()
    assert stats.kstest(drawn[abs(drawn) < 0.45], stats.uniform(-0.45, 0.9).cdf).pvalue > 1e-4
    assert noise.channel().variance == pytest.approx(float(noise.width) ** 2 / 12)
    scale, offset = noise.affine(200_000, [generator])
    assert (scale == 1).all()
    rounded = ((seen / step + 0.5).floor().numpy() for seen in (x + offset[0], noise.sample(x, generator)))
    assert stats.ks_2samp(*rounded).pvalue > 1e-4


@given(st.floats(1e-12, 0.6), st.floats(0, 1), st.floats(0.01, 4))
@settings(max_examples=100, deadline=None)
def test_the_radius_is_certified_and_just_beyond_is_not(miss: float, share: float, width: float) -> None:
    second = miss * share
    noise = Uniform(width)
    slots = Smoothing(features=Uniform(3 * width), test=noise)
    (found,) = radius(evidence(miss, second), slots).radius
    if Fraction(miss) + Fraction(second) >= 1:
        assert found == -1
        return
    law = noise.shift(Fraction(found))
    assert law.certifies(Fraction(miss), Fraction(second)) or found == 0
    if found > 0:
        threat = Threat(rows=0, trigger=float(found))
        assert certify(evidence(miss, second), slots, threat).all()
        beyond = noise.shift(Fraction(found) + Fraction(width) / 10**12)
        assert not beyond.certifies(Fraction(miss), Fraction(second))


def test_a_searched_radius_agrees_with_the_formula() -> None:
    from rsbd.noises.base import Noise

    misses = np.array([0.0, 1e-9, 0.1, 0.3, 0.499, 0.5, 0.7])
    for noise in (Uniform(0.8), Gaussian(0.25)):
        formula = noise.reach(misses, misses)
        searched = Noise.reach(noise, misses, misses)
        finite = np.isfinite(formula)
        assert (searched <= formula).all()
        assert searched[finite] == pytest.approx(formula[finite], rel=2e-6)
    second = misses / 2
    assert Noise.reach(Uniform(0.8), misses, second) == pytest.approx(Uniform(0.8).reach(misses, second), rel=2e-6)


def test_an_ensemble_under_uniform_noise_certifies() -> None:
    digits = load("digits", side=8, view="unit", classes=(0, 1), rows=200, points=40)
    smoothing = Smoothing(features=Uniform(1.0), test=Uniform(1.0))
    for learner in (Linear(), LDA()):
        votes = collect(digits, smoothing, learner, digits.x_test, 256)
        from rsbd.bounds import simultaneous

        found = radius(simultaneous(votes.counts, 0.001), smoothing)
        assert (found.norm, found.slots) == ("L1", ("features", "test"))
        assert found.accuracy(digits.y_test, 0.4) > 0.8
        assert found.accuracy(digits.y_test, 0.5) == 0  # half the width: nothing can be certified


def test_an_experiment_under_uniform_noise_is_reported() -> None:
    digits = load("digits", side=8, view="unit", classes=(0, 1), rows=100, points=20)
    noise = Smoothing(features=Uniform(8.0), labels=Flip("9/10"), test=Uniform(8.0))
    outcome = Experiment(digits, Poisoning(BadPatch(2), target=1, rate=0.02), noise, num_models=64).run()
    found = report(outcome)
    assert found.certificate.norm == "L1"
    assert found.budget == 3 * 4  # two rows and the point, four pixels each
    assert found.accuracy_map[0, 0] >= found.accuracy_map[1, 3]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Uniform(0), "width is 0"),
        (lambda: Uniform(float("nan")), "width is nan"),
        (lambda: Uniform("wide"), "width is 'wide'"),
        (lambda: Uniform(1).shift(-1), "L1 distance"),
        (lambda: Uniform(1).shift(float("inf")), "L1 distance"),
        (lambda: Uniform(1).sample(torch.tensor([1, 2]), torch.Generator()), "use Flip"),
    ],
)
def test_bad_input_is_named(make, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


@needs_vectors
def test_reference_overlaps() -> None:
    cases = json.loads((Path(str(VECTORS)) / "papers.json").read_text())["rab_uniform"]["cases"]
    for case in cases:
        law = shift_by(Uniform(case["b"] - case["a"]), case["deltas"])
        assert 1 - law.upper(0.0) == pytest.approx(case["overlap"], abs=1e-12)
        assert law.certifies(1 - case["pa"], case["pb"]) == case["certified"]
    assert len(cases) >= 22


def test_a_size_that_is_found_was_asked_for() -> None:
    """Not one that is computed anew and may be a hair larger."""
    asked = []

    def shift(size: float) -> Tradeoff:
        asked.append(size)
        return gaussian(size)

    misses = np.geomspace(1e-9, 0.4999, 50)
    found = largest_size(shift, misses, misses)
    assert set(found.tolist()) <= set(asked)
    assert found == pytest.approx(-ndtri(misses), rel=1e-6)
