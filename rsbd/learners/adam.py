"""The optimiser, written out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Adam:
    """Adam in plain elementwise steps, which round alike whatever the number of models; fused ones do not.

    Parameters
    ----------
    parameters : sequence of Tensor
        Changed in place.

    References
    ----------
    Kingma, Ba 2015, algorithm 1; Loshchilov, Hutter 2019, Decoupled weight decay, algorithm 2.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters, self.time = parameters, 0
        self.means = [torch.zeros_like(p) for p in parameters]
        self.squares = [torch.zeros_like(p) for p in parameters]

    def step(self, gradients: Sequence[Tensor], rate: float, decay: float = 0.0) -> None:
        """Move every parameter against its gradient; gradients are overwritten (they lend their memory)."""
        self.time += 1
        # The corrections for starting at zero are numbers, so they go into the step and not into the tensors.
        root = (1 - 0.999**self.time) ** 0.5
        value = -rate * root / (1 - 0.9**self.time)
        for p, g, mean, square in zip(self.parameters, gradients, self.means, self.squares, strict=True):
            mean.lerp_(g, 0.1)
            square.mul_(0.999).addcmul_(g, g, value=0.001)
            if decay:
                p.mul_(1 - rate * decay)
            p.addcdiv_(mean, torch.sqrt(square, out=g).add_(1e-8 * root), value=value)
