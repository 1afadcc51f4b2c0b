"""The recipe pecan: one ensemble for several triggers, bags of several kinds, and attacks that are carried out."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from rsbd import AnyPatch, AnyPixels, Dataset, Linear, RobustLinear, Smoothing, Threat, bounds, collect, load, radius
from rsbd.errors import InputError
from rsbd.learners import Problem, randomness
from rsbd.noises import Bagging, ClassBagging
from rsbd.recipes import pecan

NUM = 200


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", classes=(0, 1), points=30, side=8)


def test_its_steps(digits: Dataset) -> None:
    noise, triggers = Smoothing(rows=Bagging(6)), [AnyPatch(1), AnyPatch(2)]
    found = pecan(digits, triggers, num_models=NUM, seed=2, points="all")
    votes = collect(digits, noise, RobustLinear(), digits.x_test, NUM, seed=2, triggers=triggers)
    known = [bounds.kept_votes(votes.against(trigger), 0.001, points="all") for trigger in triggers]
    assert np.array_equal(found.bounds.miss, known[0].miss)
    assert np.array_equal(found.certificate.radius, radius(known[0], noise, num_rows=digits.num_rows).radius)
    assert (found.certificate.trigger, found.certificate.points) == (AnyPatch(1), "all")
    table = found.map(digits.y_test, [0, 2, 8])
    assert table.shape == (3, 2)
    assert table[1, 0] == found.certificate.accuracy(digits.y_test, 2) > 0.5
    assert (table[:, 0] >= table[:, 1]).all()
    held = found.certify(Threat(2, AnyPatch(2))) & (votes.label == digits.y_test)
    assert held.mean() == table[1, 1]
    assert (found.certify(Threat(2, AnyPatch(1))) >= found.certify(Threat(2, AnyPatch(2)))).all()
    assert (found.certify(Threat(2, on_test=False)) >= found.certify(Threat(2, AnyPatch(1)))).all()
    with pytest.raises(InputError, match="puts any 3x3 patch anywhere on the test input"):
        found.certify(Threat(2, AnyPatch(3)))


def test_windows_prove_more_on_large_patches(digits: Dataset) -> None:
    """The attacker must choose one window for all models, and pays for it."""
    triggers = [AnyPatch(2), AnyPatch(2, (0, 0))]
    everywhere = pecan(digits, triggers, learner=Linear(), num_models=NUM)
    each = pecan(digits, triggers, learner=Linear(), num_models=NUM, by_window=True)
    assert (each.bounds.miss <= everywhere.bounds.miss).all()
    assert each.map(digits.y_test, [0])[0, 0] > everywhere.map(digits.y_test, [0])[0, 0]
    corner = [found.held[AnyPatch(2, (0, 0))].miss for found in (everywhere, each)]
    assert np.array_equal(*corner)
    assert (corner[0] <= each.bounds.miss).all()


def test_bags_by_class_and_tables(digits: Dataset) -> None:
    by_class = pecan(digits, AnyPatch(1), ClassBagging.of(digits, 3), num_models=NUM)
    assert by_class.certificate.accuracy(digits.y_test, 3) > 0.5
    table = load("breast_cancer", points=30)
    found = pecan(table, [AnyPixels(1), AnyPixels(3)], num_models=NUM, bag=10)
    shares = found.map(table.y_test, [0, 3])
    assert (shares[:, 0] >= shares[:, 1]).all()
    with pytest.raises(InputError, match="no images: use AnyPixels"):
        pecan(table, AnyPatch(1))


def test_many_classes_bound_the_runner_up() -> None:
    digits = load("digits", points=20, side=8)
    found = pecan(digits, AnyPatch(1), bag=40, learner=Linear(), num_models=NUM)
    assert (found.bounds.runner_up <= found.bounds.miss).all()
    assert (found.bounds.runner_up < found.bounds.miss).any()


def test_without_a_trigger_there_is_another_recipe(digits: Dataset) -> None:
    with pytest.raises(InputError, match="no trigger"):
        pecan(digits, [])


@pytest.mark.slow
def test_an_attack_that_is_carried_out_turns_no_certified_prediction(digits: Dataset) -> None:
    """Rows become copies of the attacked point with the other label, and the point carries each trigger in turn."""
    rows, noise, trigger = 8, Smoothing(rows=Bagging(6)), AnyPatch(2)
    found = pecan(digits, trigger, num_models=1000)
    held = found.certify(Threat(rows, trigger)) & (found.bounds.label == digits.y_test)
    assert held.sum() >= 3
    for point in np.flatnonzero(held)[:3]:
        x, y = digits.x.copy(), digits.y.copy()
        x[:rows], y[:rows] = digits.x_test[point], 1 - digits.y_test[point]
        poisoned = digits.replace(x=x, y=y)
        streams = randomness.generators(1, range(500), "cpu")
        models = RobustLinear().train(Problem.of(poisoned, noise), streams)
        predict = partial(models.predict, noise=None, generators=streams)
        groups, _ = trigger.groups(digits.shape)
        for fill in (0.0, 1.0):
            attacked = torch.tensor(digits.x_test[point]).flatten().repeat(len(groups), 1)
            attacked[torch.arange(len(groups))[:, None], torch.tensor(groups)] = fill
            right = (predict(attacked) == int(digits.y_test[point])).float().mean(0)
            assert float(right.min()) > 0.5
