"""The interface of a noise: a sampler, and a bound on what a change of the data can do through the noise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import mul
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rsbd import tradeoff
from rsbd.errors import InputError
from rsbd.types import Bools, Floats, Ints

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from rsbd.tradeoff import Tradeoff

_STEPS = 1 << 20  # sizes from one power of two to the next: neighbours differ by at most one part in a million
_SMALLEST, _LARGEST = -30, 20  # exponents of the smallest and largest size that the search distinguishes


@dataclass(frozen=True)
class Channel:
    """First two moments of a noised feature given its clean value: ``E = scale * x + offset``, ``Var = variance``.

    Learners use them to undo a known noise. They affect the accuracy of a model, never a certificate.
    """

    scale: float = 1.0
    offset: float = 0.0
    variance: float = 0.0


class Noise(ABC):
    """A noise that acts on every row independently, and on labels one by one.

    Coordinates of one row may share noise if ``shift`` holds for the worst places of the changes.

    A new noise is one file with one frozen dataclass: ``sample`` draws it and ``shift`` certifies it. The two must
    describe the same law; nothing else in the package needs to change. Votes under it can be kept and resumed if it
    has a ``name`` that changes with every version of its code.
    """

    # The norm in which ``shift`` measures a change: ``"L0"`` counts coordinates; any other, such as ``"L1"`` or
    # ``"L2"``, is a length.
    norm: ClassVar[str]

    @abstractmethod
    def shift(self, size: float) -> Tradeoff:
        """Return the trade-off between data and data changed by at most ``size`` in the noise's norm, over all rows."""

    def shift_each(self, size: float, times: int) -> Tradeoff:
        """Return the trade-off where ``times`` rows each change by at most ``size``; their noises are independent."""
        return reduce(mul, [self.shift(size)] * times, tradeoff.identity())

    def covers(self, other: Noise) -> bool:
        """Return True if an attacker who may split one change between both noises does best with all of it here."""
        return self == other

    def reach(self, miss: Floats, runner_up: Floats) -> Floats:
        """Return the largest change, in a norm that is a length, against which each pair of bounds is certified.

        Rounded down, by at most a millionth unless a noise has a formula; -1 where not even no change is certified.
        """
        return largest_size(self.shift, miss, runner_up)

    @abstractmethod
    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """Return ``x`` under fresh noise, same shape and dtype.

        Floats are features in [0, 1], shape (rows, features), and an image is flattened; integers are labels, shape
        (rows,). Any learner may see the result, so no bit of it may tell more about ``x`` than ``shift`` allows.
        """

    def sample_finely(self, x: Tensor, generator: Generator) -> Tensor:
        """Return ``x`` under the noise of which :meth:`affine` draws one for many points."""
        return self.sample(x, generator)

    # The methods below draw for many models at once, with one generator for each. Threads that alternate in small
    # steps mostly wait for each other, so a noise that is drawn for thousands of models shares as much work as it can.

    def sample_many(self, x: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Return each ``x[i]`` under noise from its own generator, as `sample` does."""
        import torch

        pairs = zip(x, generators, strict=True)
        return torch.stack([check_drawn(self, one, self.sample(one, generator)) for one, generator in pairs])

    def affine_limits(self) -> tuple[float, float] | None:
        """Return where `affine` may be used: a power of two, of which points must be multiples, and a bound on offsets.

        None if the noise has no such form.
        """
        return None

    def affine(self, num_features: int, generators: Sequence[Generator]) -> tuple[Tensor, Tensor] | None:
        """Draw one noise per generator as ``x -> scale * x + offset``, or return None if it has no such form.

        Scales and offsets have the shape (generators, features); float64 offsets may be on the CPU. For points within
        :meth:`affine_limits`, the sum has the law of `sample_finely`, if it is not rounded. All test points of one
        model may share this draw if the model labels each point by itself: a certificate is a statement about one
        point, and the votes for one point come from different models, so they stay independent. Sharing turns a noisy
        copy of every point for every model into a change of the model's first layer, see
        :mod:`rsbd.learners.shared_noise`. It is unsound for a model that looks at several points at once; see
        :func:`rsbd.learners.base.noised_points`.
        """
        return None

    def sample_sums(self, sums: Tensor, sizes: Tensor, generators: Sequence[Generator]) -> Tensor | None:
        """Draw sums of noised features over groups of rows from the clean sums; None if those are not sufficient.

        The law must be exactly that of noising every row and adding up, possibly rounded to a lattice; the cost does
        not depend on the rows.

        Parameters
        ----------
        sums : Tensor
            Clean sums, shape (generators, groups, features), without any rounding.
        sizes : Tensor
            Rows in each group, shape (generators, groups).
        """
        return None

    def channel(self) -> Channel:
        """Return the moments of a noised feature; those of no noise unless a noise says otherwise."""
        return Channel()

    def outcomes(self, value: float) -> Iterable[tuple[float, Fraction]]:
        """Return every value that the noise can make of one coordinate, with exact probabilities.

        Floats are features, integers are labels. Optional: with it, a tiny world can be audited by enumeration, see
        :func:`rsbd.audit.exhaustive`, which multiplies these probabilities: coordinates must not share noise.
        """
        raise InputError(f"{self!r} has no list of outcomes", "search with audit.attack, or list them: outcomes(value)")

    def transition(self) -> Tensor | None:
        """Return the probability of each noised label given the true one, (true, noised); None if not for labels."""
        return None


def check_drawn(noise: Noise, before: Tensor, after: Tensor, num_classes: int | None = None) -> Tensor:
    """Return what the noise made of a tensor; raise if a noise of the user changed more of it than its numbers.

    Raises
    ------
    InputError
        The shape or type is another one, a feature is not finite, or a label is not of ``num_classes`` classes.
    """
    import torch

    if type(noise).__module__.startswith("rsbd."):
        return after
    found = (tuple(after.shape), after.dtype) if isinstance(after, torch.Tensor) else (type(after).__name__,)
    if found != (tuple(before.shape), before.dtype):
        raise InputError(
            f"{type(noise).__name__} made {' of '.join(map(str, found))} from {tuple(before.shape)} of {before.dtype}",
            "sample must return a tensor of the same shape and type",
        )
    if not after.isfinite().all():
        raise InputError(f"{type(noise).__name__} made numbers that are not finite", "sample must return finite ones")
    if num_classes is not None and after.numel() and not 0 <= int(after.min()) <= int(after.max()) < num_classes:
        raise InputError(
            f"{type(noise).__name__} made labels from {int(after.min())} to {int(after.max())}",
            f"use 0 to {num_classes - 1}",
        )
    return after


def largest_size(shift: Callable[[float], Tradeoff], miss: Floats, runner_up: Floats) -> Floats:
    """Return the largest size from 2^-30 to 2^20, or 0, at which each pair is certified; -1 where even 0 is not.

    >>> largest_size(tradeoff.gaussian, np.array([0.1, 0.5]), np.array([0.1, 0.5])).round(4)
    array([ 1.2816, -1.    ])
    """
    tied = np.array_equal(miss, runner_up)

    def certified(size: float, which: Bools) -> Bools:
        return shift(size).certifies(miss[which], None if tied else runner_up[which])

    # Positions on a logarithmic scale; position 0 stands for size 0. Size `low` is certified, size `high` is not.
    last = (_LARGEST - _SMALLEST) * _STEPS
    low, high = np.zeros(len(miss), np.int64), np.full(len(miss), last + 1)
    while (high - low > 1).any():
        middle = (low + high) // 2
        for at in np.unique(middle[high - low > 1]):
            which = (middle == at) & (high - low > 1)
            holds = certified(float(_size(at)), which)
            low[which], high[which] = np.where(holds, at, low[which]), np.where(holds, high[which], at)
    return np.where(certified(0.0, np.ones(len(miss), bool)), _size(low), -1.0)


def _size(at: Ints) -> Floats:
    """Return the size at each position, exactly, so that the returned size is the certified one."""
    doublings, steps = np.divmod(at, _STEPS)
    return np.where(at > 0, np.ldexp(1 + steps / _STEPS, doublings + _SMALLEST), 0.0)
