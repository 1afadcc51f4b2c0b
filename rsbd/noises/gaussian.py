"""Gaussian noise on real-valued features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rsbd import tradeoff
from rsbd.errors import InputError, is_between
from rsbd.noises.base import Channel, Noise
from rsbd.noises.lattice import NORMAL, LatticeNoise, Law
from rsbd.tradeoff import shift
from rsbd.types import Floats

if TYPE_CHECKING:
    from torch import Generator, Tensor

_SMALLEST = 1e-20  # sums of rows, counted in steps of its lattice, are finite in float32
_LARGEST = 1e18  # its square is finite in float32, in which inputs are noised


@dataclass(frozen=True)
class Gaussian(LatticeNoise):
    """Add independent N(0, sigma^2) to every coordinate.

    Guarantee
    ---------
    ``shift(delta)`` is the exact trade-off of data that differ by an L2 distance ``delta``.

    Parameters
    ----------
    sigma : float
        Standard deviation in input units (pixels in [0, 1]), from 1e-20 to 1e18.

    Raises
    ------
    InputError
        If ``sigma`` is not such a number.

    Notes
    -----
    The certificate speaks of real numbers. What :meth:`sample` draws has exactly the law of ``x`` plus a real normal
    number, rounded to a lattice: see :mod:`rsbd.noises.lattice`.

    References
    ----------
    Cohen, Rosenfeld, Kolter 2019, theorem 1 and lemma 4; on sampling in floating point, Voracek and Hein, "Sound
    Randomized Smoothing in Floating-Point Arithmetics", 2023.

    Examples
    --------
    >>> Gaussian(0.5).shift(0.25).upper(0.3)  # Phi(Phi^-1(0.3) + 1/2)
    0.490...
    """

    norm: ClassVar[str] = "L2"
    law: ClassVar[Law] = NORMAL
    sigma: float

    def __post_init__(self) -> None:
        if not (isinstance(self.sigma, (int, float, np.number)) and _SMALLEST <= self.sigma <= _LARGEST):
            raise InputError(
                f"sigma is {self.sigma!r}, but it is a standard deviation where inputs go from 0 to 1",
                "give a number from 1e-20 to 1e18",
            )
        if type(self.sigma) is not int:
            object.__setattr__(self, "sigma", float(self.sigma))

    def shift(self, size: float) -> tradeoff.Tradeoff:
        """Return the trade-off of data that differ by the L2 distance ``size``."""
        if not is_between(size, 0, math.inf, "high"):
            raise InputError(f"a shift of {size}", "Gaussian noise measures an L2 distance, so give a number from 0")
        return tradeoff.gaussian(float(size) / self.sigma)  # the division of numpy's short floats would round more

    def shift_each(self, size: float, times: int) -> tradeoff.Tradeoff:
        """Return the trade-off of ``times`` changed rows: their lengths add in squares."""
        return self.shift(math.sqrt(times) * size)

    def covers(self, other: Noise) -> bool:
        """Return True if sigma is at most the other's: a change does most where sigma is smallest."""
        return isinstance(other, Gaussian) and self.sigma <= other.sigma

    def reach(self, miss: Floats, runner_up: Floats) -> Floats:
        """Return the radius ``sigma / 2 (Phi^-1(1 - miss) - Phi^-1(runner_up))``, rounded down."""
        found = shift.reach(miss, runner_up)
        return np.where(found < 0, found, found / self.shift(1.0).mu)

    def channel(self) -> Channel:
        """Return the moments: the mean stays and the variance is sigma^2."""
        return Channel(1.0, 0.0, self.sigma**2)

    @property
    def scale(self) -> Fraction:
        """Sigma, exactly."""
        return Fraction(self.sigma)

    def sample_sums(self, sums: Tensor, sizes: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Add to the sum of ``n`` rows the sum of their noises, normal with the deviation ``sigma sqrt(n)``.

        Drawn on a lattice, as all real-valued noise is, with steps from 1/64 to 1/32 of the deviation. They depend on
        the numbers of rows, which a model may see. The sum of no rows stays as it is.
        """
        import torch

        rows = sizes.unsqueeze(-1).cpu().double()
        spread = float(self.sigma) * rows.clamp(min=1).sqrt()
        step = torch.ldexp(torch.ones_like(spread), spread.frexp().exponent - 6)

        def exact(group: int) -> Fraction:
            root = Fraction(math.isqrt(int(rows.flatten()[group]) * 10**160), 10**80)
            return self.scale * root / Fraction(step.flatten()[group].item())

        scales, unit = (spread / step).squeeze(-1), step.to(sums)
        drawn = self.law.draw((sums / unit).flatten(1), 1.0, scales, exact, generators).view(sums.shape)
        return torch.where(sizes.unsqueeze(-1) > 0, drawn.mul_(unit), sums, out=drawn)
