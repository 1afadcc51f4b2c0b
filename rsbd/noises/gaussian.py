"""Gaussian noise on real-valued features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rsbd import tradeoff
from rsbd.errors import InputError
from rsbd.noises.base import Channel, Noise
from rsbd.tradeoff import shift
from rsbd.types import Floats

if TYPE_CHECKING:
    from torch import Generator, Tensor, dtype

LARGEST = 1e18
"""Its square still is a number in float32, in which inputs are noised."""


@dataclass(frozen=True)
class Gaussian(Noise):
    """Add independent N(0, sigma^2) to every coordinate.

    Guarantee
    ---------
    ``shift(delta)`` is the exact trade-off of data that differ by an L2 distance ``delta``.

    Parameters
    ----------
    sigma : float
        Standard deviation in input units (pixels in [0, 1]), above 0 and at most 1e18.

    Raises
    ------
    InputError
        ``sigma`` not such a number.

    Notes
    -----
    As nearly everywhere in the field, the certificate speaks of real numbers, while float32 numbers are drawn, none
    beyond 5.8 sigma. A changed coordinate loses some 1e-8 of its law by that, far below what votes can tell.

    References
    ----------
    Cohen, Rosenfeld, Kolter 2019, theorem 1 and lemma 4; on what is drawn, Voracek and Hein, "Sound Randomized
    Smoothing in Floating-Point Arithmetics", 2023.

    Examples
    --------
    >>> Gaussian(0.5).shift(0.25).upper(0.3)  # Phi(Phi^-1(0.3) + 1/2)
    0.490...
    """

    norm: ClassVar[str] = "L2"
    sigma: float

    def __post_init__(self) -> None:
        if not (isinstance(self.sigma, (int, float, np.number)) and 0 < self.sigma <= LARGEST):
            raise InputError(
                f"sigma is {self.sigma!r}, but it is a standard deviation where inputs go from 0 to 1",
                "give a number above 0, at most 1e18",
            )
        if type(self.sigma) is not int:
            object.__setattr__(self, "sigma", float(self.sigma))

    def shift(self, size: float) -> tradeoff.Tradeoff:
        """Trade-off of data that differ by the L2 distance ``size``."""
        if not (size >= 0 and math.isfinite(size)):
            raise InputError(
                f"a shift of {size}", "the noise Gaussian measures an L2 distance, so give a number from 0"
            )
        return tradeoff.gaussian(float(size) / self.sigma)  # numpy's short floats would round the quotient

    def shift_each(self, size: float, times: int) -> tradeoff.Tradeoff:
        """Lengths of different rows add in squares."""
        return self.shift(math.sqrt(times) * size)

    def covers(self, other: Noise) -> bool:
        """A change does most where sigma is smallest."""
        return isinstance(other, Gaussian) and self.sigma <= other.sigma

    def reach(self, miss: Floats, runner_up: Floats) -> Floats:
        """Radius ``sigma / 2 (Phi^-1(1 - miss) - Phi^-1(runner_up))``, rounded down."""
        found = shift.reach(miss, runner_up)
        return np.where(found < 0, found, found / self.shift(1.0).mu)

    def channel(self) -> Channel:
        """Gaussian noise leaves the mean and adds sigma^2."""
        return Channel(1.0, 0.0, self.sigma**2)

    def sample_sums(self, sums: Tensor, sizes: Tensor, generator: Generator) -> Tensor:
        """Sum of ``n`` noises: one Gaussian of variance ``n sigma^2``."""
        return self.sample_sums_many(sums[None], sizes[None], [generator])[0]

    def sample_sums_many(self, sums: Tensor, sizes: Tensor, generators: Sequence[Generator]) -> Tensor:
        """The same for each generator."""
        noise = _normal(tuple(sums.shape[1:]), 1.0, generators, sums.dtype)
        return sums + self.sigma * sizes.sqrt().unsqueeze(-1) * noise

    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """Return ``x`` plus noise."""
        if not x.is_floating_point():
            raise InputError("labels cannot carry Gaussian noise", "use Flip(keep, values=number of classes)")
        return _normal(tuple(x.shape), self.sigma, [generator])[0].to(x.dtype).add_(x)

    def affine(self, num_features: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Noise only shifts: the scale is 1."""
        scales, offsets = self.affine_many(num_features, [generator])
        return scales[0], offsets[0]

    def affine_many(self, num_features: int, generators: Sequence[Generator]) -> tuple[Tensor, Tensor]:
        """The same for each generator."""
        offsets = _normal((num_features,), self.sigma, generators)
        return offsets.new_ones(()).expand_as(offsets), offsets


def _normal(shape: tuple[int, ...], sigma: float, generators: Sequence[Generator], kind: dtype | None = None) -> Tensor:
    """Draw one tensor of ``shape`` per generator."""
    import torch

    drawn = torch.empty(len(generators), *shape, device=generators[0].device, dtype=kind)
    for one, generator in zip(drawn, generators, strict=True):
        one.normal_(0, sigma, generator=generator)
    return drawn
