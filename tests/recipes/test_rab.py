"""RAB: the two bounds, and test noise that follows from the trained model and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import log, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import ndtri

from rsbd.bounds import clopper_pearson
from rsbd.bounds import hoeffding as hoeffding_votes
from rsbd.certify import radius
from rsbd.data import Dataset, load
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.learners import CNN, LDA, MLP, HashedTestNoise, Learner, Linear, Models, Module, Problem, randomness
from rsbd.learners.identity import settings_text
from rsbd.learners.wrapping import hash_parameters
from rsbd.noises import Gaussian, Uniform
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes import rab
from rsbd.recipes.rab import per_row, total

SMOOTHING = Smoothing(features=Gaussian(0.5))


def network() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))


LEARNERS: list[Learner] = [LDA(), Linear(), MLP(hidden=(8,), epochs=2), CNN(epochs=1), Module(network, epochs=1)]


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", side=8, view="unit", classes=(0, 1), rows=100, points=30)


def problem(data: Dataset, smoothing: Smoothing = SMOOTHING) -> Problem:
    x, y = torch.tensor(data.x).flatten(1), torch.tensor(data.y)
    return Problem(x, y, data.num_classes, data.values, data.shape, smoothing)


def test_a_shared_level_costs_little_and_clopper_pearson_gains_much() -> None:
    """What the docstring says of 1,000 models."""
    for votes, wide, tight in ((1000, 1.541, 2.429), (800, 0.638, 0.692)):
        counts, width = [[votes, 1000 - votes]], sqrt(log(1 / 0.001) / 2000)
        published = ndtri(votes / 1000 - width)  # the paper's evaluation: all of alpha for each of two equal bounds
        found = [
            radius(bound(counts, 0.001), Smoothing(features=Gaussian(1.0))).radius[0]
            for bound in (hoeffding_votes, clopper_pearson)
        ]
        assert found == pytest.approx([wide, tight], abs=1e-3)
        assert 0.97 * published < found[0] < published < found[1]


def test_lengths_are_rounded_towards_the_attacker() -> None:
    for length, rows in product(np.random.default_rng(0).uniform(0.1, 3, 100), range(1, 40)):
        each, together = (Fraction(float(part(length, rows))) for part in (per_row, total))
        assert rows * each**2 < Fraction(length) ** 2 < together**2 / rows


def test_total_and_per_row() -> None:
    assert total(0.5, rows=9) == pytest.approx(1.5)
    assert per_row(1.5, rows=9) == pytest.approx(0.5)
    assert total(per_row(1.7, rows=7), rows=7) <= 1.7 * (1 + 1e-14)
    with pytest.raises(InputError, match="rows is 0"):
        per_row(1.0, rows=0)


@pytest.mark.parametrize("learner", LEARNERS, ids=repr)
def test_the_noise_follows_from_the_parameters_alone(digits: Dataset, learner: Learner) -> None:
    """The same trained models, asked with other streams or another noise: the same scores."""
    hashed, x = HashedTestNoise(learner, Gaussian(0.5)), torch.tensor(digits.x_test).flatten(1)
    models = hashed.train(problem(digits), randomness.generators(0, range(3)))
    first = models.scores(x, None, randomness.generators(1, range(3)))
    again = models.scores(x, Gaussian(9.0), randomness.generators(2, range(3)))
    assert torch.equal(first, again)
    assert torch.equal(models.predict(x, None, []), first.argmax(1))
    # Really noised, and each model in its own way.
    plain = models.models.predict(x, None, randomness.generators(1, range(3)))
    assert len(set(models.seeds)) == 3
    assert not torch.allclose(first, models.models.scores(x, None, randomness.generators(1, range(3))))  # type: ignore[attr-defined]
    assert plain.shape == first.argmax(1).shape


@pytest.mark.parametrize("learner", LEARNERS, ids=repr)
def test_parameters_are_all_that_training_found(digits: Dataset, learner: Learner) -> None:
    """Another training set, another seed: the parameters of the two differ; of the same they agree."""
    one, two, other = (
        learner.train(problem(data), randomness.generators(0, range(2))).parameters()
        for data in (digits, digits, digits.replace(x=1 - digits.x))
    )
    assert one.shape[0] == 2
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert not torch.equal(one[0], one[1])


def test_every_parameter_counts() -> None:
    """Change any one of them by more than rounding, and the seed is another; what rounds alike has equal seeds."""
    parameters = torch.linspace(-1, 1, 50)
    changed = parameters + torch.eye(50) / 1024
    assert len({*hash_parameters(changed), *hash_parameters(parameters[None])}) == 51
    alone = [number for model in changed for number in hash_parameters(model[None])]
    assert hash_parameters(changed) == tuple(alone)  # a model's number depends on no other model
    last_bits = torch.nextafter(parameters, torch.tensor(2.0))  # processors differ in them
    assert len(set(hash_parameters(torch.stack([parameters, last_bits])))) == 1
    assert hash_parameters(parameters[None].double()) == hash_parameters(parameters[None])
    assert hash_parameters(torch.stack([parameters, parameters], dim=1).mT) == 2 * hash_parameters(parameters[None])
    nan = torch.tensor([0x7FC00000, 0x7FC00001], dtype=torch.int32).view(torch.float32)
    for one, other in (torch.tensor([0.0, -0.0]), nan):
        assert hash_parameters(one.view(1, 1)) == hash_parameters(other.view(1, 1))
    # On any machine: the hash of fixed bytes.
    assert hash_parameters(torch.tensor([[0.0, 1.5, -2.25]])) == (3303496002,)


def test_a_model_depends_on_its_number_only(digits: Dataset) -> None:
    learner = HashedTestNoise(LDA(), Gaussian(0.5))
    whole = collect(digits, SMOOTHING, learner, digits.x_test, num_models=100, seed=3)
    part = collect(digits, SMOOTHING, learner, digits.x_test, num_models=30, seed=3)
    grown = collect(digits, SMOOTHING, learner, digits.x_test, num_models=100, seed=3, resume=part)
    np.testing.assert_array_equal(grown.counts, whole.counts)


def test_the_recipe(digits: Dataset) -> None:
    found = rab(digits, sigma=1.0, num_models=300)
    wide = rab(digits, sigma=1.0, num_models=300, bound="hoeffding")
    np.testing.assert_array_equal(found.votes.counts, wide.votes.counts)
    assert (found.certificate.norm, found.certificate.slots) == ("L2", ("features",))
    assert found.votes.manifest["learner"] == repr(HashedTestNoise(LDA(), Gaussian(1.0)))
    sure = wide.certificate.radius > 0
    assert sure.mean() > 0.8
    assert (found.certificate.radius[sure] > wide.certificate.radius[sure]).all()
    misses = found.bounds.miss[sure]
    assert found.certificate.radius[sure] == pytest.approx(-ndtri(misses), rel=1e-6)
    trigger = float(per_row(found.certificate.radius[sure].min(), rows=5))
    assert found.certify(Threat(5, trigger, relabel=False, on_test=False))[sure].all()
    with pytest.raises(InputError, match="labels"):
        found.certify(Threat(5, trigger, on_test=False))
    with pytest.raises(InputError, match="test input"):
        found.certify(Threat(5, trigger, relabel=False))


def test_uniform_noise_too(digits: Dataset) -> None:
    found = rab(digits, noise=Uniform(2), num_models=300)
    assert found.certificate.norm == "L1"
    assert found.votes.manifest["learner"] == settings_text(HashedTestNoise(LDA(), Uniform(2)))
    assert found.certificate.accuracy(digits.y_test, radius=0.5) > 0.8


def test_errors(digits: Dataset) -> None:
    with pytest.raises(InputError, match="bound is 'chernoff'"):
        rab(digits, bound="chernoff")
    twice = HashedTestNoise(LDA(), Gaussian(0.5))
    with pytest.raises(InputError, match=r"Smoothing\(test=None\)"):
        twice.train(problem(digits, Smoothing(test=Gaussian(0.5))), randomness.generators(0, range(1)))

    class Secret(Models):
        def predict(self, x: Any, noise: Any, generators: Any) -> Any: ...

    @dataclass(frozen=True)
    class Secretive(Learner):
        def train(self, problem: Any, generators: Any) -> Models:
            return Secret()

    with pytest.raises(InputError, match="Secret do not expose"):
        HashedTestNoise(Secretive(), Gaussian(0.5)).train(problem(digits), randomness.generators(0, range(1)))
