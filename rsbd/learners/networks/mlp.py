"""Trains many small neural networks at once by batched matrix products."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from rsbd.errors import InputError, are_whole
from rsbd.learners.base import Problem, ScoringModels
from rsbd.learners.networks.network import Backward, Network, Stack
from rsbd.learners.shared_noise import in_parts, noised_scores
from rsbd.noises import Noise


@dataclass(frozen=True, repr=False)
class MLP(Network):
    """A multi-layer perceptron with ReLU units, trained as any :class:`~rsbd.learners.networks.network.Network`.

    All models step together. Their axes are in the order in which products take least time: (models, rows, units) for
    hidden activations, and (models, classes, rows) for scores. Forward, backward and Adam round alike for any number of
    models.

    Parameters
    ----------
    hidden : tuple of int
        Units of each hidden layer, at least one layer.
    epochs, batch, learning_rate, weight_decay, precision
        As for any network.

    Raises
    ------
    InputError
        A setting that is not positive.

    Examples
    --------
    >>> MLP(hidden=(64,), epochs=3)
    MLP(hidden=(64,), epochs=3, batch=128, learning_rate=0.01, weight_decay=0.0, ...)
    """

    hidden: tuple[int, ...] = (32,)

    def __post_init__(self) -> None:
        if not are_whole(self.hidden, 1):
            raise InputError(f"hidden is {self.hidden!r}", "give each layer's number of units, such as (32,)")
        object.__setattr__(self, "hidden", tuple(map(int, self.hidden)))
        super().__post_init__()

    def train(self, problem: Problem, generators: Sequence[Generator]) -> "DenseNetworks":
        """Train one network per generator."""
        sizes = (problem.x.shape[1], *self.hidden, problem.num_classes)
        weights = initial_weights(list(itertools.pairwise(sizes)), generators)
        batches = self.batches(problem, generators)
        self.descend(weights, lambda parts: dense_gradients(as_layers(parts)), batches)
        return DenseNetworks(as_layers(weights.parts))

    def block_size(self, problem: Problem) -> int:
        """Return as many as fit; on a CPU, no more than keep weights and moments in its cache from step to step."""
        features = problem.x.shape[1]
        in_cache = 2**19 // (features * self.hidden[0]) if problem.x.device.type == "cpu" else 64
        return max(1, min(in_cache, self.models_in_memory(problem, problem.num_rows * features)))


_POINTS = 2048  # labelled at a time, so that activations stay small
Layer = tuple[Tensor, Tensor]  # weights (models, out, in), biases (models, out, 1)


def initial_weights(pairs: Sequence[tuple[int, int]], generators: Sequence[Generator]) -> Stack:
    """Draw He's initial weights of layers with these numbers of inputs and units; biases start at zero."""
    models = len(generators)
    shapes = [shape for a, b in pairs for shape in ((models, b, a), (models, b, 1))]
    stack = Stack.zeros(shapes, generators[0].device)
    drawn = torch.empty(models, sum(a * b for a, b in pairs), device=stack.flat.device)
    for row, generator in zip(drawn, generators, strict=True):
        row.normal_(generator=generator)
    parts = torch.split(drawn, [a * b for a, b in pairs], dim=1)
    for weights, part, (a, _) in zip(stack.parts[::2], parts, pairs, strict=True):
        torch.mul(part.view(weights.shape), (2 / a) ** 0.5, out=weights)
    return stack


def as_layers(parts: Sequence[Tensor]) -> list[Layer]:
    """Pair weights and biases layer by layer."""
    return list(zip(parts[::2], parts[1::2], strict=True))


def forward_pass(layers: Sequence[Layer], x: Tensor) -> list[Tensor]:
    """Return the inputs ``x`` and the activations of hidden layers, all (models, rows, units), and scores.

    Scores are (models, classes, rows).
    """
    seen = [x]
    for weights, biases in layers[:-1]:
        seen.append(torch.baddbmm(biases.mT, seen[-1], weights.mT).relu_())
    return [*seen, torch.baddbmm(layers[-1][1], layers[-1][0], seen[-1].mT)]


def dense_gradients(layers: Sequence[Layer]) -> Backward:
    """Return a function that computes gradients of each model's mean cross-entropy in weights that change meanwhile."""

    def write(x: Tensor, y: Tensor, found: Sequence[Tensor]) -> None:
        """Write the gradients into ``found``, in the order weights, biases, layer by layer."""
        seen = forward_pass(layers, x.mT)
        chances = torch.softmax(seen[-1], 1, dtype=torch.promote_types(x.dtype, torch.float32))
        chances.scatter_add_(1, y[:, None], torch.full_like(chances[:, :1], -1.0))
        error = chances.div_(y.shape[1]).to(x.dtype).mT  # float32 or wider until here
        for i in reversed(range(len(layers))):
            torch.bmm(error.mT, seen[i], out=found[2 * i])
            torch.sum(error.mT, -1, keepdim=True, out=found[2 * i + 1])
            if i > 0:
                error = torch.bmm(error, layers[i][0])
                torch.ops.aten.threshold_backward(error, seen[i], 0, grad_input=error)  # the slope of ReLU

    return write


@dataclass(frozen=True)
class DenseNetworks(ScoringModels):
    """Trained networks, as their layers."""

    layers: Sequence[Layer]

    def scores(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Return the outputs of the last layer, shape (models, classes, points)."""
        (weights, biases), *others = self.layers
        return torch.cat([
            forward_pass(others, noised_scores(weights, biases[..., 0], part, noise, generators).relu_().mT)[-1]
            for part in in_parts(x, x._version, _POINTS)
        ], dim=2)  # fmt: skip

    def parameters(self) -> Tensor:
        """Return weights and biases, layer by layer, (models, numbers)."""
        return torch.cat([tensor.flatten(1) for layer in self.layers for tensor in layer], dim=1)
