"""Uniform noise on real-valued features."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from rsbd import tradeoff
from rsbd.errors import InputError
from rsbd.noises.base import Channel, Noise
from rsbd.tradeoff.mixture import product_down
from rsbd.tradeoff.rational import as_written, exactly
from rsbd.types import Floats

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True)
class Uniform(Noise):
    """Add independent noise to every coordinate, uniform on an interval of length ``width`` around 0.

    A coordinate moved by ``d`` still shows the same value with probability ``1 - |d| / width``, and values that
    both data sets can show are equally likely under both. So the data stay hidden with the product of these
    probabilities, and with the rest, the total variation, they give themselves away.

    Guarantee
    ---------
    ``shift(size)`` is the exact trade-off of the worst data at the L1 distance ``size``, ``shift_by(deltas)`` that of
    one known change.

    Parameters
    ----------
    width : float, Fraction or str
        Length of the interval in input units (pixels in [0, 1]), above 0. Kept as an exact fraction; the float 0.8
        means 4/5. The noise's standard deviation is ``width / sqrt(12)``.

    Raises
    ------
    InputError
        ``width`` not a finite number above 0.

    References
    ----------
    Weber, Xu, Karlaš, Zhang, Li, "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023, corollary 2.

    Examples
    --------
    >>> Uniform(2).shift(0.5).upper(0.125)  # 1/8 + (1/2) / 2
    0.375000000000...
    >>> Uniform(2).shift_by([0.25, -0.25]).upper(Fraction(1, 8))  # 1/8 + 1 - (7/8)^2
    Fraction(23, 64)
    """

    norm: ClassVar[str] = "L1"
    width: Fraction

    def __init__(self, width: Fraction | float | str) -> None:
        try:
            exact = as_written(width)
        except (TypeError, ValueError, ZeroDivisionError):
            exact = Fraction(0)
        if exact <= 0:
            raise InputError(f"width is {width!r}, but it is the length of an interval", "give a number above 0")
        object.__setattr__(self, "width", exact)

    def shift(self, size: float | Fraction) -> tradeoff.Tradeoff:
        """Trade-off of the worst data at the L1 distance ``size``."""
        return tradeoff.overlap(self._kept(size))

    # Why all of the L1 distance in one coordinate is the worst: with t_i = |d_i| / width,
    #     (1 - t_1)+ (1 - t_2)+ >= (1 - t_1 - t_2)+,
    # since the left side is at least 0 and, where both factors are positive, exceeds 1 - t_1 - t_2 by t_1 t_2. Joining
    # two coordinates at a time, the overlap of any change is at least (1 - sum t_i)+, and one coordinate attains it.
    # A smaller overlap is a stronger attack for every event, as upper(p) = min(1, p + 1 - overlap).
    def _kept(self, size: Any) -> Fraction:
        try:
            distance = exactly(size)
        except (TypeError, ValueError, OverflowError):
            distance = Fraction(-1)
        if distance < 0:
            raise InputError(f"a shift of {size}", "the noise Uniform measures an L1 distance, so give a number from 0")
        return max(Fraction(0), 1 - distance / self.width)

    def shift_each(self, size: float, times: int) -> tradeoff.Tradeoff:
        """Trade-off of ``times`` rows, each at most ``size`` away: better than ``times * size`` anywhere."""
        return tradeoff.overlap(product_down([self._kept(size)] * times))

    def shift_by(self, deltas: npt.ArrayLike) -> tradeoff.Tradeoff:
        """Trade-off of one known change: what is added to each coordinate, an array of any shape."""
        moved = np.asarray(deltas).ravel()
        return tradeoff.overlap(product_down(self._kept(abs(delta)) for delta in moved.tolist() if delta))

    def covers(self, other: Noise) -> bool:
        """A change does most where the noise is narrowest."""
        return isinstance(other, Uniform) and self.width <= other.width

    def reach(self, miss: Floats, runner_up: Floats) -> Floats:
        """Solve ``miss + runner_up + 2 size / width < 1``, a little below: room for the rounding of `shift` as well."""
        slack = 1 - miss - runner_up
        room = np.maximum(slack / 2 - 2e-14, 0.0)
        return np.where(slack > 0, room * (float(self.width) * (1 - 1e-15)), -1.0)

    def channel(self) -> Channel:
        """Uniform noise leaves the mean and adds ``width**2 / 12``."""
        return Channel(1.0, 0.0, float(self.width) ** 2 / 12)

    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """Return ``x`` plus noise."""
        if not x.is_floating_point():
            raise InputError("labels cannot carry uniform noise", "use Flip(keep, values=number of classes)")
        _, offset = self.affine(math.prod(x.shape), generator)
        return x + offset.view(x.shape).to(x.dtype)

    def affine(self, num_features: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Noise only shifts: the scale is 1."""
        import torch

        half = float(self.width) / 2
        offset = torch.empty(num_features, device=generator.device).uniform_(-half, half, generator=generator)
        return torch.ones_like(offset), offset

    def __repr__(self) -> str:
        """Show as it is written."""
        return f"Uniform('{self.width}')"
