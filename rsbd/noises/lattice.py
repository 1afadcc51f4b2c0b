"""Draw real-valued noise as a computer can: rounded to a lattice, with exactly the law that is certified.

Certificates of Gaussian and uniform noise speak of real numbers. A computer that adds a rounded noise to a rounded
number leaves traces: the last bits of the sum tell what was there before, and a learner that reads them undoes the
noise, however wide it is. Here a model sees ``step * K`` instead, with ``N`` the real noise and ``step`` a power of
two, from 1/64 to 1/32 of the noise's scale::

    K = floor((x + N) / step + 1/2)

This is post-processing of ``x + N``, so every certificate of ``N`` holds for it. It remains to draw ``K`` with exactly
this law, although ``N`` cannot be written down. ``N`` is ``quantile(W)`` for a uniform real number ``W`` in (0, 1), of
which bits are drawn only until they decide:

1. The first 16 bits leave an interval of ``N``, whose ends a table gives in units of ``step / 65536``, rounded outward
   by a whole unit; so is ``x``. If both ends give the same ``K``, all further bits of ``W`` would give it too.
2. If not, which happens less than once in a hundred numbers, 37 more bits are drawn, and both ends are computed in
   float64 with room for errors of ``2**-26`` steps. Those of quantile and sum are thousands of times smaller.
3. If this does not decide either, less than once in a thousand million numbers, 128 more bits are drawn, and ``W`` is
   compared with the distribution function of ``N`` at the border of two steps, in rational numbers or to 60 digits.

So there is no distance between the law that is drawn and the law that is certified, and nothing to take off, as long as
the random bits are fair, up to one thing: ``W`` may agree with a border in all of 181 bits, with probability below
``2**-178`` for each number. Numbers more than ``2**44`` steps from 0 are first moved there, which lengthens no change.

All that a learner is handed by ``sample`` and ``Problem.noised`` is drawn this way. Left out are the package's own
learners. They draw in float32 (``sample_quickly``), share a draw between test points (``affine``) and draw the sums of
noised rows at once (``sample_sums``), which is what makes them fast. They multiply and add what they draw and read no
bits; but no bound is proved on what the rounding of float32 does to their votes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rsbd.types import Floats, Ints

if TYPE_CHECKING:
    from torch import Generator, Tensor

_FIRST, _SECOND, _LAST = 16, 37, 128  # bits of W that are drawn at a time
_UNITS = 1 << 16  # in a step
_PART = 1 << 16  # numbers in a processor's cache
_FURTHEST = 2.0**44  # steps
_ROOM = 2.0**-26  # steps
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706")


@dataclass(frozen=True, eq=False)
class Lattice:
    """The lattice of one noise.

    Parameters
    ----------
    scale : float
        What the steps are small against.
    quantile : callable
        Real noise at probabilities in [0, 1], to ``2**-40`` of the scale.
    below : callable
        Distribution function of the noise, exact or to 60 digits.
    """

    scale: float
    quantile: Callable[[Floats], Floats]
    below: Callable[[Fraction], Fraction]

    @cached_property
    def step(self) -> float:
        """Distance of neighbouring numbers: a power of two, from 1/64 to 1/32 of the scale."""
        return math.ldexp(1.0, math.frexp(self.scale)[1] - 6)

    @cached_property
    def ends(self) -> tuple[Tensor, Tensor]:
        """Ends of the interval that the first bits leave, in units, rounded outward."""
        import torch

        with np.errstate(invalid="ignore"):
            edges = self.quantile(np.arange(2**_FIRST + 1) / 2**_FIRST) / self.step * _UNITS
        edges = np.clip(edges, -(2.0**29), 2.0**29)  # beyond the first and the last edge nothing is decided
        low, high = np.floor(edges[:-1]) - 1, np.ceil(edges[1:]) + 1
        return torch.tensor(low.astype(np.int32)), torch.tensor(high.astype(np.int32))

    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """Return the numbers under noise, on the lattice; float32 or float64, as they came."""
        import torch

        parts = [self._first(part, generator) for part in torch.split(x.reshape(-1).cpu(), _PART)]
        return (torch.cat(parts) if len(parts) > 1 else parts[0]).view(x.shape).to(x.device)

    def _first(self, x: Tensor, generator: Generator) -> Tensor:
        """Decide with the first bits where they do."""
        import torch

        units = x * (_UNITS / self.step)  # exact: a power of two
        near = len(x) == 0 or max(-units.min().item(), units.max().item()) < 2.0**29
        units = units if near else units.clamp(-_FURTHEST * _UNITS, _FURTHEST * _UNITS)
        whole = units.floor().to(torch.int32 if near else torch.int64).add_(_UNITS // 2)
        bits = torch.from_numpy(_random(-(-len(x) // 4), generator).view(np.int16))[: len(x)]
        cells, (low, high) = bits.to(torch.int32).add_(2**15), self.ends
        steps = low.index_select(0, cells).add(whole) >> 16
        also = high.index_select(0, cells).add(whole) >> 16
        undecided = np.flatnonzero((steps != also).numpy())
        if len(undecided):
            exact = units[undecided].double().numpy() / _UNITS  # steps
            found = self._second(exact, cells[undecided].numpy().astype(np.int64), generator)
            steps[undecided] = torch.tensor(found).to(steps.dtype)
        return steps.to(x.dtype).mul_(self.step)

    def _second(self, x: Floats, cells: Ints, generator: Generator) -> Ints:
        """Decide with more bits, in float64; ``x`` is in steps."""
        bits = _random(len(x), generator) >> (64 - _SECOND)
        number = (cells << _SECOND) + bits.astype(np.int64)
        ends = (self.quantile((number + end) / 2.0 ** (_FIRST + _SECOND)) / self.step for end in (0, 1))
        room = _ROOM + np.abs(x) * 2.0**-50
        low, high = (np.floor(x + 0.5 + end + side * room) for end, side in zip(ends, (-1, 1), strict=True))
        for i in np.flatnonzero(low != high):
            low[i] = self._last(Fraction(x[i]), int(number[i]), generator)
        return low.astype(np.int64)

    def _last(self, x: Fraction, number: int, generator: Generator) -> int:
        """Decide with all bits, exactly."""
        more = _random(_LAST // 64, generator)
        for word in more:
            number = (number << 64) + int(word)
        w = Fraction(2 * number + 1, 2 ** (_FIRST + _SECOND + _LAST + 1))
        step = Fraction(self.step)
        near = self.quantile(np.array(min(float(w), 1 - 2.0**-53)))
        k = math.floor(x + Fraction(1, 2) + Fraction(float(near)) / step)  # or a neighbour
        while w < self.below((k - Fraction(1, 2) - x) * step):
            k -= 1
        while w >= self.below((k + Fraction(1, 2) - x) * step):
            k += 1
        return k


def _random(count: int, generator: Generator) -> np.typing.NDArray[np.uint64]:
    import torch

    drawn = torch.empty(count, dtype=torch.int64, device=generator.device).random_(-(2**63), None, generator=generator)
    return drawn.cpu().numpy().view(np.uint64)


def normal_below(z: Fraction) -> Fraction:
    """Return the standard normal distribution function at ``z``, with an error below ``1e-60``.

    ``Phi(z) = 1/2 + phi(z) (z + z^3 / 3 + z^5 / (3 5) + ...)``: for ``z > 0`` no term is negative.

    Examples
    --------
    >>> float(normal_below(Fraction(0))), float(normal_below(Fraction(-3)))
    (0.5, 0.0013498980316300946)
    """
    if abs(z) > 20:
        return Fraction(int(z > 0))  # to 1e-88
    with localcontext() as context:
        context.prec = 90
        at = Decimal(abs(z.numerator)) / Decimal(z.denominator)
        term, total, odd = at, Decimal(0), 1
        while term > Decimal("1e-80"):
            total += term
            odd += 2
            term = term * at * at / odd
        half = Fraction((-at * at / 2).exp() / (2 * _PI).sqrt() * total)
    return Fraction(1, 2) + (half if z > 0 else -half)
