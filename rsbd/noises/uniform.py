"""Uniform noise on real-valued features."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from rsbd import tradeoff
from rsbd.errors import InputError
from rsbd.noises.base import Channel, Noise
from rsbd.noises.lattice import UNIFORM, LatticeNoise, Law
from rsbd.tradeoff.make import product_down
from rsbd.tradeoff.rational import as_written, exactly
from rsbd.types import Floats


@dataclass(frozen=True)
class Uniform(LatticeNoise):
    """Add independent noise to every coordinate, uniform on an interval of length ``width`` around 0.

    If a coordinate moves by ``d``, the old and the new interval overlap in a share ``1 - |d| / width``, and values in
    the overlap are equally likely under both. So a noised data set that both can produce has the product of these
    shares as its probability; the rest, the total variation, reveals which of the two it was.

    Guarantee
    ---------
    ``shift(size)`` is the exact trade-off of the worst data at the L1 distance ``size``.

    Parameters
    ----------
    width : float, Fraction or str
        Length of the interval in input units (pixels in [0, 1]), above 0. Kept as an exact fraction; the float 0.8
        means 4/5. The noise's standard deviation is ``width / sqrt(12)``.

    Raises
    ------
    InputError
        If ``width`` is not a finite number of at least 1e-20.

    Notes
    -----
    The certificate speaks of real numbers. What :meth:`sample` draws has exactly the law of ``x`` plus a real uniform
    number, rounded to a lattice: see :mod:`rsbd.noises.lattice`.

    References
    ----------
    Weber, Xu, Karlaš, Zhang, Li, "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023, corollary 2.

    Examples
    --------
    >>> Uniform(2).shift(0.5).upper(0.125)  # 1/8 + (1/2) / 2
    0.375000000000...
    """

    norm: ClassVar[str] = "L1"
    law: ClassVar[Law] = UNIFORM
    width: Fraction

    def __init__(self, width: Fraction | float | str) -> None:
        try:
            exact = as_written(width)
        except (TypeError, ValueError, ZeroDivisionError):
            exact = Fraction(0)
        if exact < Fraction(1, 10**20):  # numbers, counted in steps of the lattice, are finite in float32
            raise InputError(f"width is {width!r}, but it is the length of an interval", "give at least 1e-20")
        object.__setattr__(self, "width", exact)

    def shift(self, size: float | Fraction) -> tradeoff.Tradeoff:
        """Return the trade-off of the worst data at the L1 distance ``size``."""
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
            raise InputError(f"a shift of {size}", "uniform noise measures an L1 distance, so give a number from 0")
        return max(Fraction(0), 1 - distance / self.width)

    def shift_each(self, size: float, times: int) -> tradeoff.Tradeoff:
        """Return the trade-off of ``times`` rows, each at most ``size`` away: a weaker attack than all in one place."""
        return tradeoff.overlap(product_down([self._kept(size)] * times))

    def covers(self, other: Noise) -> bool:
        """Return True if the width is at most the other's: a change does most where the noise is narrowest."""
        return isinstance(other, Uniform) and self.width <= other.width

    def reach(self, miss: Floats, runner_up: Floats) -> Floats:
        """Return a solution of ``miss + runner_up + 2 size / width < 1``, lowered to cover the rounding in `shift`."""
        slack = 1 - miss - runner_up
        room = np.maximum(slack / 2 - 2e-14, 0.0)
        return np.where(slack > 0, room * (float(self.width) * (1 - 1e-15)), -1.0)

    def channel(self) -> Channel:
        """Return the moments: the mean stays and the variance is ``width**2 / 12``."""
        return Channel(1.0, 0.0, float(self.width) ** 2 / 12)

    @property
    def scale(self) -> Fraction:
        """The width."""
        return self.width

    def __repr__(self) -> str:
        """Return the noise as it is written in code."""
        return f"Uniform('{self.width}')"
