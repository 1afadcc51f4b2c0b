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
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Generator, Tensor

from rsbd.evasion.linear import forward_error
from rsbd.learners.base import noised_points
from rsbd.noises import Noise

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


@lru_cache(maxsize=4)
def _allowed(x: Tensor, version: int, grid: float, most: float) -> bool:
    # A point is asked about once for all models. Tensors hash by identity, and the version counts writes.
    units = x / grid  # a power of two
    return bool((units == units.floor()).all()) and bool((x.abs() <= most).all())


@lru_cache(maxsize=4)
def _lengths(x: Tensor, version: int) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(x, dim=1)
    return lengths


@lru_cache(maxsize=4)
def _wide_points(x: Tensor, version: int) -> Tensor:
    return wide(x)


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
        return (weights.flatten(0, 1) @ x.T.to(weights)).view(*biases.shape, -1) + biases[..., None]
    if (limits := noise.affine_limits()) is None:
        each = zip(weights, biases, generators, strict=True)
        return torch.stack([w @ noised_points(x, noise, g).T + b[:, None] for w, b, g in each])
    layer, exact = _rounded(weights, biases, most + limits[1])
    drawn = draw_shared(noise, x, generators, most) if exact else None
    points = _wide_points(x, x._version)
    if drawn is None:
        parts = zip(wide(layer.weights), generators, strict=True)
        products = torch.stack([w @ noised_points(points, noise, g, finely=True).to(points).T for w, g in parts])
        return layer.scores(products).to(x.device)
    layer = layer.under(drawn)
    if _allowed(x, x._version, _GRID, most):
        scores = (layer.weights.flatten(0, 1) @ x.T.to(layer.weights)).view(*biases.shape, -1)
        return scores.add_(layer.scores(0.0).to(x.device))
    steps = (wide(layer.weights) / layer.units).flatten(0, 1) @ points.T
    steps = steps.view(*biases.shape, -1).add_(layer.moved / layer.units + 0.5).floor_().float().to(x.device)
    return steps.mul_(layer.units.float().to(x.device)).add_(layer.biases)


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
            return layer.under(drawn).labels(x)
    return noised_scores(weights, biases, x, noise, generators, most).max(1).indices


@dataclass(frozen=True)
class _Layer:
    """Rounded weights and biases, and the products of the weights with the offsets of the points.

    Weights are (models, units, features), all others (models, units, 1): biases in float32, the rest in float64.
    """

    weights: Tensor
    biases: Tensor
    units: Tensor
    moved: Tensor

    def under(self, drawn: tuple[Tensor, Tensor]) -> "_Layer":
        """Return the layer for points under noise that they share."""
        scales, offsets = drawn
        moved = wide(self.weights) @ wide(offsets).to(self.units.device)[..., None]
        return replace(self, weights=self.weights * scales[:, None].to(self.weights), moved=moved)

    def scores(self, products: Tensor | float) -> Tensor:
        """Return the scores of points, given the exact products of the weights with them."""
        return _round(products + self.moved, self.units).float() + self.biases.to(self.units.device)

    def labels(self, x: Tensor) -> Tensor:
        """Return the class of the largest score of each point, the first one among equals."""
        units, start = self.units.amax(1, True), self.moved + self.biases.to(self.moved)
        apart = (self.weights[:, 1:] - self.weights[:, :1]) / units.to(self.weights)  # powers of two
        start = ((start[:, 1:] - start[:, :1]) / units).to(apart)
        above = (apart.flatten(0, 1) @ x.T.to(apart)).view(*apart.shape[:2], -1).add_(start)
        lengths, terms = _lengths(x, x._version), x.shape[1] + 16
        most = lengths.max().clamp(min=1)
        slope = forward_error(torch.linalg.vector_norm(apart, dim=2).amax(1, True) * most, terms) / most
        error = torch.addcmul(forward_error(start.abs().amax(1), terms) + 2, slope, lengths)
        best = above.amax(1)
        found, decided = (best > 0).long(), best.abs() > error
        if apart.shape[1] > 1:
            near, places = above >= (best - 2 * error)[:, None], torch.arange(1, apart.shape[1] + 1, dtype=torch.int16)
            found *= (near * places.to(x.device)[:, None]).amax(1)
            decided &= (best < 0) | (near.sum(1) == 1)
        models, points = (~decided).nonzero(as_tuple=True)
        for own, at in zip(torch.split(models, _AT_ONCE), torch.split(points, _AT_ONCE), strict=True):
            some = _Layer(*(part[own] for part in (self.weights, self.biases, self.units, self.moved)))
            products = wide(some.weights) @ _wide_points(x, x._version)[at][..., None]
            found[own, at] = some.scores(products)[..., 0].max(1).indices.to(x.device)
        return found


def _rounded(weights: Tensor, biases: Tensor, reach: float) -> tuple[_Layer, bool]:
    """Return the rounded layer for points up to ``reach``, and whether its sums are exact whatever the points are."""
    largest = weights.abs().sum(-1, keepdim=True) * reach
    largest += biases[..., None].abs().nan_to_num(nan=0.0, posinf=0.0)  # infinite ones stay
    unit = torch.exp2((torch.frexp(largest.clamp(min=2.0**-90)).exponent - _BITS).float())
    unit = unit.masked_fill(~largest.isfinite(), float("nan"))  # a model that diverged scores NaN everywhere
    whole, bias = _round(weights, unit / _GRID), _round(biases[..., None], unit).float()
    # What rounding adds to the sums of weights must be small.
    return _Layer(whole, bias, wide(unit), wide(torch.zeros_like(bias))), weights.shape[2] * reach <= _GRID * 2**_BITS


def _round(numbers: Tensor, unit: Tensor) -> Tensor:
    """Round to multiples of the unit, ties always up, so that a multiple may be added before or after."""
    return (numbers / unit).add_(0.5).floor_().mul_(unit)


def wide(numbers: Tensor) -> Tensor:
    """Return the numbers in float64, on the CPU if their device has no such type."""
    return (numbers.cpu() if numbers.device.type == "mps" else numbers).double()  # mps has no float64
