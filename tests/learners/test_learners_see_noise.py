"""Learners read noised data and nothing else: a noise that erases all of it leaves nothing to tell two data sets by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from sklearn.tree import DecisionTreeClassifier
from torch import Generator, Tensor, nn

from rsbd.learners import (
    CNN,
    LDA,
    MLP,
    Columns,
    HashedTestNoise,
    Learner,
    Linear,
    Module,
    ResNet,
    RobustLinear,
    Sklearn,
    TwoMask,
    randomness,
)
from rsbd.learners.base import Problem, ScoringModels
from rsbd.noises import Bagging, Gaussian, Noise
from rsbd.noises.smoothing import Smoothing
from rsbd.tradeoff import Tradeoff, identity


@dataclass(frozen=True)
class Erase(Noise):
    """Everything becomes 0: no attack shows through it, so its trade-off is that of nothing."""

    norm: ClassVar[str] = "L0"

    def shift(self, size: float) -> Tradeoff:
        return identity()

    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        return torch.zeros_like(x)


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Tanh(), nn.Linear(4, 3))


LEARNERS = {
    "linear": Linear(),
    "robust": RobustLinear(),
    "lda": LDA(),
    "mlp": MLP((4,), epochs=2),
    "cnn": CNN((2, 2), hidden=4, kernel=3, epochs=2),
    "resnet": ResNet(width=4, epochs=1),
    "module": Module(network, epochs=2),
    "sklearn": Sklearn(DecisionTreeClassifier()),
    "hashed": HashedTestNoise(LDA(), Gaussian(0.5)),
    "columns": Columns(LDA(), 4),
    "two masks": TwoMask(Linear(), 2),
}


def answers(learner: Learner, smoothing: Smoothing, seed: int) -> Tensor:
    """What three models say of the same points after training on the data of a seed."""
    data, points = Generator().manual_seed(seed), torch.rand(40, 64, generator=Generator().manual_seed(9))
    x, y = torch.rand(30, 64, generator=data).round(), torch.randint(3, (30,), generator=data)
    y[:3] = torch.arange(3)
    streams = randomness.generators(0, range(3))
    before = x.clone(), y.clone(), points.clone()
    models = learner.train(Problem(x, y, 3, 2, (8, 8), smoothing), streams)
    found = models.scores if isinstance(models, ScoringModels) else models.predict
    said = found(points, None, streams)
    assert all(map(torch.equal, (x, y, points), before)), "a learner wrote on tensors that all models share"
    return said


@pytest.mark.parametrize("rows", [None, Bagging(20)], ids=["all rows", "bags"])
@pytest.mark.parametrize("name", LEARNERS)
def test_nothing_is_learned_from_what_the_noise_erased(name: str, rows: Bagging | None) -> None:
    learner, erased = LEARNERS[name], Smoothing(rows, Erase(), Erase())
    assert torch.equal(answers(learner, erased, 1), answers(learner, erased, 2))
    clean = replace(erased, features=None, labels=None)
    assert not torch.equal(answers(learner, clean, 1), answers(learner, clean, 2))


@pytest.mark.parametrize("name", [name for name in LEARNERS if name not in ("hashed", "two masks")])  # they refuse it
def test_nothing_is_seen_of_a_point_that_the_noise_erased(name: str) -> None:
    x, y = torch.rand(30, 64, generator=Generator().manual_seed(1)).round(), torch.arange(30) % 3
    points = torch.rand(40, 64, generator=Generator().manual_seed(9)).round()

    def said(points: Tensor, noise: Noise | None) -> Tensor:
        streams = randomness.generators(0, range(3))
        models = LEARNERS[name].train(Problem(x, y, 3, 2, (8, 8), Smoothing(test=noise)), streams)
        return models.predict(points, noise, streams)

    assert torch.equal(said(points, Erase()), said(1 - points, Erase()))
    assert not torch.equal(said(points, None), said(1 - points, None))
