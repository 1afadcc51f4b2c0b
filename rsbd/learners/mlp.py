"""Small neural networks, many trained at once by batched matrix products."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from rsbd.errors import InputError
from rsbd.learners.adam import check_settings, descend
from rsbd.learners.base import Learner, Problem, ScoringModels, draw_test_noise
from rsbd.noises import Gaussian, Noise

if TYPE_CHECKING:
    from rsbd.smoothing import Smoothing


@dataclass(frozen=True)
class MLP(Learner):
    """A multi-layer perceptron with ReLU units, trained by Adam on the cross-entropy.

    Model ``i`` draws its initial weights, its noised training set and the order of its rows from its own
    generator. All models then step together. The longest axis is kept innermost: weights are (models, out,
    in) and activations (models, units, rows), which makes thin products several times faster than rows first.
    Forward, backward and Adam round alike for any number of models. Where training features carry less noise
    than the test input, the rest is added before training.

    Parameters
    ----------
    hidden : tuple of int
        Units of each hidden layer, at least one layer.
    epochs : int or None
        Passes over the training set. None: 10, or as many as make 80 steps where rows are few.
    batch : int
        Rows in a step, at most; the rows of a pass are shared out evenly.
    learning_rate : float
        Largest step size of Adam; it falls linearly to zero over the training.
    weight_decay : float
        Share of each weight taken away at the largest step (decoupled from Adam's scaling).

    Raises
    ------
    InputError
        A setting that is not positive.

    Examples
    --------
    >>> MLP(hidden=(64,), epochs=3)
    MLP(hidden=(64,), epochs=3, batch=128, learning_rate=0.01, weight_decay=0.0)
    """

    hidden: tuple[int, ...] = (32,)
    epochs: int | None = None
    batch: int = 128
    learning_rate: float = 0.01
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if not self.hidden or min(self.hidden) < 1:
            raise InputError(f"hidden is {self.hidden}: give each layer's number of units, such as (32,)")
        check_settings(self.epochs, self.batch, self.learning_rate, self.weight_decay)

    def train(self, problem: Problem, generators: Sequence[Generator]) -> Networks:
        """Train one network per generator."""
        sizes = (problem.x.shape[1], *self.hidden, problem.num_classes)
        layers = initial(list(itertools.pairwise(sizes)), generators)
        batches = draw_batches(problem, generators, -(-problem.num_rows // self.batch))
        weights = [tensor for layer in layers for tensor in layer]
        follow = partial(gradients, layers)
        descend(weights, follow, batches, self.epochs, self.learning_rate, self.weight_decay)
        return Networks(layers)

    def block_size(self, problem: Problem) -> int:
        """As many models as keep training sets within 128 MB, and no more than hide the cost of a call.

        On a CPU, no more than keep weights and moments in its cache from one step to the next.
        """
        features, hidden = problem.x.shape[1], self.hidden[0]
        in_cache = 2**19 // (features * hidden) if problem.x.device.type == "cpu" else 64
        return max(1, min(64, in_cache, 2**25 // (problem.num_rows * features)))


_POINTS = 2048  # labelled at a time, so that activations stay small
Layer = tuple[Tensor, Tensor]  # weights (models, out, in), biases (models, out, 1)
Batch = tuple[Tensor, Tensor]  # features (models, features, rows), labels (models, rows)


def initial(pairs: Sequence[tuple[int, int]], generators: Sequence[Generator]) -> list[Layer]:
    """Draw He's initial weights of layers with these numbers of inputs and units; biases start at zero."""
    drawn = torch.empty(len(generators), sum(a * b for a, b in pairs), device=generators[0].device)
    for row, generator in zip(drawn, generators, strict=True):
        row.normal_(generator=generator)
    parts = torch.split(drawn, [a * b for a, b in pairs], dim=1)
    return [
        (part.reshape(-1, b, a) * (2 / a) ** 0.5, torch.zeros(len(generators), b, 1, device=drawn.device))
        for part, (a, b) in zip(parts, pairs, strict=True)
    ]


def draw_batches(problem: Problem, generators: Sequence[Generator], steps: int) -> list[Batch]:
    """Draw each model's noised training set, its rows in an order of its own, cut into batches of like size.

    Every pass takes the batches in the same order, so that rows are gathered once and not in each step.
    """
    models, extra = len(generators), augmentation(problem.smoothing)
    cuts = [len(part) for part in torch.arange(problem.num_rows).tensor_split(steps)]
    batches = [
        (problem.x.new_empty(models, problem.x.shape[1], rows), problem.y.new_empty(models, rows))
        for rows in cuts
    ]
    for i, generator in enumerate(generators):
        x, y = problem.noised(generator)
        if extra is not None:
            x = extra.sample(x, generator)
        order = torch.randperm(len(x), generator=generator, device=generator.device)
        for (features, labels), rows in zip(batches, torch.split(order, cuts), strict=True):
            features[i], labels[i] = x[rows].T, y[rows]
    return batches


def augmentation(smoothing: Smoothing) -> Noise | None:
    """Noise that training rows lack to look like test inputs. More noise on noised data is free."""
    seen, asked = smoothing.features, smoothing.test
    if seen is None:
        return asked
    if isinstance(seen, Gaussian) and isinstance(asked, Gaussian) and asked.sigma > seen.sigma:
        return Gaussian((asked.sigma**2 - seen.sigma**2) ** 0.5)
    return None


def forward(layers: Sequence[Layer], x: Tensor) -> list[Tensor]:
    """Activations of every layer for inputs (models, features, rows): the inputs first, the scores last."""
    seen = [x]
    for i, (weights, biases) in enumerate(layers):
        z = torch.baddbmm(biases, weights, seen[-1])
        seen.append(z.relu_() if i < len(layers) - 1 else z)
    return seen


def gradients(layers: Sequence[Layer], x: Tensor, y: Tensor) -> list[Tensor]:
    """Gradients of each model's mean cross-entropy, in the order weights, biases, layer by layer."""
    seen = forward(layers, x)
    scores = seen.pop()
    error = scores.softmax(1)
    error.scatter_add_(1, y[:, None], error.new_tensor(-1.0).expand(len(y), 1, y.shape[1]))
    error /= y.shape[1]
    found: list[Tensor] = []
    for (weights, _), below in zip(reversed(layers), reversed(seen), strict=True):
        found[:0] = [error @ below.mT, error.sum(-1, keepdim=True)]
        if below is not x:
            error = torch.ops.aten.threshold_backward(weights.mT @ error, below, 0)  # ReLU's slope
    return found


@dataclass(frozen=True)
class Networks(ScoringModels):
    """Trained networks, as their layers."""

    layers: Sequence[Layer]

    def scores(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Outputs of the last layer: shape (models, classes, points)."""
        drawn = draw_test_noise(noise, x.shape[1], generators)
        if drawn is None:
            assert noise is not None  # noqa: S101  (no noise always has an affine form)
            return torch.cat([self._single(i, noise.sample(x, g)) for i, g in enumerate(generators)])
        # The noise of one model is one affine map of the input, so it goes into the first layer.
        (weights, biases), (scales, offsets) = self.layers[0], drawn
        first = weights * scales[:, None], biases + weights @ offsets[..., None]
        parts = (part.T.expand(len(weights), -1, -1) for part in torch.split(x, _POINTS))
        return torch.cat([forward([first, *self.layers[1:]], part)[-1] for part in parts], dim=2)

    def parameters(self) -> Tensor:
        """Weights and biases, layer by layer, (models, numbers)."""
        return torch.cat([tensor.flatten(1) for layer in self.layers for tensor in layer], dim=1)

    def _single(self, i: int, x: Tensor) -> Tensor:
        single = [(weights[i : i + 1], biases[i : i + 1]) for weights, biases in self.layers]
        return forward(single, x.T[None])[-1]
