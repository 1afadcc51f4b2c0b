"""What a learner is handed may be written on: in no path does that reach another model, a point or the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, Normalizer, StandardScaler
from torch import nn

from rsbd import (
    LDA,
    Bagging,
    Dataset,
    Flip,
    Gaussian,
    Linear,
    Module,
    Sklearn,
    Smoothing,
    audit,
    collect,
    load,
    recipes,
)
from rsbd.attacks import BadPatch
from rsbd.attacks.poisoning import Poisoning
from rsbd.ensemble.one_model import FixedModel, stream_confidences
from rsbd.learners import CNN, MLP, HashedTestNoise, Learner, Models, Problem, ResNet, randomness
from rsbd.learners.undefended import predict_undefended
from rsbd.recipes.contest import CONTENDERS
from rsbd.recipes.experiment import Experiment


def data() -> Dataset:
    return load("digits", side=8, view="unit", classes=(0, 1), rows=60, points=20)


def standardise(x, y=None):
    x -= x.mean(0)
    return x


class Scribbler(ClassifierMixin, BaseEstimator):
    """Class means; with ``rude``, all it was handed is overwritten at the end."""

    def __init__(self, rude: bool = False) -> None:
        self.rude = rude

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        self.means_ = np.stack([x[y == c].mean(0) for c in self.classes_])
        if self.rude:
            x[:], y[:] = 0.25, 1 - y
        return self

    def predict(self, x):
        labels = self.classes_[np.square(x[:, None] - self.means_).sum(-1).argmin(1)]
        if self.rude:
            x[:] = 7
        return labels


class Doubled(nn.Module):
    def __init__(self, rude: bool) -> None:
        super().__init__()
        self.rude, self.layer = rude, nn.Linear(64, 2)

    def forward(self, x):
        x = x.flatten(1)
        return self.layer(x.mul_(2) if self.rude else x * 2)


def rude_net() -> nn.Module:
    return Doubled(True)


def polite_net() -> nn.Module:
    return Doubled(False)


@dataclass(frozen=True)
class Nearest(Learner):
    """A learner of one's own: the nearest class mean, of rows and points that it shifts."""

    rude: bool

    def train(self, problem: Problem, generators: Any) -> Models:
        x, y = problem.x, problem.y
        means = []
        for generator in generators:
            noised, labels = problem.noised(generator)
            means.append(torch.stack([noised[labels == c].mean(0) for c in range(problem.num_classes)]))
            if self.rude:
                noised.zero_(), labels.zero_()
        if self.rude:
            x.fill_(0.5), y.zero_()
        return NearestModels(torch.stack(means), self.rude)


@dataclass(frozen=True)
class NearestModels(Models):
    means: torch.Tensor
    rude: bool

    def predict(self, x, noise, generators):
        labels = []
        for mean, generator in zip(self.means, generators, strict=True):
            seen = x if noise is None else noise.sample(x, generator)
            labels.append(torch.cdist(seen, mean).nan_to_num(nan=9.0).argmin(1))
        if self.rude:
            x.fill_(3)
        return torch.stack(labels)


def scaled(scaler: Any) -> Sklearn:
    return Sklearn(make_pipeline(scaler, GaussianNB(var_smoothing=1e-3)))


PAIRS = {
    "standard scaler": lambda rude: scaled(StandardScaler(copy=not rude)),
    "min-max scaler": lambda rude: scaled(MinMaxScaler(copy=not rude)),
    "max-abs scaler": lambda rude: scaled(MaxAbsScaler(copy=not rude)),
    "normalizer": lambda rude: scaled(Normalizer(copy=not rude)),
    "own estimator": lambda rude: Sklearn(Scribbler(rude)),
    "own module": lambda rude: Module(rude_net if rude else polite_net, epochs=2),
    "own learner": Nearest,
}


def labels_by_path(learner: Learner) -> dict[str, np.ndarray]:
    """Votes and labels in every path, each from the same data set, one after the other."""
    d = data()
    before = d.fingerprint()
    found = {
        "undefended": predict_undefended(d, learner, d.x_test),
        "parts": recipes.dpa(d, 6, learner=learner).labels,
        "labels alone": collect(d, Smoothing(labels=Flip(0.9)), learner, d.x_test, 8).counts,
        "bags": collect(d, Smoothing(rows=Bagging(20)), learner, d.x_test, 8).counts,
        "test alone": collect(d, Smoothing(test=Gaussian(0.3)), learner, d.x_test, 8).counts,
        "both": collect(d, Smoothing(features=Gaussian(0.3), test=Gaussian(0.3)), learner, d.x_test, 8).counts,
        "one model": FixedModel.train(d, Gaussian(0.3), learner).votes(d.x_test, range(10)).counts,
    }
    assert d.fingerprint() == before
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_a_learner_that_works_in_place_gives_the_votes_of_its_polite_twin(name):
    rude, polite = (labels_by_path(PAIRS[name](how)) for how in (True, False))
    for path, found in rude.items():
        np.testing.assert_array_equal(found, polite[path], err_msg=path)


def test_a_row_changes_no_more_than_its_parts_with_an_estimator_that_works_in_place():
    learner = Sklearn(make_pipeline(StandardScaler(copy=False), LogisticRegression()))
    d = load("digits", side=8, view="unit", classes=(0, 1), rows=100, points=30)
    before = recipes.dpa(d, 8, learner=learner).certificate
    for seed in range(5):
        row = (np.random.default_rng(seed).random((1, 8, 8)) < 0.5).astype(np.float32)
        more = d.replace(x=np.concatenate([d.x, row]), y=np.append(d.y, 0))
        after = recipes.dpa(more, 8, learner=learner).certificate
        assert not ((after.label != before.label) & (before.radius >= 1)).any()


def test_a_function_in_a_pipeline_may_work_in_place():
    d = data()
    learner = Sklearn(make_pipeline(FunctionTransformer(standardise), GaussianNB(var_smoothing=1e-3)))
    first, second = (recipes.dpa(d, 6, learner=learner).labels for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_what_the_caller_does_to_test_points_while_votes_come_changes_none():
    d, points = data(), data().x_test.copy()

    def spoil(votes: Any) -> None:
        points[:] = 0.5

    learner = scaled(StandardScaler())
    asked = Smoothing(test=Gaussian(0.3))
    votes = collect(d, asked, learner, points, 40, progress=spoil)
    np.testing.assert_array_equal(votes.counts, collect(d, asked, learner, d.x_test, 40).counts)


OWN = {
    "Linear": Linear(),
    "LDA": LDA(),
    "MLP": MLP(hidden=(8,), epochs=1),
    "CNN": CNN(channels=(2,), hidden=4, epochs=1),
    "ResNet": ResNet(blocks=1, width=4, epochs=1),
    "hashed": HashedTestNoise(LDA(), Gaussian(0.3)),
}
NOISES = {
    "none": Smoothing(),
    "gaussian": Smoothing(features=Gaussian(0.3), test=Gaussian(0.3)),
    "flips": Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.8)),
    "bags": Smoothing(rows=Bagging(20), features=Gaussian(0.3)),
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("name", OWN)
def test_learners_of_the_package_write_on_nothing_that_they_are_handed(name, noise):
    """They are lent the tensors themselves, and not copies."""
    if name == "hashed" and NOISES[noise].test is not None:
        pytest.skip("it takes no other test noise")
    d = load("digits", side=8, classes=(0, 1), rows=40, points=10)
    x, y, points = torch.tensor(d.x.reshape(40, -1)), torch.tensor(d.y), torch.tensor(d.x_test.reshape(10, -1))
    was = x.clone(), y.clone(), points.clone()
    streams = randomness.generators(0, range(4))
    models = OWN[name].train(Problem(x, y, 2, None, d.shape, NOISES[noise]), streams)
    models.predict(points, NOISES[noise].test, streams)
    for now, before in zip((x, y, points), was, strict=True):
        assert torch.equal(now, before)


def test_confidences_of_a_network_that_works_in_place_are_those_of_its_twin():
    d, noise = data(), Smoothing(test=Gaussian(0.3))
    rude, polite = (
        np.concatenate(list(stream_confidences(d, noise, Module(net, epochs=2), d.x_test, range(6))))
        for net in (rude_net, polite_net)
    )
    np.testing.assert_allclose(rude, polite, atol=1e-6)


@pytest.mark.slow
def test_an_experiment_a_comparison_and_an_audit_with_a_scaler_that_works_in_place():
    found = []
    for rude in (True, False):
        d, learner = data(), scaled(StandardScaler(copy=not rude))
        noise = Smoothing(features=Gaussian(2.0), labels=Flip(0.9), test=Gaussian(2.0))
        outcome = Experiment(d, Poisoning(BadPatch(2), target=0, rate=0.05), noise, learner, num_models=8).run()
        contenders = [c for c in CONTENDERS if c.name in ("Cohen et al.", "DPA", "bagging", "Wang et al., tied")]
        asked = {"relabel": [True], "on_test": [False, True], "contenders": contenders, "num_models": 8}
        compared = recipes.compare(d, rows=[0, 1], triggers=[1], **asked, learner=learner)
        judge = audit.Retrained(noise, learner)
        found.append((
            outcome.votes.counts.tolist(),
            outcome.attack.undefended,
            outcome.smoothed,
            [(row.certified, row.clean, row.noise) for row in compared.rows],
            judge(d, d.x_test, 10, 0).tolist(),
        ))  # fmt: skip
        assert d.fingerprint() == data().fingerprint()
    assert found[0] == found[1]
