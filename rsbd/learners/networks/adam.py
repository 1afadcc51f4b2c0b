"""Optimiser of all networks, and the memory layout that it works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

_VECTOR = 64  # numbers: at least as many as a processor handles at once


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
    def zeros(cls, shapes: Sequence[Sequence[int]], device: torch.device) -> Stack:
        """Lay out tensors of these shapes."""
        size = -(-sum(map(prod, shapes)) // _VECTOR) * _VECTOR
        return cls._of(torch.zeros(size, device=device), shapes)

    @classmethod
    def _of(cls, flat: Tensor, shapes: Sequence[Sequence[int]]) -> Stack:
        sizes = [prod(shape) for shape in shapes]
        parts = torch.split(flat[: sum(sizes)], sizes)
        return cls(flat, [part.view(*shape) for part, shape in zip(parts, shapes, strict=True)])

    def like(self) -> Stack:
        """Lay out the same tensors again, all zero."""
        return self._of(torch.zeros_like(self.flat), [part.shape for part in self.parts])

    def to(self, dtype: torch.dtype) -> Stack:
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
