"""Networks trained by products in bfloat16: as accurate, as repeatable, and rounded only where they may be."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from problems import digits
from torch import nn

from rsbd.errors import InputError
from rsbd.learners import CNN, MLP, Module, ResNet, randomness
from rsbd.noises import Gaussian
from rsbd.noises.smoothing import Smoothing

pytestmark = pytest.mark.usefixtures("one_thread")
SMOOTHING = Smoothing(features=Gaussian(0.2), test=Gaussian(0.2))


class OwnConstants(nn.Module):
    """Layers of many kinds, and numbers of its own that know nothing of bfloat16."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.tensor(2.0))
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(64, 16), nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 10),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(self.scale * x + torch.linspace(0, 1, 8))


LEARNERS = {
    "mlp": MLP((16,), epochs=10),
    "deep mlp": MLP((16, 12), epochs=10),
    "cnn": CNN((4, 6), 20, epochs=20),
    "resnet": ResNet(width=4, epochs=4),
    "module": Module(OwnConstants, epochs=10, learning_rate=0.003),
}


def train(learner, problem, x, models):
    streams = randomness.generators(7, models)
    trained = learner.train(problem, streams)
    return trained.parameters(), trained.predict(x, SMOOTHING.test, streams)


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n == "cnn" else n for n in LEARNERS])
def test_a_model_is_as_accurate_and_its_weights_are_float32(name):
    problem, x, y = digits(SMOOTHING, rows=300)
    learners = [LEARNERS[name], replace(LEARNERS[name], precision="bfloat16")]
    (full, labels), (half, rounded) = (train(learner, problem, x, range(8)) for learner in learners)
    assert half.dtype == torch.float32
    assert (half != half.bfloat16()).float().mean() > 0.9  # small steps are not lost in rounding
    near = (half - full).norm() / full.norm()
    assert 0 < near < 0.1  # another model, and yet from the same start and the same noise
    # The same streams trained both, so that what differs between a model and its twin is rounding.
    lost = ((labels == y).float() - (rounded == y).float()).mean(1)
    assert lost.mean() < 0.01 + 3 * lost.std() / len(lost) ** 0.5
    assert (labels == y).float().mean() > 0.3  # there is something to lose


@pytest.mark.parametrize("name", ["mlp", "deep mlp", "cnn"])
def test_a_model_does_not_depend_on_how_many_train_together(name):
    problem, x, _ = digits(SMOOTHING, rows=150)
    learner = replace(LEARNERS[name], precision="bfloat16", epochs=2)
    weights, labels = train(learner, problem, x, range(21))
    for size in (1, 8):
        parts = [train(learner, problem, x, range(i, min(i + size, 21))) for i in range(0, 21, size)]
        assert torch.equal(torch.cat([part[0] for part in parts]), weights)
        assert torch.equal(torch.cat([part[1] for part in parts]), labels)


def test_another_precision_is_refused_in_a_sentence():
    with pytest.raises(InputError, match=r"precision is 'float16': choose 'float32' or 'bfloat16'"):
        MLP(precision="float16")
