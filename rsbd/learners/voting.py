"""From scores to votes."""

from __future__ import annotations

import torch
from torch import Tensor


def largest(scores: Tensor) -> Tensor:
    """Class of the largest score, the first one among equals: argmax, several times faster on a CPU.

    Parameters
    ----------
    scores : Tensor
        Shape (models, classes, points). argmax would stride over the classes; this compares them whole.

    Returns
    -------
    Tensor
        Shape (models, points), int64.

    Examples
    --------
    >>> largest(torch.tensor([[[1.0, 5.0], [3.0, 5.0], [2.0, 0.0]]]))
    tensor([[1, 0]])
    """
    best, labels = scores[:, 0], torch.zeros_like(scores[:, 0], dtype=torch.int64)
    for c in range(1, scores.shape[1]):
        labels.masked_fill_(scores[:, c] > best, c)
        best = torch.maximum(best, scores[:, c])
    return labels
