"""Base class of all networks: settings of training, batches, and gradient descent by Adam on one piece of memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from math import inf, prod
from typing import Literal, get_args

import torch
from torch import Generator, Tensor

from rsbd.errors import InputError, check_among, is_between, is_whole
from rsbd.learners.base import Learner, Problem, noised_at_once
from rsbd.noises import Gaussian, Noise, Smoothing

_VECTOR = 64  # numbers: at least as many as a processor handles at once
_UNIT = 16  # rows: with others, products and softmax are up to a tenth slower
Batch = tuple[Tensor, Tensor]  # features (models, features, rows), labels (models, rows)
# Writes the gradients of a batch into the tensors.
Backward = Callable[[Tensor, Tensor, Sequence[Tensor]], None]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Stack:
    """The tensors of many networks, each with the models in front, consecutive in one piece of memory.

    Parameters
    ----------
    flat : Tensor
        All numbers, padded with zeros to whole vectors of the processor.
    parts : sequence of Tensor
        Views of ``flat``, each contiguous.
    """

    flat: Tensor
    parts: Sequence[Tensor]

    @classmethod
    def zeros(cls, shapes: Sequence[Sequence[int]], device: torch.device) -> "Stack":
        """Lay out tensors of these shapes."""
        size = -(-sum(map(prod, shapes)) // _VECTOR) * _VECTOR
        return cls._of(torch.zeros(size, device=device), shapes)

    @classmethod
    def _of(cls, flat: Tensor, shapes: Sequence[Sequence[int]]) -> "Stack":
        sizes = [prod(shape) for shape in shapes]
        parts = torch.split(flat[: sum(sizes)], sizes)
        return cls(flat, [part.view(*shape) for part, shape in zip(parts, shapes, strict=True)])

    def to(self, dtype: torch.dtype) -> "Stack":
        """Return the tensors in this type: a copy, or this stack's memory if it has the type already."""
        return self._of(self.flat.to(dtype), [part.shape for part in self.parts])


class Adam:
    """Adam with decoupled weight decay, in steps that round equally for any number of models.

    torch's fused step reads and writes every number once. Elementwise steps move twice the bytes, which takes as long
    as the matrix products. The fused step rounds the last few numbers of a tensor differently; a stack is padded.

    Parameters
    ----------
    numbers : Tensor
        The flat memory of a stack; changed in place.

    References
    ----------
    Kingma, Ba 2015, algorithm 1; Loshchilov, Hutter 2019, Decoupled weight decay, algorithm 2.
    """

    def __init__(self, numbers: Tensor) -> None:
        self.numbers, self.time = numbers, torch.zeros((), device=numbers.device)
        self.mean, self.square = torch.zeros_like(numbers), torch.zeros_like(numbers)

    def step(self, gradient: Tensor, rate: float, decay: float = 0.0) -> None:
        """Move all numbers against their gradient."""
        self.time += 1
        torch._fused_adamw_(
            [self.numbers], [gradient], [self.mean], [self.square], [], [self.time],
            lr=rate, beta1=0.9, beta2=0.999, weight_decay=decay, eps=1e-8, amsgrad=False, maximize=False,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, repr=False)
class Network(Learner):
    """A network trained by Adam on the cross-entropy, with a step size that falls linearly to zero.

    Every model has its own initial weights, noised rows and order of rows, all from its own generator. If training
    features carry less noise than the test input, the difference is added before training.

    Parameters
    ----------
    epochs : int or None
        Passes over the training set. None: 10, or as many as make 80 steps where rows are few.
    batch : int
        Rows in a step, at most; the rows of a pass are shared out evenly.
    learning_rate : float
        Largest step size of Adam.
    weight_decay : float
        Share of each weight taken away at the largest step (decoupled from Adam's scaling).
    precision : "float32" or "bfloat16"
        Of activations and gradients in training. Products are summed in float32, and weights, Adam's moments and
        predictions are in float32 all the same. bfloat16 keeps 8 bits and is faster where a processor (AVX-512 BF16,
        AMX) or a GPU has units for it, and slower elsewhere. A certificate holds for the base classifier as trained.

    Raises
    ------
    InputError
        Settings that are not positive; another precision.
    """

    epochs: int | None = None
    batch: int = 128
    learning_rate: float = 0.01
    weight_decay: float = 0.0
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        whole = (self.epochs is None or is_whole(self.epochs, 1)) and is_whole(self.batch, 1)
        if not (whole and is_between(self.learning_rate, 0, inf, "low high") and is_between(self.weight_decay, 0, inf)):
            found = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(Network)[:4])
            raise InputError(f"{found} cannot train", "the first three must be above 0, weight_decay at least 0")
        check_among("precision", self.precision, get_args(Precision))

    def __repr__(self) -> str:
        """Show the settings of the network first, then those of its training."""
        shared = [field.name for field in fields(Network)]
        own = [field.name for field in fields(self) if field.name not in shared]
        return f"{type(self).__name__}({', '.join(f'{k}={getattr(self, k)!r}' for k in own + shared)})"

    def models_in_memory(self, problem: Problem, numbers: int) -> int:
        """Return how many models of ``numbers`` numbers fit into 128 MB, or 4 GB on a GPU; more than 64 gain nothing.

        Most of the numbers are those of the training set; the activations of a batch are not counted.
        """
        room = 2**25 if problem.x.device.type == "cpu" else 2**30
        return max(1, min(64, room // numbers))

    def batch_sizes(self, rows: int) -> list[int]:
        """Return the rows of each batch: about equal, and whole vectors of the processor if batches are large."""
        steps = -(-rows // self.batch)
        unit = _UNIT if self.batch >= 4 * _UNIT and self.batch % _UNIT == 0 else 1
        parts = torch.arange(-(-rows // unit)).tensor_split(steps)
        return [min(unit * (int(part[-1]) + 1), rows) - unit * int(part[0]) for part in parts]

    def batches(self, problem: Problem, generators: Sequence[Generator]) -> list[Batch]:
        """Draw each model's noised training set, its rows in an order of its own, cut into batches of about equal size.

        Every pass takes the batches in the same order, so that rows are gathered once and not in each step. In memory,
        the features of a row follow each other.
        """
        models, extra, cuts = len(generators), noise_to_add(problem.smoothing), self.batch_sizes(problem.num_rows)
        kind = getattr(torch, self.precision)
        features = [problem.x.new_empty(models, rows, problem.x.shape[1], dtype=kind) for rows in cuts]
        labels = problem.y.new_empty(models, problem.num_rows)
        for numbers in noised_at_once(problem, models):
            some = generators[numbers.start : numbers.stop]
            drawn, classes = problem.noised_many(some)
            drawn = drawn if extra is None or type(extra) is Gaussian else extra.sample_many(drawn, some)
            for i, x, y, generator in zip(numbers, drawn, classes, some, strict=True):
                if type(extra) is Gaussian:  # this noise proves nothing, so that it needs no lattice
                    x += torch.empty_like(x).normal_(0, extra.sigma, generator=generator)
                order = torch.randperm(len(x), generator=generator, device=generator.device)
                labels[i] = y[order]
                for batch, part in zip(features, torch.split(order, cuts), strict=True):
                    torch.index_select(x.to(kind), 0, part, out=batch[i])
        return list(zip([batch.mT for batch in features], torch.split(labels, cuts, dim=1), strict=True))

    def descend(
        self, weights: Stack, gradients: Callable[[Sequence[Tensor]], Backward], batches: Sequence[Batch]
    ) -> None:
        """Train in place: pass over the batches again and again.

        Parameters
        ----------
        weights : Stack
            Changed in place.
        gradients : callable
            Gets tensors like those of the stack, in the precision of the batches, which hold the current weights at
            each step. Returns a function that writes a batch's gradients into other such tensors.
        batches : sequence of (Tensor, Tensor)
            Taken in the same order in every pass.
        """
        adam = Adam(weights.flat)
        slopes = Stack.zeros([part.shape for part in weights.parts], weights.flat.device)
        # In float32 these are the same tensors, and copying one onto itself costs nothing.
        rounded, found = (stack.to(batches[0][0].dtype) for stack in (weights, slopes))
        write = gradients(rounded.parts)
        steps = len(batches) * (self.epochs or max(10, -(-80 // len(batches))))
        with torch.no_grad():
            for step in range(steps):
                x, y = batches[step % len(batches)]
                rounded.flat.copy_(weights.flat)
                write(x, y, found.parts)
                slopes.flat.copy_(found.flat)
                adam.step(slopes.flat, self.learning_rate * (1 - step / steps), self.weight_decay)


def noise_to_add(smoothing: Smoothing) -> Noise | None:
    """Return the noise that makes training rows look like test inputs: post-processing, which is free."""
    seen, asked = smoothing.features, smoothing.test
    if seen is None:
        return asked
    if isinstance(seen, Gaussian) and isinstance(asked, Gaussian) and asked.sigma > seen.sigma:
        return Gaussian((asked.sigma**2 - seen.sigma**2) ** 0.5)
    return None
