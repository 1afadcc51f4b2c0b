"""Scores points under a noise that all points of a model share, as if each noised point had been formed.

The noise of one model is an affine map of its inputs, so a first layer can absorb it, and no noised copy of the points
is needed. But ``weights @ x + weights @ offset``, rounded, is no function of the noised point ``x + offset`` alone: its
last bits tell how the sum was split, and certificates speak of functions of the noised point. So nothing is rounded
here. Weights are rounded first, to whole multiples of a unit that is so large that all products of the rounded weights
with points and offsets, and all of their partial sums, are exact: in float32 if points are multiples of 1/16, and in
float64 if they are multiples of ``2**-31``, as those of a data set are. Then

    score = floor(weights @ (x + offset) / unit + 1/2) unit + bias,    bias a multiple of the unit,

is computed without error, although ``weights @ x`` and ``weights @ offset`` are computed apart. Points that do not
allow this are noised one by one, and give the same function of the noised point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Generator, Tensor

from rsbd.evasion.linear import forward_error
from rsbd.learners.base import largest_class, noised_points
from rsbd.noises import Noise
from rsbd.noises.random_bits import plain

_GRID = 2.0**-4  # products with multiples of it are exact in float32
_FINEST = 2.0**-31  # and in float64 with multiples of it
MOST = 2.0  # the largest feature of points that share a draw; triggers may take features out of [0, 1]
_AT_ONCE = 1024  # points of models whose scores are computed apart
_BITS = 23  # of the largest score, in units; float32 has one more, for the rounding of weights


def draw_shared(
    noise: Noise | None, x: Tensor, generators: Sequence[Generator], most: float = float("inf")
) -> tuple[Tensor, Tensor] | None:
    """Draw each model's noise as scale and offset, both (models, features), that all points may share.

    None where the noise has no such form, or where points do not fit its steps, or above ``most``.
    """
    if noise is None:
        ones = torch.ones(len(generators), x.shape[1], device=generators[0].device)
        return ones, torch.zeros_like(ones)
    limits = noise.affine_limits()
    if limits is None or limits[0] < _FINEST or not _allowed(x, x._version, limits[0], most):
        return None
    return noise.affine(x.shape[1], generators)


def add_shared(drawn: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
    """Return the points under noise that they share, shape (models, features, points): exact sums, rounded once."""
    scales, offsets = (wide(part)[..., None] for part in drawn)
    return (wide(x).T * scales + offsets.to(scales.device)).to(x)


@lru_cache(maxsize=2)
def in_parts(x: Tensor, version: int, points: int) -> Sequence[Tensor]:
    """Return parts of so many points, each the same tensor for all models: what is derived from it is kept."""
    return torch.split(x, points)


@lru_cache(maxsize=16)
def _allowed(x: Tensor, version: int, grid: float, most: float) -> bool:
    # A point is asked about once for all models. Tensors hash by identity, and the version counts writes.
    units = x / grid  # a power of two
    return bool((units == units.floor()).all()) and bool((x.abs() <= most).all())


@lru_cache(maxsize=8)
def _points(x: Tensor, version: int) -> tuple[Tensor, Tensor]:
    """Return the points in float64, and the length of the longest one, or 1."""
    return wide(x), torch.cat([torch.linalg.vector_norm(x, dim=1), x.new_ones(1)]).max()  # also of no points


def noised_scores(
    weights: Tensor, biases: Tensor, x: Tensor, noise: Noise | None, generators: Sequence[Generator], most: float = MOST
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
        All points share one draw if their features are multiples of ``2**-31`` and at most ``most``; the product takes
        half the time if they are multiples of 1/16. Other points are noised one by one, which takes much longer.

    Returns
    -------
    Tensor
        Shape (models, units, points), float32.
    """
    if noise is None:
        return (weights.flatten(0, 1) @ x.T.to(weights)).view(*biases.shape, -1).add_(biases[..., None])
    if (limits := noise.affine_limits()) is None:
        each = zip(weights, biases, generators, strict=True)
        return torch.stack([w @ noised_points(x, noise, g).T + b[:, None] for w, b, g in each])
    layer, exact = _rounded(weights, biases, most + limits[1])
    drawn = draw_shared(noise, x, generators, most) if exact else None
    points, _ = _points(x, x._version)
    if drawn is None:
        parts = zip(wide(layer.steps), generators, strict=True)
        products = [w @ noised_points(points, noise, g, finely=True).to(points).T for w, g in parts]
        return layer.scores(torch.stack(products)).to(x.device)
    scales, offsets = (wide(part)[:, None].to(points.device) for part in drawn)
    moved = wide(layer.steps) @ offsets.mT
    if _allowed(x, x._version, _GRID, most):
        folded = layer.steps * (layer.units / _GRID * scales).to(layer.steps)
        return (folded.flatten(0, 1) @ x.T.to(folded)).view(*biases.shape, -1).add_(layer.scores(moved).to(x.device))
    folded = wide(layer.steps * scales.to(layer.steps))
    return layer.scores((folded.flatten(0, 1) @ points.T).view(*biases.shape, -1).add_(moved)).to(x.device)


def noised_labels(
    weights: Tensor, biases: Tensor, x: Tensor, noise: Noise | None, generators: Sequence[Generator], most: float = MOST
) -> Tensor:
    """Return the class of the largest of `noised_scores`, the first one among equals, shape (models, points).

    How far each class is above the first one is computed in float32, with a bound on all errors. Where this does not
    decide, which is rare, the exact scores do.
    """
    limits = None if noise is None else noise.affine_limits()
    if limits is not None and weights.shape[1] > 1:
        layer, exact = _rounded(weights, biases, most + limits[1])
        if exact and (drawn := draw_shared(noise, x, generators, most)) is not None:
            return layer.labels(x, *drawn)
    if noise is None and weights.shape[1] == 2:  # half of the products
        return (noised_scores(weights.diff(dim=1), biases.diff(dim=1), x, None, generators)[:, 0] > 0).long()
    return largest_class(noised_scores(weights, biases, x, noise, generators, most))


@dataclass(frozen=True)
class _Layer:
    """Weights in whole steps, and biases in whole units of the scores; a step is a unit over ``_GRID``.

    Steps are (models, units, features), in float32; the others are (models, units, 1), in float64.
    """

    steps: Tensor
    units: Tensor
    biases: Tensor

    def scores(self, products: Tensor) -> Tensor:
        """Return the scores of points, given the exact products of the steps with them, which are written over."""
        return products.div_(_GRID).add_(0.5).floor_().float().mul_(self.units.float()).add_(self.biases.float())

    def labels(self, x: Tensor, scales: Tensor, offsets: Tensor) -> Tensor:
        """Return the class of the largest score of each point under the noise, the first one among equals."""
        (points, longest), largest = _points(x, x._version), self.units.amax(1, True)
        shares, bias = (self.units / largest).to(self.steps), self.biases / largest * _GRID  # in the largest steps
        apart = torch.addcmul(-self.steps[:, :1] * shares[:, :1], self.steps[:, 1:], shares[:, 1:])
        moved = apart @ offsets[..., None].to(apart)
        start, terms = (bias[:, 1:] - bias[:, :1] + moved).to(apart), x.shape[1] + 16
        size, stretch = torch.linalg.vector_norm(apart, dim=2).amax(1, True), scales.abs().amax(1, True).clamp(min=1)
        length = stretch * longest + torch.linalg.vector_norm(offsets, dim=1, keepdim=True).to(size)
        error = forward_error(size * length + 16 / terms * start.abs().amax(1), terms) + 2 * _GRID
        apart *= scales[:, None].to(apart)
        above = (apart.flatten(0, 1) @ x.T.to(apart)).view(*start.shape[:2], -1).add_(start)
        # Classes that are not this near the largest score are below it; the first class is 0 above itself.
        least = above.amax(1).clamp_(min=0).sub_(2 * error)
        near = torch.as_tensor(plain(above) >= plain(least[:, None])).to(torch.int16)
        number = near.sum(1, dtype=torch.int16).add_(least <= 0)
        found = near.mul_(torch.arange(1, apart.shape[1] + 1, dtype=torch.int16).to(x.device)[:, None]).amax(1).long()
        for pairs in torch.split((number != 1).nonzero(), _AT_ONCE):
            own, at = pairs.cpu().unbind(1)
            some = _Layer(*(part[own] for part in (self.steps, self.units, self.biases)))
            seen = points[at] * scales[own].to(points) + offsets[own].to(points)
            found[own, at] = largest_class(some.scores(wide(some.steps) @ seen[..., None]))[:, 0].to(x.device)
        return found


def _rounded(weights: Tensor, biases: Tensor, reach: float) -> tuple[_Layer, bool]:
    """Return the rounded layer for points up to ``reach``, and whether its sums are exact whatever the points are."""
    largest = torch.linalg.vector_norm(weights, 1, dim=-1, keepdim=True) * reach
    largest += biases[..., None].abs().nan_to_num(nan=0.0, posinf=0.0)  # infinite ones stay
    unit = torch.exp2((torch.frexp(largest.clamp(min=2.0**-90)).exponent - _BITS).float())
    unit = unit.masked_fill(~largest.isfinite(), float("nan"))  # a model that diverged scores NaN everywhere
    steps, bias = _round(weights, unit / _GRID), _round(biases[..., None], unit) * unit
    # What rounding adds to the sums of weights must be small.
    return _Layer(steps, wide(unit), wide(bias)), weights.shape[2] * reach <= _GRID * 2**_BITS


def _round(numbers: Tensor, unit: Tensor) -> Tensor:
    """Return the nearest whole numbers of units, ties always up, so that a unit may be added before or after."""
    return (numbers / unit).add_(0.5).floor_()


def wide(numbers: Tensor) -> Tensor:
    """Return the numbers in float64, on the CPU if their device has no such type."""
    return (numbers.cpu() if numbers.device.type == "mps" else numbers).double()  # mps has no float64
