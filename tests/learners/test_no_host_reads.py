"""Training reads no value back from its device: shown on torch's meta device, whose tensors have none to read.

Only drawing noise does, where the first random bits leave a number undecided.
"""

from __future__ import annotations

import pytest
import torch

from rsbd.learners import CNN, MLP, Problem
from rsbd.noises import Noise
from rsbd.noises.smoothing import Smoothing


class Plain(Noise):
    """A noise that reads nothing."""

    norm = "L2"

    def shift(self, size):
        raise NotImplementedError

    def sample(self, x, generator):
        return x + torch.empty_like(x).normal_(generator=generator)


Plain.__module__ = "rsbd.plain"  # what noises of the user draw is read, to be checked
SMOOTHING = Smoothing(features=Plain(), test=Plain())


class Stream(torch.Generator):
    """A generator that says it is where the data are; nothing is drawn from it."""

    device = torch.device("meta")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("learner", [MLP, CNN])
def test_training_and_voting_never_wait_for_a_device(learner, precision):
    x, y = torch.empty(300, 784, device="meta"), torch.empty(300, dtype=torch.int64, device="meta")
    problem, streams = Problem(x, y, 3, None, (28, 28), SMOOTHING), [Stream() for _ in range(4)]
    models = learner(epochs=2, precision=precision).train(problem, streams)
    assert models.parameters().dtype == torch.float32
    labels = models.predict(torch.empty(50, 784, device="meta"), SMOOTHING.test, streams)
    assert labels.shape == (4, 50)
    assert labels.device == x.device
    with pytest.raises(RuntimeError, match="meta"):
        labels.max().item()  # as would any step that reads one
