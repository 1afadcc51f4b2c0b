"""A noise that the package does not have, as somebody would write it: one class, one file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import torch

from rsbd.noises import Noise
from rsbd.noises.base import Channel
from rsbd.noises.flip import bernoulli
from rsbd.tradeoff import Tradeoff, overlap


@dataclass(frozen=True)
class Ablate(Noise):
    """Show each coordinate with probability `show`, else grey (Levine and Feizi 2020): a hidden change does nothing."""

    norm: ClassVar[str] = "L0"
    name: ClassVar[str] = "ablation, version 1"
    show: Fraction

    def shift(self, size: float) -> Tradeoff:
        return overlap((1 - self.show) ** int(size))

    def sample(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        shown = bernoulli(self.show, tuple(x.shape), [generator])[0]  # exact, which `torch.rand(...) < show` is not
        return torch.where(shown, x, torch.full_like(x, 0.5))

    def outcomes(self, value: float) -> list[tuple[float, Fraction]]:  # optional: tiny worlds can be enumerated
        return [(value, self.show), (0.5, 1 - self.show)]

    def channel(self) -> Channel:  # optional: it lets learners undo the noise
        share = float(self.show)
        return Channel(share, (1 - share) / 2, share * (1 - share) / 4)
