"""Scores points under a noise that all points of a model share, as if each noised point had been formed.

The noise of one model is an affine map of its inputs, so a first layer can absorb it, and no noised copy of the points
is needed. But ``weights @ x + weights @ offset``, rounded, is no function of the noised point ``x + offset`` alone: its
last bits tell how the sum was split, and certificates speak of functions of the noised point. So nothing is rounded
here. Weights are rounded first, to whole multiples of a unit that is so large that all products of the rounded weights
with points and offsets, and all of their partial sums, are exact in float32 or float64. Then

    score = floor(weights @ (x + offset) / unit + 1/2) unit + bias,    bias a multiple of the unit,

is computed without error, although ``weights @ x`` and ``weights @ offset`` are computed apart. Points that do not
allow this are noised one by one, and give the same function of the noised point.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Generator, Tensor

from rsbd.learners.base import noised_points
from rsbd.noises import Noise

_GRID = 2.0**-4  # points that share one draw are multiples of it
_FINEST = 2.0**-18  # steps of noises below it would not leave sums exact in float32
_BITS = 23  # of the largest score, in units; float32 has one more, for the rounding of weights


def draw_shared(
    noise: Noise | None, x: Tensor, generators: Sequence[Generator], grid: float = 0.0, most: float = float("inf")
) -> tuple[Tensor, Tensor] | None:
    """Draw each model's noise as scale and offset, both (models, features), that all points may share.

    None where the noise has no such form, or where points are no multiples of ``grid``, or above ``most``. The float32
    sum ``scale * x + offset`` is then the rounded noised point, however it is split.
    """
    if noise is None:
        ones = torch.ones(len(generators), x.shape[1], device=generators[0].device)
        return ones, torch.zeros_like(ones)
    limits = noise.affine_limits()
    if limits is None or limits[0] < _FINEST or not _allowed(x, x._version, max(limits[0], grid), most):
        return None
    return noise.affine(x.shape[1], generators)


@lru_cache(maxsize=4)
def _allowed(x: Tensor, version: int, grid: float, most: float) -> bool:
    # A point is asked about once for all models. Tensors hash by identity, and the version counts writes.
    units = x / grid  # a power of two
    return bool((units == units.floor()).all()) and bool((x.abs() <= most).all())


def noised_scores(
    weights: Tensor, biases: Tensor, x: Tensor, noise: Noise | None, generators: Sequence[Generator], most: float = 1.0
) -> Tensor:
    """Return ``weights @ noised point + bias``, with rounded weights, as a function of the noised point alone.

    Parameters
    ----------
    weights : Tensor
        Shape (models, units, features).
    biases : Tensor
        Shape (models, units).
    x : Tensor
        Points, shape (points, features).
    noise, generators
        As in :meth:`rsbd.learners.base.Models.predict`.
    most : float
        All points share one draw if their features are multiples of 1/16 and at most ``most``. Other points are noised
        one by one, which takes longer.

    Returns
    -------
    Tensor
        Shape (models, units, points), float32.
    """
    limits = None if noise is None else noise.affine_limits()
    if noise is None:
        return (weights.flatten(0, 1) @ x.T.to(weights)).view(*biases.shape, -1) + biases[..., None]
    if limits is None:
        each = zip(weights, biases, generators, strict=True)
        return torch.stack([w @ noised_points(x, noise, g).T + b[:, None] for w, b, g in each])
    reach = most + limits[1]
    largest = weights.abs().sum(-1) * reach + biases.abs().nan_to_num(nan=0.0, posinf=0.0)  # infinite ones stay
    unit = torch.exp2((torch.frexp(largest.clamp(min=2.0**-90)).exponent - _BITS).float())
    unit = unit.masked_fill(~largest.isfinite(), float("nan"))  # a model that diverged scores NaN everywhere
    step = (unit / _GRID)[..., None]
    whole, bias = _round(weights, step), _round(biases, unit)
    exact = weights.shape[2] * reach <= _GRID * 2**_BITS  # what rounding adds to the sums of weights
    drawn = draw_shared(noise, x, generators, _GRID, most) if exact else None
    if drawn is None:
        wide, parts = _wide(x), zip(whole, generators, strict=True)
        scores = torch.stack([_wide(w) @ noised_points(wide, noise, g).T for w, g in parts]).to(x.device)
        return (_round(scores, unit[..., None]) + bias[..., None]).float()
    scales, offsets = drawn
    moved = _round((_wide(whole) @ _wide(offsets[..., None]))[..., 0].to(x.device), unit) + bias
    scores = (whole * scales[:, None]).flatten(0, 1) @ x.T.to(whole)
    return scores.view(*bias.shape, -1).add_(moved.float()[..., None])


def _round(numbers: Tensor, unit: Tensor) -> Tensor:
    """Round to multiples of the unit, ties always up, so that a multiple may be added before or after."""
    return (numbers / unit + 0.5).floor() * unit


def _wide(numbers: Tensor) -> Tensor:
    return (numbers.cpu() if numbers.device.type == "mps" else numbers).double()  # mps has no float64
