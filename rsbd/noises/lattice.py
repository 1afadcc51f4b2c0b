"""Draw real-valued noise as a computer can: rounded to a lattice, with exactly the law that is certified.

Certificates of Gaussian and uniform noise speak of real numbers. A computer that adds a rounded noise to a rounded
number leaves traces: the last bits of the sum tell what was there before, and a learner that reads them undoes the
noise, however wide it is. Here a model sees ``step * K`` instead, with ``N`` the real noise and ``step`` a power of
two, from 1/64 to 1/32 of the noise's scale::

    K = floor((x + N) / step + 1/2)

This is post-processing of ``x + N``, so every certificate of ``N`` holds for it. It remains to draw ``K`` with exactly
this law, although ``N`` cannot be written down. ``N`` is ``scale * quantile(W)`` for a uniform real number ``W`` in
(0, 1), of which bits are drawn only until they decide. If ``x`` is above 512 steps, its whole steps are added at the
end, without error, and the rest of ``x`` is below one step. Then:

1. The first 16 bits leave an interval of ``N``. Its middle and half its length, rounded up, stand in a table (for
   uniform noise they are exact). All numbers are below 1024 steps, so that in float32 the errors of products and sums
   are below ``2**-13`` steps; there is room for twice that. If ``x`` plus the middle is farther from every border of
   two steps than half the length and this room, all further bits of ``W`` would give the same ``K``.
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
fewer never decide. Most numbers are found by a function that is exact enough for those up to 3 (errors and bits: below
``2**-44`` of the scale, room for twice that), the others as in the second step, where the room for errors is ``2**-48``
of the noise or of its scale. Noise that a learner adds of its own accord proves nothing and needs no care.

Being exact costs time: a number takes about twice as long as one of ``torch.normal``, which has no proven law, and one
on the fine lattice about six times as long, but it is drawn once for all points.
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
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import ndtri

from rsbd.errors import InputError
from rsbd.noises import random_bits
from rsbd.noises.base import Noise
from rsbd.noises.random_bits import ALL_BITS, FIRST_BITS, MOST_BITS
from rsbd.types import Floats, Ints

if TYPE_CHECKING:
    from torch import Generator, Tensor

_PART = 1 << 17  # numbers in a processor's cache, in float32
_FURTHEST = 2.0**44  # steps
_ROOM, _ROOM_32 = 2.0**-33, 2.0**-12  # steps, in float64 and in float32
_ROOM_FINE = 2.0**-48  # of the scale, and of the noise: errors of quantile, product and sum are below 0.7 of it
_ROOM_CENTRAL = 2.0**-43  # of the scale
_FINE, _FINE_BITS = -31, 37  # exponent of the step of the fine lattice; most bits of the scale of the noise in steps
_NEAR = 512.0  # steps: numbers up to it are noised as they are, others without their whole steps
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
    central : callable
        ``N`` at ``(1 + u) / 2`` for a tensor of float64 numbers ``u`` in (-1, 1), with errors below ``2**-45`` up to 3.
    even : bool
        Whether ``N`` is uniform on [-1/2, 1/2], which takes no table.
    """

    quantile: Callable[[Floats], Floats]
    below: Callable[[Fraction], Fraction]
    largest: float
    central: Callable[[Tensor], Tensor]
    even: bool = False

    @cached_property
    def _table(self) -> tuple[Tensor, Tensor]:
        import torch

        edges = self.quantile(np.arange(2**FIRST_BITS + 1) / 2**FIRST_BITS)
        middle = np.nan_to_num((edges[1:] + edges[:-1]).astype(np.float32) / 2, posinf=0, neginf=0)
        half = np.maximum(edges[1:] - middle, middle - edges[:-1]).astype(np.float32)
        return torch.from_numpy(middle), torch.from_numpy(np.nextafter(half, np.float32(np.inf)))

    def intervals(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Return middle, and half the length rounded up, of the intervals of ``N`` that the first bits leave."""
        if self.even:
            length = 2.0**-FIRST_BITS
            middle = cells.float().mul_(length).add_(length / 2)
            # A tensor of one number would be added four times as slowly.
            return middle, middle.new_full(middle.shape, length / 2)
        at = random_bits.as_index(cells)
        middle, half = (part.to(at.device).index_select(0, at).view(cells.shape) for part in self._table)
        return middle, half

    def first(self, x: Tensor, unit: float, scale: Tensor, cells: Tensor) -> tuple[Tensor, Ints]:
        """Return results that the first bits allow, and the positions where they allow others.

        A step is so many units of ``x``, a power of two. Scales and cells have as many dimensions as ``x``.
        """
        middle, half = self.intervals(cells)
        seen = middle.mul_(scale).add_(x, alpha=1 / unit)
        steps = seen.round()
        near = random_bits.plain(seen.sub_(steps).abs_().addcmul_(half, scale)) > 0.5 - _ROOM_32
        return steps, random_bits.positions(near)

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
        step: float,
        scale: Tensor,
        exact_scale: Callable[[int], Fraction],
        generators: Sequence[Generator],
    ) -> Tensor:
        """Draw a result for each number, and return it times ``step``.

        Parameters
        ----------
        x : Tensor
            Shape (generators, numbers), or (1, numbers) if all generators have the same numbers.
        step : float
            The unit of results, a power of two.
        scale : Tensor
            From 32 to 64 steps, in float64 on the CPU, of shape (generators, groups) or (1, 1): one for each group of
            numbers that follow each other.
        exact_scale : callable
            The scale of the group at a position among all, in steps, exact or to 60 digits.
        """
        import torch

        cells, spare = random_bits.random_cells(x.shape[1], generators)
        results = torch.empty(cells.shape, dtype=x.dtype, device=x.device)
        if results.numel() == 0:
            return results
        low, high = x.aminmax()
        far, undecided = bool(max(high, -low) > _NEAR * step), []
        groups, numbers = scale.shape[1], x.shape[1]
        group, zero = numbers // groups, x.new_zeros(())
        short = scale.to(x.device, torch.float32)
        clean, short, drawn, out = (p.view(-1, groups, p.shape[1] // groups) for p in (x, short, cells, results))
        models, width = max(1, _PART // numbers), _PART if groups == 1 else group
        for i, j in product(range(0, len(cells), models), range(0, group, width)):
            own, columns = slice(i, i + models), slice(j, j + width)
            rest, scales = (part[own] if len(part) > 1 else part for part in (clean, short))
            rest, whole, unit = rest[..., columns], None, step
            if far or x.dtype != torch.float32:
                (rest, whole), unit = _split(rest, step, far), 1.0
            steps, at = self.first(rest.float(), unit, scales, drawn[own, :, columns])
            # A zero is added since a negative zero would tell the sign of what was rounded.
            torch.add(zero, steps if whole is None else whole + steps, alpha=step, out=out[own, :, columns])
            row, column = np.divmod(at, steps[0].numel())
            undecided.append((i + row) * numbers + j + column)
        at = np.concatenate(undecided)
        if len(at):
            rest, whole = _split(torch.from_numpy(random_bits.numbers_at(x, at % x.numel())).double(), step, far)
            given = rest.numpy()
            scales = random_bits.numbers_at(scale.expand(len(cells), -1), at // group)

            def last(i: int, number: int) -> int:
                return self.last(Fraction(given[i]), exact_scale(int(at[i]) // group), number)

            found = random_bits.decide(cells, at, spare, generators, partial(self.second, given, scales), last)
            random_bits.put_at(results, at, (found + (0.0 if whole is None else whole.numpy())) * step + 0.0)
        return results

    def draw_finely(self, x: Tensor, scale: Fraction, generators: Sequence[Generator]) -> Tensor:
        """Draw a result for each number in ``x``, float64 on the CPU, by 53 bits and more where they fail."""
        import torch

        words = random_bits.random_words(x.shape[1], generators).cpu().numpy().view(np.uint64)
        numbers = (words >> np.uint64(64 - MOST_BITS)).view(np.int64)
        exact = self.central(torch.from_numpy(numbers).double().mul_(2.0 ** (1 - MOST_BITS)).sub_(1 - 2.0**-MOST_BITS))
        # Slopes of quantiles up to 3 are below 226: those of all further bits differ from this one by less than 2^-45.
        unclear = random_bits.plain(exact.abs()) > 3
        exact.mul_(float(scale)).add_(x)
        found = exact.round()
        unclear |= random_bits.plain(exact.sub_(found).abs_()) > 0.5 - _ROOM_CENTRAL * float(scale)
        at = random_bits.positions(unclear)
        given, rest = random_bits.numbers_at(torch.from_numpy(numbers), at), random_bits.numbers_at(x, at % x.numel())

        def last(i: int, number: int) -> int:
            return self.last(Fraction(rest[i]), scale, number)

        low, high = self.second(rest, float(scale), given)
        random_bits.put_at(found, at, random_bits.settle(low, high, given, at // x.shape[1], generators, last))
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
    def steps(self) -> Fraction:
        """The scale in steps."""
        return self.scale / Fraction(self.step)

    def sample(self, x: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Return each ``x[i]`` under noise from its own generator, on the lattice; float32 or float64, as they came."""
        import torch

        flat, exact = x.reshape(len(x), -1), self.steps
        flat = flat[:1] if flat.stride(0) == 0 else flat
        if not self.fine:
            scale = torch.tensor([[float(exact)]], dtype=torch.float64)
            return self.law.draw(flat, self.step, scale, lambda at: exact, generators).view(x.shape)
        seen, together = torch.empty(len(x), flat.shape[1], dtype=x.dtype), max(1, _PART // max(1, flat.shape[1]))
        for i in range(0, len(x), together):
            for j in range(0, flat.shape[1], _PART):  # the same for any number of generators
                given = flat[i : i + together] if len(flat) == len(x) else flat
                rest, whole = _split(given[:, j : j + _PART].cpu().double(), self.step, True)
                drawn = self.law.draw_finely(rest, exact, generators[i : i + together])
                seen[i : i + together, j : j + _PART] = drawn.add_(whole).mul_(self.step).add_(0.0)
        return seen.to(x.device).view(x.shape)


def _split(x: Tensor, step: float, far: bool) -> tuple[Tensor, Any]:
    """Return numbers in steps, and None; if they are far from 0, their parts below a step, and their whole steps."""
    steps = x * (1 / step)
    if not far:
        return steps, None
    whole = steps.clamp_(-_FURTHEST, _FURTHEST).floor()
    return steps.sub_(whole), whole


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
        return _lattice(self)

    @property
    def fine_lattice(self) -> Lattice:
        """The lattice of :meth:`affine`."""
        return _lattice(self, fine=True)

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
        step, scale = self.fine_lattice.step, self.fine_lattice.scale
        return step, self.law.largest * float(scale) + step

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
def _lattice(noise: LatticeNoise, fine: bool = False) -> Lattice:
    return Lattice(noise.law, noise.scale, fine)


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


NORMAL = Law(ndtri, normal_below, 16.0, lambda u: u.erfinv_().mul_(math.sqrt(2)))
UNIFORM = Law(
    lambda w: w - 0.5,
    lambda value: min(max(value + Fraction(1, 2), Fraction(0)), Fraction(1)),
    0.5,
    lambda u: u.div_(2),
    even=True,
)
