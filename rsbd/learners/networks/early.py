"""Early stopping of models that train together and must not depend on each other."""

from __future__ import annotations

import torch
from torch import Tensor

from rsbd.learners.networks.adam import Stack


class Early:
    """Keeps each model as it was at the end of the first pass over which its own mean loss was at most a target.

    A model that is done trains on with the others, and what becomes of it is thrown away: which models share a batch
    then changes none of them. Stopping all of them by their common loss would make them depend on each other, and
    bounds on votes need models that do not.

    Parameters
    ----------
    weights : Stack
        What training changes, the models in front.
    target : float
        Mean cross-entropy of a model's rows.
    """

    def __init__(self, weights: Stack, target: float) -> None:
        self.weights, self.kept, self.target = weights, weights.like(), target
        models = len(weights.parts[0])
        self.done = torch.zeros(models, dtype=torch.bool, device=weights.flat.device)
        self.total, self.rows = torch.zeros(models, device=weights.flat.device), 0

    def see(self, losses: Tensor, rows: int) -> None:
        """Take note of the mean losses of one batch, shape (models,)."""
        self.total += losses * rows
        self.rows += rows

    def all_done(self) -> bool:
        """End a pass: keep the models that are done with it, and say whether all are."""
        now = (self.total <= self.target * self.rows) & ~self.done
        copy_where(now, self.weights, self.kept)
        self.done |= now
        self.total, self.rows = torch.zeros_like(self.total), 0
        return bool(self.done.all())

    def restore(self) -> None:
        """Give those that were done early what was kept of them."""
        copy_where(self.done, self.kept, self.weights)


def copy_where(chosen: Tensor, source: Stack, target: Stack) -> None:
    """Copy the chosen models, (models,), from one stack into another."""
    for old, new in zip(target.parts, source.parts, strict=True):
        old.copy_(torch.where(chosen.view(-1, *[1] * (old.dim() - 1)), new, old))
