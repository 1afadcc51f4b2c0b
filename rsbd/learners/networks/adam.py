"""The optimiser of all networks, and the memory in which it finds their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

_VECTOR = 64  # numbers: no less than a processor takes at once


@dataclass(frozen=True)
class Stack:
    """The tensors of many networks, each with the models in front, one after the other in one piece of memory.

    Parameters
    ----------
    flat : Tensor
        All numbers, and zeros up to whole vectors of the processor.
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
        """Lay them out in this type: a copy, or where it is theirs, the same."""
        return self._of(self.flat.to(dtype), [part.shape for part in self.parts])


class Adam:
    """Adam with decoupled weight decay, in steps that round alike whatever the number of models.

    torch's fused step reads and writes every number once; elementwise steps move twice the bytes, as long as the
    products themselves take. It rounds a tensor's last few numbers otherwise than the rest: a stack has no such rest.

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
