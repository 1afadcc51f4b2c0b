"""Bounds on the attack success rate: against all outcomes of the votes in a small world, and in a real run."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from rsbd import bounds
from rsbd.attacks import BadPatch, Poisoning, attack_success_rate
from rsbd.data import load
from rsbd.learners import LDA, MLP, HashedTestNoise, Learner, Linear
from rsbd.learners.undefended import predict_undefended, predict_without_noise
from rsbd.noises import Flip, Gaussian, Smoothing
from rsbd.recipes.experiment import Experiment
from rsbd.recipes.planted import SuccessBounds, plant_attack

DIGITS = load("digits", side=8, classes=(0, 1))
ATTACK = Poisoning(BadPatch(3), target=0, rate=0.05)
NOISE = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.8))


def outcomes(models: int, shares: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return all counts of votes on one point, (outcomes, classes), and their probabilities."""
    counts = np.array([c for c in itertools.product(range(models + 1), repeat=len(shares)) if sum(c) == models])
    log = np.cumsum(np.log(np.arange(1, models + 1)))
    factorial = np.exp(np.concatenate([[0], log]))
    return counts, factorial[models] / factorial[counts].prod(1) * np.prod(np.array(shares) ** counts, 1)


@pytest.mark.parametrize(
    ("bound", "points"),
    [
        (bounds.simultaneous, [(0.49, 0.51)] * 3),
        (bounds.simultaneous, [(0.51, 0.49)] * 3),
        (bounds.simultaneous, [(0.49, 0.51), (0.9, 0.1), (0.05, 0.95)]),
        (bounds.simultaneous, [(0.32, 0.34, 0.34)] * 2),
        (bounds.simultaneous, [(0.38, 0.37, 0.25), (0.3, 0.36, 0.34)]),
        (bounds.anytime, [(0.49, 0.51)] * 3),
    ],
)
def test_the_true_rate_lies_within_the_bounds_as_often_as_promised(bound, points):
    """Every outcome of seven votes on each point, with its exact probability, for votes of independent points."""
    alpha, truth = 0.4, np.mean([np.argmax(shares) == 0 for shares in points])
    worlds = [outcomes(7, shares) for shares in points]
    failed = total = 0.0
    for chosen in itertools.product(*(range(len(p)) for _, p in worlds)):
        counts = np.array([c[i] for (c, _), i in zip(worlds, chosen, strict=True)])
        weight = np.prod([p[i] for (_, p), i in zip(worlds, chosen, strict=True)])
        seen = SuccessBounds.of(bound(counts, alpha, runner_up=True, points="all"), target=0)
        failed += weight * (not seen.lowest <= truth <= seen.highest)
        total += weight
    assert total == pytest.approx(1)
    assert 0 < failed <= alpha


def test_an_undecided_point_counts_for_both_sides_and_a_tie_is_undecided():
    counts = [[990, 10], [505, 495], [500, 500], [3, 997]]
    seen = SuccessBounds.of(bounds.simultaneous(counts, 0.001, points="all"), target=1)
    assert seen == SuccessBounds(0.25, 0.75, 2)
    none = SuccessBounds.of(bounds.simultaneous(np.zeros((0, 2), int), 0.001), target=0)
    assert np.isnan([none.lowest, none.highest]).all()
    assert none.abstained == 0


def test_bounds_of_a_run_hold_its_estimate_and_shrink_with_votes():
    few, many = (
        Experiment(load("digits", side=8, classes=(1, 7)), ATTACK, NOISE, num_models=n).run() for n in (64, 1000)
    )
    for found in (few, many):
        seen, others = found.success_bounds, DIGITS.label("0")
        data = found.experiment.dataset
        assert len(found.triggered) == (data.y_test != others).sum()
        assert seen.lowest < found.smoothed.attack_success_rate < seen.highest
        share = float((found.triggered.argmax(1) == 0).mean())
        assert share == found.smoothed.attack_success_rate
        assert seen.highest - seen.lowest == pytest.approx(seen.abstained / len(found.triggered))
    assert many.success_bounds.abstained < few.success_bounds.abstained
    watched = replace(many, experiment=replace(many.experiment, watched=True)).success_bounds
    assert watched.abstained > many.success_bounds.abstained


@pytest.mark.parametrize(
    ("learner", "same"), [(Linear(), False), (LDA(), True), (MLP(hidden=(8,)), True)], ids=["linear", "lda", "mlp"]
)
def test_without_noise_it_is_the_same_learner(learner: Learner, same: bool):
    planted = plant_attack(DIGITS, ATTACK, learner)
    own = predict_without_noise(planted.dataset, learner, planted.points)
    clean, triggered = np.split(own, 2)
    assert planted.without_noise.clean_accuracy == np.mean(clean == DIGITS.y_test)
    assert planted.without_noise.attack_success_rate == attack_success_rate(triggered, DIGITS.y_test, 0)
    assert (planted.without_noise == planted.undefended) == same
    if same:
        np.testing.assert_array_equal(own, predict_undefended(planted.dataset, learner, planted.points))


def test_class_means_ignore_this_trigger_without_any_noise():
    """So noise must not be praised for it: votes without noise are the learner's own answer."""
    planted = plant_attack(DIGITS, ATTACK)
    assert planted.undefended.attack_success_rate == 1
    assert planted.without_noise.attack_success_rate == 0
    silent = Smoothing(features=Flip(1), labels=Flip(1), test=Flip(1))
    outcome = Experiment(DIGITS, ATTACK, silent, num_models=8).run()
    assert outcome.smoothed == outcome.rates["without noise"] == planted.without_noise


def test_hashed_test_noise_is_noise():
    """The learner within is the one without noise; a defence with it is compared with what it wraps."""
    data = load("digits", side=8, view="unit", classes=(0, 1))
    hashed = HashedTestNoise(LDA(), Gaussian(2.0))
    plain, wrapped = (plant_attack(data, ATTACK, learner) for learner in (LDA(), hashed))
    assert (wrapped.undefended, wrapped.without_noise) == (plain.undefended, plain.without_noise)
