"""What a noise is: something that can be drawn, with a bound on what a change of the data can do through it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import mul
from typing import TYPE_CHECKING, ClassVar

from rsbd import tradeoff
from rsbd.errors import InputError
from rsbd.noises.reach import search
from rsbd.types import Floats

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from rsbd.tradeoff import Tradeoff


@dataclass(frozen=True)
class Channel:
    """First two moments of a noised feature given its clean value: ``E = scale * x + offset``, ``Var = variance``.

    Learners use them to undo a known noise. They steer the accuracy of a model, never a certificate.
    """

    scale: float = 1.0
    offset: float = 0.0
    variance: float = 0.0


class Noise(ABC):
    """A noise that acts on every coordinate by itself.

    A new noise is one file with one frozen dataclass: ``sample`` draws it and ``shift`` certifies it. The two must
    speak of the same law; nothing else in the package needs to change.
    """

    norm: ClassVar[str]
    """The norm in which ``shift`` measures a change: ``"L0"`` counts coordinates; any other, such as ``"L1"`` or
    ``"L2"``, is a length."""

    @abstractmethod
    def shift(self, size: float) -> Tradeoff:
        """Trade-off between data and data changed by at most ``size`` in the noise's norm."""

    def shift_each(self, size: float, times: int) -> Tradeoff:
        """Trade-off where ``times`` rows each change by at most ``size``; their noises are independent."""
        return reduce(mul, [self.shift(size)] * times, tradeoff.identity())

    def covers(self, other: Noise) -> bool:
        """Whether an attacker who may spread one change over both noises loses nothing by putting all of it here."""
        return self == other

    def reach(self, miss: Floats, runner_up: Floats) -> Floats:
        """Largest change, in a norm that is a length, against which each pair of bounds is certified.

        Rounded down, by at most a millionth unless a noise knows better; -1 where not even no change is certified.
        """
        return search(self.shift, miss, runner_up)

    @abstractmethod
    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """Return ``x`` under fresh noise, same shape and dtype.

        Floats are features in [0, 1]; integers are labels.
        """

    def affine(self, num_features: int, generator: Generator) -> tuple[Tensor, Tensor] | None:
        """Draw one noise as ``x -> scale * x + offset`` (each of shape (features,)), or None if it has no such form.

        All test points of one model may share this draw if the model labels each point by itself: a certificate speaks
        of one point, and the votes for one point come from different models, so they stay independent. Sharing turns a
        noisy copy of every point for every model into a change of the model's first layer. It is unsound for a model
        that looks at several points at once; see :func:`rsbd.learners.base.noised_points`.
        """
        return None

    def channel(self) -> Channel:
        """Return the moments of a noised feature; without better knowledge, those of no noise."""
        return Channel()

    def sample_sums(self, sums: Tensor, sizes: Tensor, generator: Generator) -> Tensor | None:
        """Draw the sums of noised features over groups of rows from the clean sums, or None if those do not suffice.

        The law must be exactly that of noising every row and adding up; the cost does not depend on the rows.

        Parameters
        ----------
        sums : Tensor
            Clean sums, shape (groups, features).
        sizes : Tensor
            Rows in each group, shape (groups,).
        """
        return None

    # What is drawn for many models at once, one generator each. Threads that take turns at small steps wait for each
    # other most of the time, so a noise that is drawn for thousands of models does here what it can for all together.

    def sample_many(self, x: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Put each ``x[i]`` under noise of its own generator, as `sample` does."""
        import torch

        return torch.stack([self.sample(one, generator) for one, generator in zip(x, generators, strict=True)])

    def affine_many(self, num_features: int, generators: Sequence[Generator]) -> tuple[Tensor, Tensor] | None:
        """Draw scales and offsets as `affine` does, both (generators, features)."""
        import torch

        drawn = [self.affine(num_features, generator) for generator in generators]
        pairs = [pair for pair in drawn if pair is not None]
        if len(pairs) < len(drawn):
            return None
        scales, offsets = zip(*pairs, strict=True)
        return torch.stack(scales), torch.stack(offsets)

    def sample_sums_many(self, sums: Tensor, sizes: Tensor, generators: Sequence[Generator]) -> Tensor | None:
        """Draw sums as `sample_sums` does, from sums (generators, groups, features) and sizes (generators, groups)."""
        import torch

        triples = zip(sums, sizes, generators, strict=True)
        drawn = [found for s, n, g in triples if (found := self.sample_sums(s, n, g)) is not None]
        return torch.stack(drawn) if len(drawn) == len(generators) else None

    def outcomes(self, value: float) -> Iterable[tuple[float, Fraction]]:
        """All that the noise can make of one coordinate, with exact probabilities; floats are features, ints labels.

        Optional: with it a tiny world can be audited by enumeration, see :func:`rsbd.audit.exhaustive`.
        """
        raise InputError(f"{self!r} has no list of outcomes", "search with audit.attack, or define outcomes(value)")

    def transition(self) -> Tensor | None:
        """Probabilities of each noised label given the true one, (true, noised); None if it is no noise for labels."""
        return None
