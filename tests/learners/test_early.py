"""Early stopping: each model by its own loss, whoever trains beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from problems import digits
from torch import nn

from rsbd.errors import InputError
from rsbd.learners import CNN, MLP, Module, randomness
from rsbd.learners.networks.adam import Adam, Stack
from rsbd.learners.networks.early import Early
from rsbd.learners.networks.mlp import Gradients
from rsbd.noises import Gaussian
from rsbd.noises.smoothing import Smoothing

pytestmark = pytest.mark.usefixtures("one_thread")
SMOOTHING = Smoothing(features=Gaussian(0.2), test=Gaussian(0.2))


def network():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10))


LEARNERS = {
    "mlp": MLP((16,), epochs=12, batch=32),
    "mlp bfloat16": MLP((16,), epochs=12, batch=32, precision="bfloat16"),
    "cnn": CNN((4, 6), 20, epochs=12, batch=32, learning_rate=0.02),
    "module": Module(network, epochs=12, batch=32, learning_rate=0.01, together=5),
}


@pytest.fixture
def problem():
    return digits(SMOOTHING, rows=150)[0]


@pytest.fixture
def steps(monkeypatch):
    """How many steps were made, in a list."""
    made, step = [], Adam.step
    monkeypatch.setattr(Adam, "step", lambda self, *given: (made.append(1), step(self, *given))[1])
    return made


def train(learner, problem, models):
    return learner.train(problem, randomness.generators(3, models)).parameters()


def test_what_is_kept_is_the_first_pass_at_the_target():
    stack = Stack.zeros([(3, 2), (3, 1, 2)], torch.device("cpu"))
    early = Early(stack, target=0.5)
    losses = [  # of two batches in a pass, of 3 rows and of 1: means 0.7 0.6 0.5; 0.4 0.6 0.9; 0.9 0.6 0.1
        ([0.8, 0.6, 0.4], [0.4, 0.6, 0.8]),
        ([0.3, 0.6, 0.9], [0.7, 0.6, 0.9]),
        ([0.9, 0.6, 0.1], [0.9, 0.6, 0.1]),
    ]
    for number, (first, second) in enumerate(losses, 1):
        stack.flat.fill_(number)
        early.see(torch.tensor(first), 3)
        early.see(torch.tensor(second), 1)
        assert not early.all_done()
    early.restore()
    for part in stack.parts:  # the first was done with the second pass, the last with the first; one never was
        assert part.reshape(3, 2).tolist() == [[2, 2], [3, 3], [1, 1]]


@pytest.mark.parametrize("name", LEARNERS)
def test_models_stop_by_themselves_whoever_trains_beside_them(name, problem, steps):
    learner, alone, passes = replace(LEARNERS[name], target_loss=1.0), [], []
    together = train(learner, problem, range(10))
    for i in range(10):
        steps.clear()
        alone.append(train(learner, problem, range(i, i + 1)))
        passes.append(len(steps) // 5)  # of 150 rows, 32 at most in a step
    assert len(set(passes)) > 1
    assert sum(passes) < 0.9 * 10 * 12
    if name == "module":  # whose products round with the number of models
        torch.testing.assert_close(together, torch.cat(alone), rtol=1e-2, atol=1e-3)
    else:
        assert torch.equal(together, torch.cat(alone))


@pytest.mark.parametrize("name", LEARNERS)
def test_the_loosest_target_is_one_pass_and_the_tightest_all(name, problem, steps):
    learner = LEARNERS[name]
    batches = 5 * (3 if name == "cnn" else 1)  # of 32 rows at most; a CNN is trained one by one on a CPU
    train(replace(learner, target_loss=float("inf")), problem, range(3))
    assert len(steps) == batches
    never = train(replace(learner, target_loss=0.0), problem, range(3))
    assert len(steps) == batches + 12 * batches
    assert torch.equal(never, train(learner, problem, range(3)))


def test_losses_are_those_of_torch():
    torch.manual_seed(0)
    layers = [(torch.randn(4, o, i), torch.randn(4, o, 1)) for i, o in ((7, 6), (6, 5))]
    x, y = torch.randn(4, 7, 11), torch.randint(0, 5, (4, 11))
    scores = layers[1][0] @ (layers[0][0] @ x + layers[0][1]).relu() + layers[1][1]
    wanted = nn.functional.cross_entropy(scores, y, reduction="none").mean(1)
    found = Gradients(layers, watch=True)(x, y, [torch.empty_like(p) for layer in layers for p in layer])
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("target", [-0.1, float("nan")])
def test_a_target_below_zero_is_refused_in_a_sentence(target):
    with pytest.raises(InputError, match=r"target_loss is .*: give a loss to stop at, from 0, or None"):
        MLP(target_loss=target)
