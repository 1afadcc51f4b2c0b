"""Training problems in the form that learners take."""

from __future__ import annotations

from functools import cache

import torch
from sklearn.datasets import load_digits
from torch import Tensor

from rsbd.learners import Problem
from rsbd.noises.smoothing import Smoothing

stored = cache(load_digits)


def digits(smoothing: Smoothing, rows: int = 1000, points: int = 300) -> tuple[Problem, Tensor, Tensor]:
    """Return a problem of the first rows of the ten gray digits, and later rows as test points with their labels."""
    x, y = stored(return_X_y=True)
    x, y = torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)
    test = slice(1000, 1000 + points)
    return Problem(x[:rows], y[:rows], 10, None, (8, 8), smoothing), x[test], y[test]
