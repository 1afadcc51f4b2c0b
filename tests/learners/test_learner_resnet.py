"""Residual networks: they learn from colour images, and model `i` is itself whatever trains beside it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rsbd.data import Dataset
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.learners import Problem, ResNet, randomness
from rsbd.learners.networks.images import _ResidualNetwork
from rsbd.noises import Gaussian
from rsbd.noises.smoothing import Smoothing

SMOOTHING = Smoothing(features=Gaussian(0.1), test=Gaussian(0.1))


def stripes(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Colour images that differ in the direction of their stripes, not in the mean of any pixel."""
    draw = np.random.default_rng(seed)
    y = draw.integers(2, size=rows)
    wave = (np.arange(8) + draw.integers(4, size=(rows, 1))) % 4 < 2
    x = np.where(y[:, None, None] == 1, wave[:, None, :], wave[:, :, None])
    return np.repeat(x[:, None], 3, axis=1).astype(np.float32), y


@pytest.fixture(scope="module")
def data() -> Dataset:
    (x, y), (x_test, y_test) = stripes(120, 0), stripes(40, 1)
    return Dataset("stripes", x, y, x_test, y_test, ("lying", "standing"), None)


def test_learns_what_no_linear_model_can(data: Dataset) -> None:
    votes = collect(data, SMOOTHING, ResNet(width=4, epochs=12, batch=32, learning_rate=0.01), data.x_test, 3)
    assert np.mean(votes.label == data.y_test) > 0.9


def test_a_model_does_not_depend_on_those_beside_it(data: Dataset) -> None:
    learner = ResNet(width=4, epochs=1)
    problem = Problem(torch.tensor(data.x).flatten(1), torch.tensor(data.y), 2, None, data.shape, SMOOTHING)
    points = torch.tensor(data.x_test).flatten(1)

    def labels(models: range) -> torch.Tensor:
        streams = randomness.generators(0, models)
        return learner.train(problem, streams).predict(points, SMOOTHING.test, streams)

    assert learner.block_size(problem) == 1
    assert torch.equal(labels(range(1, 2)), labels(range(1, 2)))
    assert torch.equal(labels(range(3))[1], labels(range(1, 2))[0])


@pytest.mark.parametrize("blocks", [1, 3])
def test_has_the_layers_that_it_says(blocks: int) -> None:
    net = _ResidualNetwork(3, 10, blocks, 16)
    layers = [m for m in net.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    assert len([m for m in layers if getattr(m, "kernel_size", (3, 3)) == (3, 3)]) == 6 * blocks + 2
    assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize("settings", [{"blocks": 0}, {"width": 6}, {"width": 0}, {"epochs": 0}])
def test_bad_settings_are_one_sentence(settings: dict[str, int]) -> None:
    with pytest.raises(InputError):
        ResNet(**settings)


def test_tables_are_refused(data: Dataset) -> None:
    table = data.replace(x=data.x[:, 0, 0], x_test=data.x_test[:, 0, 0])
    with pytest.raises(InputError, match="use MLP"):
        collect(table, SMOOTHING, ResNet(), table.x_test, 1)
