"""Discrete noise: a coordinate keeps its value or moves to one of the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rsbd import tradeoff
from rsbd.errors import InputError, check_whole
from rsbd.noises.base import Channel, Noise
from rsbd.noises.binomial import sample_binomials
from rsbd.noises.random_bits import plain, positions, put_at, random_words
from rsbd.tradeoff.rational import as_probability

if TYPE_CHECKING:
    from torch import Generator, Tensor

_BITS = 256  # of a denominator: exact trade-offs of more would take minutes


@dataclass(frozen=True)
class Flip(Noise):
    """Keep each coordinate with probability ``keep``, else move it to another value, each equally likely.

    Guarantee
    ---------
    ``shift(r)`` is the exact trade-off of data that differ in ``r`` coordinates, whatever the dimension.

    Parameters
    ----------
    keep : float, Fraction or str
        Probability of no change, the papers' beta or 1 - q. Kept as an exact fraction; the float 0.8 means 4/5.
    values : int
        Number of values K that a coordinate can take: 2 for a binary pixel, the number of classes for a label.

    Raises
    ------
    InputError
        ``keep`` outside [0, 1], or fewer than two values.

    References
    ----------
    Wang, Cao, Jia, Gong 2020; Lee, Yuan, Chang, Jaakkola 2019, section 4.

    Examples
    --------
    >>> Flip(0.8).shift(1).upper(0.125)  # at a miss of 1/8 one changed pixel can reach one half
    0.5000000000000...
    >>> Flip("4/5", values=10).keep
    Fraction(4, 5)
    """

    norm: ClassVar[str] = "L0"
    keep: Fraction
    values: int = 2

    def __init__(self, keep: Fraction | float | str, values: int = 2) -> None:
        object.__setattr__(self, "values", check_whole("values", values, 2))
        object.__setattr__(self, "keep", as_probability(keep))
        if self.keep.denominator.bit_length() > _BITS:
            raise InputError(f"keep is {str(keep)[:40]}, with too many digits to certify", "give at most 70")

    def shift(self, size: float) -> tradeoff.Tradeoff:
        """Return the trade-off of data that differ in ``size`` coordinates."""
        return tradeoff.flips(self.keep, self.values, check_whole("the number of changed coordinates", size))

    def shift_each(self, size: float, times: int) -> tradeoff.Tradeoff:
        """Return the trade-off of ``times`` changed rows: the numbers of their changes add up."""
        return self.shift(size * times)

    def channel(self) -> Channel:
        """Return the first two moments; with more than two values, the variance at the middle level."""
        levels = [j / (self.values - 1) for j in range(self.values)]
        away = float((1 - self.keep) / (self.values - 1))
        middle = levels[self.values // 2]
        scale, offset = float(self.keep) - away, away * sum(levels)
        square = float(self.keep) * middle**2 + away * (sum(v * v for v in levels) - middle**2)
        return Channel(scale, offset, square - (scale * middle + offset) ** 2)

    def outcomes(self, value: float) -> list[tuple[float, Fraction]]:
        """Return every value with its probability: levels for a float, codes for an integer."""
        away = (1 - self.keep) / (self.values - 1)
        names = [j / (self.values - 1) if isinstance(value, float) else j for j in range(self.values)]
        own = round(value * (self.values - 1)) if isinstance(value, float) else value
        return [(name, self.keep if j == own else away) for j, name in enumerate(names)]

    def transition(self) -> Tensor:
        """Return a matrix with ``keep`` on the diagonal and the rest spread evenly."""
        import torch

        away = float((1 - self.keep) / (self.values - 1))
        return torch.full((self.values, self.values), away).fill_diagonal_(float(self.keep))

    def sample_sums(self, sums: Tensor, sizes: Tensor, generators: Sequence[Generator]) -> Tensor | None:
        """Draw ones that stay plus zeros that turn, exactly. With more values, the sum is not sufficient."""
        import torch

        if self.values != 2:
            return None
        zeros = sizes.unsqueeze(-1) - sums
        stay, same = sample_binomials(torch.stack([sums, zeros], 1), self.keep, generators).unbind(1)
        return (zeros + stay - same).to(sums)

    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """Return noised ``x``: floats are levels j / (values - 1) in [0, 1], integers are codes 0 .. values - 1."""
        return self.sample_many(x[None], [generator])[0]

    def sample_many(self, x: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Return each ``x[i]`` under noise from its own generator."""
        import torch

        moved = bernoulli(1 - self.keep, tuple(x.shape[1:]), generators)
        if self.values == 2:
            bits = (x[:1] if x.stride(0) == 0 else x).bool()
            return bits.bitwise_xor(moved).to(x.dtype)  # faster than a choice
        # Moving by 1 .. K-1 steps round the circle of values reaches each of the others with equal probability.
        steps = torch.empty(x.shape, dtype=torch.int64, device=x.device)
        for row, generator in zip(steps, generators, strict=True):
            row.random_(1, self.values, generator=generator)
        codes = torch.round(x * (self.values - 1)).to(torch.int64) if x.is_floating_point() else x
        codes = steps.mul_(moved).add_(codes)
        codes -= (codes >= self.values) * self.values  # several times faster than a remainder
        return (codes / (self.values - 1)).to(x.dtype) if x.is_floating_point() else codes.to(x.dtype)

    def affine_limits(self) -> tuple[float, float] | None:
        """Return limits that bits keep, and a largest offset of 1. More than two values have no such form."""
        return (2.0**-18, 1.0) if self.values == 2 else None

    def affine(self, num_features: int, generators: Sequence[Generator]) -> tuple[Tensor, Tensor] | None:
        """Draw flips of bits as 1 - x; more than two values have no such form."""
        if self.values != 2:
            return None
        moved = bernoulli(1 - self.keep, (num_features,), generators).float()
        return 1 - 2 * moved, moved

    def __repr__(self) -> str:
        """Return the noise as it is written in code."""
        return f"Flip('{self.keep}', values={self.values})"


def bernoulli(p: Fraction, shape: tuple[int, ...], generators: Sequence[Generator]) -> Tensor:
    """Draw a bool tensor of ``shape`` per generator, True with probability ``p`` each, from 16 random bits a draw.

    The 16 bits decide unless they equal the leading 16 bits of ``p``, which happens once in 65,536 draws. Those draws
    are decided by 53 further bits, so that the probability is ``p`` to within 2**-69 and not a multiple of 2**-16.
    """
    import torch

    count, device = math.prod(shape), generators[0].device
    # 64-bit words are drawn and read as four numbers each: four times faster than drawing 16 bits at a time.
    bits = plain(random_words(-(-count // 4), generators).view(torch.int16)[:, :count])
    scaled = p * 2**16
    leading = math.floor(scaled)
    if leading >= 2**16:
        return torch.ones(len(generators), *shape, dtype=torch.bool, device=device)
    drawn = torch.as_tensor(bits < leading - 2**15)
    if scaled != leading:
        at = positions(bits == leading - 2**15)
        sizes = np.bincount(at // max(1, count), minlength=len(generators)).tolist()
        more = [torch.rand(n, dtype=torch.float64, generator=generators[i], device=device) for i, n in enumerate(sizes)]
        put_at(drawn, at, (torch.cat(more) < float(scaled - leading)).cpu().numpy())
    return drawn.view(len(generators), *shape)
