"""The optimiser, written out, and the descent that all networks share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from rsbd.errors import InputError

_VECTOR = 64  # numbers: no less than a processor takes at once


class Adam:
    """Adam with decoupled weight decay, in steps that round alike whatever the number of models.

    torch's fused step reads and writes every number once; elementwise steps move twice the bytes, as long as the
    products themselves take. But it rounds a tensor's last few numbers otherwise than the rest, so it is used where
    no model has such a rest.

    Parameters
    ----------
    parameters : sequence of Tensor
        With the models in front; changed in place.

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
            if p[0].numel() % _VECTOR == 0:
                torch._fused_adamw_(
                    [p], [g], [mean], [square], [], [torch.tensor(float(self.time), device=p.device)],
                    lr=rate, beta1=0.9, beta2=0.999, weight_decay=decay, eps=1e-8, amsgrad=False, maximize=False,
                )  # fmt: skip
                continue
            mean.lerp_(g, 0.1)
            square.mul_(0.999).addcmul_(g, g, value=0.001)
            if decay:
                p.mul_(1 - rate * decay)
            p.addcdiv_(mean, torch.sqrt(square, out=g).add_(1e-8 * root), value=value)


def check_settings(epochs: int | None, batch: int, learning_rate: float, weight_decay: float) -> None:
    """Raise for settings that cannot train."""
    if (epochs is not None and epochs < 1) or batch < 1 or learning_rate <= 0 or weight_decay < 0:
        found = f"epochs={epochs}, batch={batch}, learning_rate={learning_rate}, weight_decay={weight_decay}"
        raise InputError(f"{found} cannot train: the first three must be above 0, weight_decay at least 0")


def descend(
    parameters: Sequence[Tensor],
    gradients: Callable[[Tensor, Tensor], Sequence[Tensor]],
    batches: Sequence[tuple[Tensor, Tensor]],
    epochs: int | None,
    learning_rate: float,
    weight_decay: float,
) -> None:
    """Train in place: pass over the batches again and again, with a step size that falls linearly to zero.

    Parameters
    ----------
    parameters : sequence of Tensor
        Changed in place.
    gradients : callable
        From a batch's features and labels to the gradients, in the order of the parameters.
    batches : sequence of (Tensor, Tensor)
        Taken in the same order in every pass.
    epochs : int or None
        Number of passes. None: 10, or as many as make 80 steps.
    learning_rate, weight_decay : float
        At the first step.
    """
    adam = Adam(parameters)
    steps = len(batches) * (epochs or max(10, -(-80 // len(batches))))
    for step in range(steps):
        found = gradients(*batches[step % len(batches)])
        with torch.no_grad():
            adam.step(found, learning_rate * (1 - step / steps), weight_decay)
