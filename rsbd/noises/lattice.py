"""Draw real-valued noise as a computer can: rounded to a lattice, with exactly the law that is certified.

Certificates of Gaussian and uniform noise speak of real numbers. A computer that adds a rounded noise to a rounded
number leaves traces: the last bits of the sum tell what was there before, and a learner that reads them undoes the
noise, however wide it is. Here a model sees ``step * K`` instead, with ``N`` the real noise and ``step`` a power of
two, from 1/64 to 1/32 of the noise's scale::

    K = floor((x + N) / step + 1/2)

This is post-processing of ``x + N``, so every certificate of ``N`` holds for it. It remains to draw ``K`` with exactly
this law, although ``N`` cannot be written down. ``N`` is ``scale * quantile(W)`` for a uniform real number ``W`` in
(0, 1), of which bits are drawn only until they decide. The whole steps in ``x`` are added at the end, without error;
for the rest of ``x``, which is below one step:

1. The first 16 bits leave an interval of ``N``, whose ends a table gives, rounded outward. All numbers are below 512
   steps, so that in float32 the errors of the table, of the products and of the sums are below ``2**-13`` steps; there
   is room for twice that. If both ends give the same ``K``, all further bits of ``W`` would give it too.
2. If not, which happens about once in a hundred numbers, 37 more bits are drawn, and both ends are computed in
   float64 with room for errors of ``2**-33`` steps. Those of quantile and sum are a hundred times smaller.
3. If this does not decide either, less than once in a thousand million numbers, 128 more bits are drawn, and ``W`` is
   compared with the distribution function of ``N`` at the border of two steps, in rational numbers or to 60 digits.

So there is no distance between the law that is drawn and the law that is certified, and nothing to take off, as long as
the random bits are fair, up to one thing: ``W`` may agree with a border in all of 181 bits, with probability below
``2**-145`` for each number. Numbers more than ``2**44`` steps from 0 are first moved there, which lengthens no change.

All real-valued noise that a model sees is drawn this way: rows, points, sums of noised rows (`sample_sums`) and roots.
The offset that the points of one model share (`affine`) is drawn on a second lattice, with steps of ``2**-31``. Points
are whole multiples of such a step, so the point plus the offset is ``step * K``. There 53 bits are drawn at once, since
fewer never decide, and the room for errors is ``2**-48`` of the noise or of its scale. Noise that a learner adds of its
own accord proves nothing and needs no care.

Being exact costs time: a number takes three to four times as long as one of ``torch.normal``, which has no proven law,
and one on the fine lattice about ten times as long, but it is drawn once for all points.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import ndtri

from rsbd.errors import InputError
from rsbd.noises.base import Noise
from rsbd.noises.random_bits import (
    ALL_BITS,
    FIRST_BITS,
    MOST_BITS,
    decide,
    numbers_at,
    plain,
    positions,
    random_cells,
    random_words,
    settle,
)
from rsbd.types import Floats, Ints

if TYPE_CHECKING:
    from torch import Generator, Tensor

_PART = 1 << 17  # numbers in a processor's cache, in float32
_FURTHEST = 2.0**44  # steps
_ROOM, _ROOM_32 = 2.0**-33, 2.0**-12  # steps, in float64 and in float32
_ROOM_FINE = 2.0**-48  # of the scale, and of the noise: errors of quantile, product and sum are below 0.7 of it
_FINE, _FINE_BITS = -31, 37  # exponent of the step of the fine lattice; most bits of the scale of the noise in steps
_UNKNOWN = -(2**15)
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706")


@dataclass(frozen=True, eq=False)
class Law:
    """A law of noise ``N`` of scale 1, from which ``floor(x + scale N + 1/2)`` is drawn for numbers ``x`` in [0, 1).

    Parameters
    ----------
    quantile : callable
        ``N`` at probabilities in [0, 1], with errors below ``2**-49`` times ``max(1, |N|)``.
    below : callable
        Distribution function of ``N``, exact or to 60 digits.
    largest : float
        A bound on every ``N`` that is drawn.
    """

    quantile: Callable[[Floats], Floats]
    below: Callable[[Fraction], Fraction]
    largest: float

    @cached_property
    def ends(self) -> tuple[Tensor, Tensor]:
        """Ends of the interval that each value of the first bits leaves, rounded outward."""
        import torch

        edges = self.quantile(np.arange(2**FIRST_BITS + 1) / 2**FIRST_BITS).astype(np.float32)
        low, high = np.nextafter(edges[:-1], np.float32(-np.inf)), np.nextafter(edges[1:], np.float32(np.inf))
        return torch.from_numpy(low), torch.from_numpy(high)

    def first(self, x: Tensor, scale: Tensor | float, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Return the least and the largest result that the first bits leave; shapes as in `draw`."""
        short = scale if isinstance(scale, float) else scale.float().to(cells.device)
        low, high = (
            end.to(cells.device).index_select(0, cells.view(-1)).view(cells.shape).mul_(short).add_(middle).floor_()
            for end, middle in zip(self.ends, (x.float() + (0.5 - _ROOM_32), x.float() + (0.5 + _ROOM_32)), strict=True)
        )
        return low, high

    def second(self, x: Floats, scale: Floats | float, numbers: Ints) -> tuple[Floats, Floats]:
        """Return the least and the largest result that the first 53 bits leave, which are ``numbers``."""
        low, high = (scale * self.quantile((numbers + end) / 2.0**MOST_BITS) for end in (0, 1))
        room = np.maximum(_ROOM, _ROOM_FINE * np.maximum(scale, np.maximum(-low, high)))
        return np.floor(x + (0.5 - room) + low), np.floor(x + (0.5 + room) + high)

    def last(self, x: Fraction, scale: Fraction, number: int) -> int:
        """Return the result of all bits, which are ``number``."""
        w = Fraction(2 * number + 1, 2 ** (ALL_BITS + 1))
        near = float(self.quantile(np.array(min(float(w), 1 - 2.0**-53))))
        first = math.floor(x + Fraction(1, 2) + Fraction(near) * scale)
        for reach in (2, 2**50):  # the second one for the last cells
            steps = range(first - reach, first + reach)
            at = bisect_left(steps, True, key=lambda k: w < self.below((k + Fraction(1, 2) - x) / scale))
            if 0 < at < len(steps):
                break
        return steps[at]

    def draw(
        self,
        x: Tensor,
        scale: Tensor | float,
        exact_scale: Callable[[int], Fraction],
        generators: Sequence[Generator],
        table: Tensor | None = None,
    ) -> Tensor:
        """Draw a result for each number.

        Parameters
        ----------
        x : Tensor
            Shape (generators, ...), or (1, ...) if all generators have the same numbers.
        scale : Tensor or float
            From 32 to 64; a tensor, float64 on the CPU, has a shape that expands to (generators, ...).
        exact_scale : callable
            The scale of the number at a position among all, exact or to 60 digits.
        table : Tensor or None
            If all numbers are 0: the results for the first bits, and `_UNKNOWN` where these do not decide.
        """
        cells, spare = random_cells(x[0].numel(), generators)
        cells = cells.view(len(generators), *x.shape[1:])
        if table is not None:
            steps = table.to(x.device).index_select(0, cells.view(-1)).view(cells.shape)
            at = positions(plain(steps) == _UNKNOWN)
        else:
            steps, high = self.first(x, scale, cells)
            at = positions(plain(steps) != plain(high))
        if len(at) == 0:
            return steps
        rest = numbers_at(x, at % x.numel()).astype(np.float64)
        scales = (
            scale if isinstance(scale, float) else scale.expand(steps.shape).numpy()[np.unravel_index(at, steps.shape)]
        )

        def last(i: int, number: int) -> int:
            return self.last(Fraction(rest[i]), exact_scale(int(at[i])), number)

        decide(steps, at, cells, spare, generators, partial(self.second, rest, scales), last)
        return steps

    def draw_finely(self, x: Floats, scale: Fraction, generators: Sequence[Generator]) -> Floats:
        """Draw a result for each number in ``x``, shape (generators, numbers), by 53 bits and more where they fail."""
        words = random_words(x.shape[1], generators).cpu().numpy().view(np.uint64)
        numbers = (words >> np.uint64(64 - MOST_BITS)).view(np.int64)
        exact = self.quantile((numbers | 1) / 2.0**MOST_BITS)
        # Quantiles up to 2 have slopes below 20, and those of neighbouring numbers differ by less than 2^-48.
        clear = np.abs(exact) < 2
        exact *= float(scale)
        exact += x + 0.5
        found = np.floor(exact)
        exact -= found
        clear &= np.abs(exact - 0.5) < 0.5 - 3 * _ROOM_FINE * float(scale)
        at = np.nonzero(~clear)
        rest, given = np.broadcast_to(x, found.shape)[at], numbers[at]

        def last(i: int, number: int) -> int:
            return self.last(Fraction(rest[i]), scale, number)

        found[at] = settle(*self.second(rest, float(scale), given), given, at[0], generators, last)
        return found


@dataclass(frozen=True, eq=False)
class Lattice:
    """The lattice of one noise: its law, the scale of the noise as a fraction, and how to draw on it.

    With ``fine``, its steps are ``2**-31``, but neither above those of the other lattice nor below ``2**-37`` scales.
    """

    law: Law
    scale: Fraction
    fine: bool = False

    @cached_property
    def step(self) -> float:
        """Distance of neighbouring numbers: a power of two, from 1/64 to 1/32 of the scale unless it is fine."""
        exponent = math.frexp(self.scale)[1]
        return math.ldexp(1.0, min(exponent - 6, max(exponent - _FINE_BITS, _FINE) if self.fine else exponent - 6))

    @cached_property
    def table(self) -> Tensor:
        """What the first bits give for the number 0, as :meth:`Law.draw` wants it."""
        import torch

        low, high = self.law.first(torch.zeros(1), float(self.scale) / self.step, torch.arange(2**FIRST_BITS))
        return low.where(low == high, _UNKNOWN).to(torch.int16)

    def sample(self, x: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Return each ``x[i]`` under noise from its own generator, on the lattice; float32 or float64, as they came."""
        import torch

        flat = x.reshape(len(x), -1)
        seen, together = torch.empty_like(flat), max(1, 4 * _PART // max(1, flat[:1].nbytes))
        for i in range(0, len(x), together):
            for part, room in zip(*(torch.split(t[i : i + together], _PART, dim=1) for t in (flat, seen)), strict=True):
                self._sample_part(part, generators[i : i + together], room)
        return seen.view(x.shape)

    def _sample_part(self, x: Tensor, generators: Sequence[Generator], seen: Tensor) -> None:
        import torch

        steps = ((x[:1] if x.stride(0) == 0 else x) / self.step).clamp_(-_FURTHEST, _FURTHEST)
        whole = steps.floor()
        rest, exact = steps.sub_(whole), self.scale / Fraction(self.step)
        if self.fine:
            drawn = torch.from_numpy(self.law.draw_finely(rest.cpu().double().numpy(), exact, generators))
        else:
            table = None if rest.numel() and rest.max() > 0 else self.table
            drawn = self.law.draw(rest, float(exact), lambda at: exact, generators, table)
        seen.copy_(drawn).add_(whole).mul_(self.step)


class LatticeNoise(Noise):
    """Real-valued noise that is drawn on a lattice: ``scale`` times a number of the law ``law``."""

    law: ClassVar[Law]

    @property
    @abstractmethod
    def scale(self) -> Fraction:
        """By how much the numbers of the law are stretched."""

    @property
    def lattice(self) -> Lattice:
        """The lattice of this noise."""
        return _lattice(self.law, self.scale)

    @property
    def fine_lattice(self) -> Lattice:
        """The lattice of :meth:`affine`."""
        return _lattice(self.law, self.scale, fine=True)

    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """Return ``x`` plus noise, on the lattice."""
        return self.sample_many(x[None], [generator])[0]

    def sample_many(self, x: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Return each ``x[i]`` plus noise from its own generator, on the lattice."""
        if not x.is_floating_point():
            raise InputError(f"labels cannot carry {self}", "use Flip(keep, values=number of classes)")
        return self.lattice.sample(x, generators)

    def affine_limits(self) -> tuple[float, float]:
        """Return the step of the fine lattice, and the largest noise and a step, which no draw exceeds."""
        step = self.fine_lattice.step
        return step, self.law.largest * float(self.scale) + step

    def affine(self, num_features: int, generators: Sequence[Generator]) -> tuple[Tensor, Tensor]:
        """Draw the noise as an offset on the fine lattice, in float64; the scale is 1.

        To numbers on this lattice it may be added, since ``K`` is then their sum with the rounded noise.
        """
        import torch

        zeros = torch.zeros(1, num_features, dtype=torch.float64).expand(len(generators), -1)
        scales = torch.ones(1, 1, device=generators[0].device).expand(zeros.shape)
        return scales, self.fine_lattice.sample(zeros, generators)

    def sample_finely(self, x: Tensor, generator: Generator) -> Tensor:
        """Return ``x`` plus noise, in float64 on the fine lattice."""
        return self.fine_lattice.sample(x.cpu().double()[None], [generator])[0]


@lru_cache(maxsize=64)
def _lattice(law: Law, scale: Fraction, fine: bool = False) -> Lattice:
    return Lattice(law, scale, fine)


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


NORMAL = Law(ndtri, normal_below, 16.0)
UNIFORM = Law(lambda w: w - 0.5, lambda value: min(max(value + Fraction(1, 2), Fraction(0)), Fraction(1)), 0.5)
