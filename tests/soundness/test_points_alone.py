"""A point is labelled by itself: no noise is shared that a model could subtract, and no label hangs on the batch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, minmax_scale, scale
from torch import nn

from rsbd import Dataset, Flip, Gaussian, Module, Sklearn, Smoothing, Uniform, bounds, collect, radius, recipes
from rsbd.learners import CNN, LDA, MLP, HashedTestNoise, Linear, Problem, ResNet, randomness
from rsbd.types import Floats


def normalised() -> nn.Module:
    return nn.Sequential(nn.BatchNorm1d(1, affine=False, track_running_stats=False), nn.Linear(1, 2))


class Centred(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 2)

    def forward(self, x):
        return self.layer((x - x.mean(0)) / (x - x.mean(0)).abs().mean())


class BatchMedian(ClassifierMixin, BaseEstimator):
    """Says which half of its batch a point is in."""

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, x):
        return (x.mean(1) > np.median(x.mean(1))).astype(int)


def scaled(function: Any) -> Sklearn:
    return Sklearn(make_pipeline(FunctionTransformer(function), LogisticRegression()))


def ranks(x: Floats) -> Floats:
    return x.argsort(0).argsort(0) / len(x)


LOOK = {
    "batch norm": Module(normalised, epochs=20, learning_rate=0.1),
    "centred module": Module(Centred, epochs=20, learning_rate=0.1),
    "scale": scaled(scale),
    "minmax_scale": scaled(minmax_scale),
    "ranks": scaled(ranks),
    "median": Sklearn(BatchMedian()),
}
NOISES = {"gaussian": Gaussian(2.0), "uniform": Uniform(8)}


def data(move: float = 0.0) -> Dataset:
    """Return points of one feature, the first of which is moved."""
    r = np.random.default_rng(0)
    y = np.arange(400) % 2
    x = np.clip(0.4 + 0.2 * y + 0.02 * r.normal(size=400), 0, 1).astype(np.float32)[:, None]
    points = x[:20].copy()
    points[0] += move
    return Dataset("one feature", x, y, points, y[:20], ("a", "b"))


@pytest.mark.slow
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("name", LOOK)
def test_a_model_that_looks_at_its_batch_gets_no_certificate_that_moving_its_point_breaks(name, noise):
    d, smoothing = data(), Smoothing(test=NOISES[noise])
    votes = collect(d, smoothing, LOOK[name], d.x_test, 60)
    # Noise many times as wide as the data hides what a shared draw would show: nothing is certified.
    assert radius(bounds.simultaneous(votes.counts, 0.001), smoothing).radius[0] < 0.2


@pytest.mark.slow
def test_one_fixed_model_that_looks_at_its_batch():
    for name in ("batch norm", "scale"):
        for move in (0.0, 0.2):
            found = recipes.cohen(data(move), 2.0, learner=LOOK[name], num_copies=100).certificate
            assert found.radius[0] < 0.2, (name, move)


def test_flips_of_two_values_are_drawn_for_each_point_by_itself():
    """A model that counts how many of its points turned would know which did, had they one draw."""

    class Turned(ClassifierMixin, BaseEstimator):
        def fit(self, x, y):
            self.classes_ = np.unique(y)
            return self

        def predict(self, x):
            most = x[1:].mean(0) > 0.5  # all points are ones: whether the draw turned them
            return (x != most).any(1).astype(int)

    x = np.ones((4, 1), np.float32)
    counts = []
    for first in (1.0, 0.0):
        points = np.ones((9, 1), np.float32)
        points[0, 0] = first
        d = Dataset("ones", x, [0, 1, 0, 1], points, np.zeros(9, np.int64), ("a", "b"), values=2)
        smoothing = Smoothing(test=Flip(0.6))
        votes = collect(d, smoothing, Sklearn(Turned()), d.x_test, 400)
        counts.append(radius(bounds.simultaneous(votes.counts, 0.001), smoothing))
    assert counts[0].radius[0] < 1
    assert counts[1].radius[0] < 1


OWN = {
    "Linear": Linear(),
    "LDA": LDA(),
    "MLP": MLP(hidden=(8,), epochs=2),
    "CNN": CNN(channels=(2,), hidden=4, epochs=1),
    "ResNet": ResNet(blocks=1, width=4, epochs=1),
    "hashed": HashedTestNoise(LDA(), Gaussian(0.5)),
}


@pytest.mark.parametrize("noise", ["none", "gaussian", "flip", "levels"])
@pytest.mark.parametrize("name", OWN)
def test_learners_of_the_package_label_a_point_alone_as_in_any_batch(name, noise):
    """They may share one draw among all points. What is labelled next to a point, and in which order, says nothing."""
    test = {"none": None, "gaussian": Gaussian(0.5), "flip": Flip(0.7), "levels": Flip(0.7, values=3)}[noise]
    if name == "hashed" and test is not None:
        pytest.skip("it takes no other test noise")
    r = torch.Generator().manual_seed(0)
    x = torch.randint(3, (60, 64), generator=r) / 2 if noise == "levels" else torch.rand(60, 64, generator=r).round()
    y = (x[:, :8].sum(1) > 4).long()
    points = x[:10]
    if noise == "levels" or (name == "ResNet" and test is not None):
        test = None  # drawn for each point by itself, so that another batch is another draw
    problem = Problem(x, y, 2, None, (8, 8), Smoothing(features=Gaussian(0.2), test=test))

    def streams() -> list[torch.Generator]:
        return randomness.generators(0, range(3))

    asked = streams()
    models = OWN[name].train(problem, asked)
    states = [generator.get_state() for generator in asked]

    def labelled(batch: torch.Tensor) -> torch.Tensor:
        for generator, state in zip(asked, states, strict=True):
            generator.set_state(state)
        return models.predict(batch, test, asked)

    whole = labelled(points)
    alone = torch.cat([labelled(point[None]) for point in points], 1)
    hostile = torch.cat([labelled(torch.cat([point[None], 1e3 * torch.ones(5, 64)]))[:, :1] for point in points], 1)
    assert torch.equal(whole, alone)
    assert torch.equal(whole, hostile)
    assert torch.equal(whole.flip(1), labelled(points.flip(0)))


def test_nothing_of_this_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        d = data()
        collect(d, Smoothing(test=Gaussian(1.0)), LOOK["median"], d.x_test, 4)
        collect(d, Smoothing(test=Gaussian(1.0)), Module(nn_plain, epochs=1), d.x_test, 4)


def nn_plain() -> nn.Module:
    return nn.Linear(1, 2)
