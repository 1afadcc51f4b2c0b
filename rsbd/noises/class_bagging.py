"""Bagging by class: each model learns from equally many rows of every class, drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import prod
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from rsbd import tradeoff
from rsbd.errors import InputError, check_whole, is_whole
from rsbd.noises.bagging import draw_numbers
from rsbd.tradeoff import Tradeoff
from rsbd.types import Labels

if TYPE_CHECKING:
    from torch import Generator, Tensor


class Labelled(Protocol):
    """The part of a data set that bags by class depend on, see :class:`rsbd.data.Dataset`."""

    @property
    def y(self) -> Labels:
        """Labels of the rows."""

    @property
    def num_classes(self) -> int:
        """Number of classes."""


@dataclass(frozen=True)
class ClassBagging:
    """Draw ``each`` training rows of every class with replacement: the noise for the slot ``rows``.

    A bag of :class:`Bagging` must be large to hold all classes, and large bags are seldom free of changed rows. Here
    one or two rows of each class are enough to learn from. The attacker's rows do most if they all are of the smallest
    class. Features and labels may carry noise as well, but bags with a changed row count as lost all the same.

    Guarantee
    ---------
    ``shift`` bounds the trade-off of every training set that comes about by changing, inserting and removing rows,
    labels included, with at most so many edits in all; the proof is below.

    Parameters
    ----------
    each : int
        Rows of each class in a bag, at least 1.
    sizes : sequence of int
        Rows of each class in the training set on which certificates are centred; :meth:`of` counts them.

    Raises
    ------
    InputError
        A number is not whole or too small, or there are fewer than two classes.

    Examples
    --------
    >>> from rsbd.noises import Bagging
    >>> bags = ClassBagging(1, sizes=(10, 10))
    >>> bags.shift(1).upper(Fraction(1, 10)), Bagging(2).shift(1, num_rows=20).upper(Fraction(1, 10))
    (Fraction(1, 5), Fraction(79, 400))
    """

    norm: ClassVar[str] = "rows"
    each: int
    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or not all(is_whole(size, 1) for size in self.sizes):
            raise InputError(f"sizes is {self.sizes!r}", "give the number of rows of each of two classes or more")
        object.__setattr__(self, "each", check_whole("each", self.each, 1))
        object.__setattr__(self, "sizes", tuple(map(int, self.sizes)))

    @classmethod
    def of(cls, dataset: Labelled, each: int = 1) -> ClassBagging:
        """Return bags of ``each`` rows of every class of a data set."""
        return cls(each, tuple(np.bincount(dataset.y, minlength=dataset.num_classes).tolist()))

    @property
    def size(self) -> int:
        """Number of rows in a bag."""
        return self.each * len(self.sizes)

    def shift(self, size: int, num_rows: int | None = None) -> Tradeoff:
        """Return a bound on the trade-off where ``size`` rows are changed, inserted or removed, in any mixture.

        Parameters
        ----------
        size : int
            Edits in all. A changed row may change its features and its label.
        num_rows : int, optional
            Rows before the attack; it must be the sum of ``sizes``.
        """
        whole = sum(self.sizes)
        if num_rows not in (None, whole):
            raise InputError(f"there are {num_rows} rows, but the classes have {whole}", "use ClassBagging.of(dataset)")
        if not (is_whole(size) and size <= whole):
            raise InputError(f"{size} of {whole} rows changed", f"give a whole number from 0 to {whole}")
        smallest = min(self.sizes)
        left = Fraction(max(0, smallest - int(size)), smallest)
        evened = Fraction(prod(self.sizes), prod(_evened(self.sizes, int(size))))
        return tradeoff.overlap(left**self.each, (left * evened) ** self.each)

    # Proof. Let r_c rows of the n_c of class c leave it and i_c enter it; a changed row leaves one class and enters
    # one, maybe the same. N_c = n_c - r_c + i_c. A bag holds only rows that stayed with probability
    # prod ((n_c - r_c) / n_c)^k before the attack and prod ((n_c - r_c) / N_c)^k after it, and all such bags have the
    # same ratio of the two. So the trade-off is an overlap, and it grows if either number falls.
    # Of `size` changes, sum r_c = sum i_c = size. The logarithm of the product of n_c - r_c is concave, so the product
    # is smallest at a vertex: all rows of one class, the smallest. The product of the N_c, whose sum stays, is largest
    # if rows go from the largest class to the smallest, one after another (`_evened`). Each is bounded by itself.
    # Changes are the worst mixture. With one more row entering, the first number stays and the largest product of the
    # N_c grows: so a removal does less than a change. With one more row leaving, where at least as many enter as leave,
    # the first number falls; in the second, the numerator falls by the factor 1 - 1 / (n_min - r), and the largest
    # product by 1 - 1 / max N_c at most, for the row may be missing in the largest class, which has more than n_min - r
    # rows: so an insertion does less than a change as well.

    def shift_rows(self, rows: int, num_rows: int | None, inside: Callable[[int], Tradeoff]) -> Tradeoff:
        """Return the trade-off of ``rows`` changed rows; bags that hold one are lost, whatever noise is ``inside``."""
        return self.shift(rows, num_rows)

    def outcomes(self, labels: Sequence[int] | Labels) -> Iterator[tuple[tuple[int, ...], Fraction]]:
        """Yield every bag as row numbers in the order of drawing, with its probability."""
        members = [np.flatnonzero(np.asarray(labels) == c).tolist() for c in range(len(self.sizes))]
        members = [rows or list(range(len(labels))) for rows in members]
        chance = Fraction(1, prod(map(len, members)) ** self.each)
        for bag in product(*(rows for rows in members for _ in range(self.each))):
            yield bag, chance

    def draw(self, labels: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Draw a bag for each generator from rows with these labels: row numbers by class, (generators, size).

        An attack may leave a class without rows; then rows of all classes stand in for it.
        """
        rows, counts = _members(labels, len(self.sizes))
        places = draw_numbers(self.size, generators).view(-1, len(rows), self.each) % counts
        return rows.expand(len(places), -1, -1).gather(2, places).flatten(1)


@lru_cache(maxsize=4)
def _members(labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Return the numbers of the rows of each class, of all rows for an empty one, and how many; zeros follow them.

    The numbers have shape (classes, most), how many (classes, 1). Tensors hash by identity.
    """
    import torch

    member = labels == torch.arange(classes, device=labels.device)[:, None]
    found = [rows.nonzero()[:, 0] for rows in member | ~member.any(1, keepdim=True)]
    counts = torch.tensor([[len(rows)] for rows in found], device=labels.device)
    return torch.nn.utils.rnn.pad_sequence(found, batch_first=True), counts


@lru_cache(maxsize=1024)
def _evened(sizes: tuple[int, ...], moves: int) -> tuple[int, ...]:
    """Move rows from the largest class to the smallest, one after another, until they are even or no move is left.

    >>> _evened((10, 4, 5), 3)
    (7, 6, 6)
    """
    left = list(sizes)
    for _ in range(moves):
        most, least = left.index(max(left)), left.index(min(left))
        if left[most] - left[least] < 2:
            break
        left[most] -= 1
        left[least] += 1
    return tuple(left)
