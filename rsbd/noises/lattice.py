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

All real-valued noise that a model sees is drawn this way: rows, points, the offset that the points of one model share
(`affine`) and the sums of noised rows (`sample_sums`). The one exception is the training of ``LDA(rotate=True)``: see
its notes. Noise that a learner adds of its own accord proves nothing and needs no care.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rsbd.errors import InputError
from rsbd.noises.base import Noise
from rsbd.types import Floats, Ints

if TYPE_CHECKING:
    from torch import Generator, Tensor

FIRST_BITS, _SECOND, _LAST = 16, 37, 128  # bits of W that are drawn at a time
_UNITS = 1 << 16  # in a step
_PART = 1 << 17  # numbers in a processor's cache
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
            edges = self.quantile(np.arange(2**FIRST_BITS + 1) / 2**FIRST_BITS) / self.step * _UNITS
        edges = np.clip(edges, -(2.0**29), 2.0**29)  # beyond the first and the last edge nothing is decided
        low, high = np.floor(edges[:-1]) - 1, np.ceil(edges[1:]) + 1
        return torch.tensor(low.astype(np.int32)), torch.tensor(high.astype(np.int32))

    def sample(self, x: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Return each ``x[i]`` under noise from its own generator, on the lattice; float32 or float64, as they came."""
        import torch

        flat = x.reshape(len(x), -1)
        seen, together = torch.empty_like(flat), max(1, _PART // max(1, flat.shape[1]))
        for i in range(0, len(x), together):
            for part, room in zip(*(torch.split(t[i : i + together], _PART, dim=1) for t in (flat, seen)), strict=True):
                room.copy_(self._first(part, generators[i : i + together]))
        return seen.view(x.shape)

    def offsets(self, count: int, generators: Sequence[Generator]) -> tuple[Tensor, Tensor]:
        """Draw noise for each generator in the form of :meth:`rsbd.noises.base.Noise.affine`.

        To numbers on the lattice it may be added, since ``K`` is then their sum with the rounded noise.
        """
        import torch

        zeros = torch.zeros(len(generators), count, device=generators[0].device)
        return torch.ones_like(zeros), self.sample(zeros, generators)

    def _first(self, x: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Decide with the first bits where they do; ``x`` has a row for each generator."""
        import torch

        units = x * (_UNITS / self.step)  # exact: a power of two
        near = x.numel() == 0 or max(-units.min().item(), units.max().item()) < 2.0**29
        units = units if near else units.clamp(-_FURTHEST * _UNITS, _FURTHEST * _UNITS)
        whole = units.floor().to(torch.int32 if near else torch.int64).add_(_UNITS // 2).view(-1)
        cells, spare = random_cells(x.shape[1], generators)
        cells = cells.view(-1)
        low, high = (end.to(x.device, non_blocking=True) for end in self.ends)
        steps = low.index_select(0, cells).add(whole) >> 16
        also = high.index_select(0, cells).add(whole) >> 16
        undecided = np.flatnonzero((steps != also).cpu().numpy())
        if len(undecided):
            where = torch.from_numpy(undecided).to(x.device)
            exact = units.view(-1)[where].cpu().double().numpy() / _UNITS  # steps
            owners = undecided // x.shape[1]
            first = cells[where].cpu().numpy().astype(np.int64)
            found = self._second(exact, first, owners, generators, spare)
            steps[where] = torch.from_numpy(found).to(steps)
        return steps.to(x.dtype).mul_(self.step).view(x.shape)

    def _second(
        self, x: Floats, cells: Ints, owners: Ints, generators: Sequence[Generator], spare: Tensor | None = None
    ) -> Ints:
        """Decide with more bits, in float64; ``x`` is in steps, and owners, in order, are numbers of generators."""
        number = (cells << _SECOND) + random_bits(owners, generators, spare)
        ends = (self.quantile((number + end) / 2.0 ** (FIRST_BITS + _SECOND)) / self.step for end in (0, 1))
        room = room_for_errors(x)
        low, high = (np.floor(x + 0.5 + end + side * room) for end, side in zip(ends, (-1, 1), strict=True))
        for i in np.flatnonzero(low != high):
            low[i] = self.decide_with_all_bits(Fraction(x[i]), int(number[i]), generators[owners[i]])
        return low.astype(np.int64)

    def decide_with_all_bits(self, x: Fraction, number: int, generator: Generator) -> int:
        """Decide with all bits, exactly, where the first 53 bits of ``W`` are ``number``; ``x`` is in steps."""
        more = _random(_LAST // 64, generator)
        for word in more:
            number = (number << 64) + int(word)
        w = Fraction(2 * number + 1, 2 ** (FIRST_BITS + _SECOND + _LAST + 1))
        step = Fraction(self.step)
        near = self.quantile(np.array(min(float(w), 1 - 2.0**-53)))
        k = math.floor(x + Fraction(1, 2) + Fraction(float(near)) / step)  # or a neighbour
        while w < self.below((k - Fraction(1, 2) - x) * step):
            k -= 1
        while w >= self.below((k + Fraction(1, 2) - x) * step):
            k += 1
        return k


class LatticeNoise(Noise):
    """Real-valued noise that is drawn on a lattice."""

    @property
    @abstractmethod
    def lattice(self) -> Lattice:
        """The lattice of this noise."""

    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """Return ``x`` plus noise, on the lattice."""
        return self.sample_many(x[None], [generator])[0]

    def sample_many(self, x: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Return each ``x[i]`` plus noise from its own generator, on the lattice."""
        if not x.is_floating_point():
            raise InputError(f"labels cannot carry {self}", "use Flip(keep, values=number of classes)")
        return self.lattice.sample(x, generators)

    def affine(self, num_features: int, generators: Sequence[Generator]) -> tuple[Tensor, Tensor]:
        """Draw the noise as an offset on the lattice; the scale is 1."""
        return self.lattice.offsets(num_features, generators)


def room_for_errors(x: Floats) -> Floats:
    """Return a bound, in steps, on the errors of quantile and sum in float64; ``x`` is in steps."""
    return _ROOM + np.abs(x) * 2.0**-50


def random_cells(count: int, generators: Sequence[Generator]) -> tuple[Tensor, Tensor]:
    """Draw the first bits of ``count`` numbers for each generator, and spare words: second bits for one in 64."""
    import torch

    first, spare = -(-count // 4), count // 64 + 4
    words = torch.empty(len(generators), first + spare, dtype=torch.int64, device=generators[0].device)
    for row, generator in zip(words, generators, strict=True):
        row.random_(-(2**63), None, generator=generator)
    cells = words.view(torch.int16)[:, :count].to(torch.int32).add_(2**15)  # a word is read as four numbers
    return cells, words[:, first:]


def random_bits(owners: Ints, generators: Sequence[Generator], spare: Tensor | None = None) -> Ints:
    """Return the second bits of numbers, each of the generator with the number of its owner; owners are in order."""
    counts = np.bincount(owners, minlength=len(generators))
    if spare is not None and counts.max(initial=0) <= spare.shape[1]:
        ranks = np.arange(len(owners)) - np.repeat(counts.cumsum() - counts, counts)
        words = spare.cpu().numpy().view(np.uint64)[owners, ranks]
    else:
        drawn = [_random(count, generator) for count, generator in zip(counts, generators, strict=True) if count]
        words = np.concatenate(drawn)
    return (words >> np.uint64(64 - _SECOND)).astype(np.int64)


def _random(count: int, generator: Generator) -> np.typing.NDArray[np.uint64]:
    import torch

    drawn = torch.empty(count, dtype=torch.int64, device=generator.device).random_(-(2**63), None, generator=generator)
    words: np.typing.NDArray[np.uint64] = drawn.cpu().numpy().view(np.uint64)
    return words


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
