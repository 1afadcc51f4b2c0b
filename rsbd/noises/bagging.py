"""Bagging: each model learns from rows drawn at random, with replacement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import comb
from typing import TYPE_CHECKING, ClassVar

from rsbd import tradeoff
from rsbd.errors import InputError, check_whole, is_whole
from rsbd.noises.random_bits import random_words
from rsbd.tradeoff import Tradeoff
from rsbd.tradeoff.make import BITS, EXACT_BITS
from rsbd.types import Labels

if TYPE_CHECKING:
    from torch import Generator, Tensor

_WHOLE = 64  # bags up to this size count every number of poisoned rows; in larger ones, a tail below _RARE is lost
_RARE = Fraction(1, 2**64)


@dataclass(frozen=True)
class Bagging:
    """Draw ``size`` training rows with replacement: the noise for the slot ``rows``.

    A bag without a changed row shows nothing of the attack. With ``m`` of ``n`` rows changed, a share
    ``(1 - m/n)^size`` of the bags is of this kind. The other bags are lost where nothing else is noised. Where features
    and labels carry discrete noise, drawn anew for every row of the bag, that noise also hides the changed rows in the
    other bags (BagFlip). Where features carry Gaussian noise, bags with many changed rows count as lost, and each of
    the others counts as if it held the largest number that is not lost: this overstates the attack, so it is sound but
    not tight.

    Guarantee
    ---------
    ``shift`` is the exact trade-off of changed, inserted and removed rows; denominators beyond 4096 bits are rounded
    in the attacker's favour.

    Parameters
    ----------
    size : int
        Rows in a bag, at least 1; may exceed the number of training rows.

    Raises
    ------
    InputError
        If ``size`` is not a whole number of at least 1.

    References
    ----------
    Jia, Cao, Gong, "Intrinsic Certified Robustness of Bagging against Data Poisoning Attacks", 2021, theorem 1;
    Zhang, Albarghouthi, D'Antoni, "BagFlip: A Certified Defense against Data Poisoning", 2022.

    Examples
    --------
    >>> Bagging(2).shift(1, num_rows=10).upper(Fraction(1, 10))  # 1/10 + 1 - (9/10)^2
    Fraction(29, 100)
    """

    norm: ClassVar[str] = "rows"
    size: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", check_whole("size", self.size, 1))

    def shift(self, size: int, num_rows: int | None = None, *, inserted: int = 0, removed: int = 0) -> Tradeoff:
        """Return the trade-off where ``size`` of the rows change in place and others are inserted or removed.

        Insertions and removals alone do less than changes. A point that ``shift(r)`` certifies is certified against
        every mixture of the three with at most ``r`` edits in all (proof below; the tests check every mixture).

        Parameters
        ----------
        size : int
            Rows that change in place.
        num_rows : int
            Rows before the attack.
        inserted, removed : int
            Rows that the attacker adds and takes away.
        """
        if not all(map(is_whole, (size, inserted, removed))):
            given = f"{size} rows changed, {inserted} inserted, {removed} removed"
            raise InputError(given, "give whole numbers from 0")
        size, inserted, removed = int(size), int(inserted), int(removed)
        before = self._num_rows(num_rows, size + removed)
        common, after = before - size - removed, before + inserted - removed
        if after < 1:
            raise InputError(f"{inserted} rows inserted and {removed} of {before} removed", "some rows must be left")
        return tradeoff.overlap(Fraction(common, before) ** self.size, Fraction(common, after) ** self.size)

    # Why changes are the worst mixture. Let r edits lead from n to n' rows. They leave at least e = max(n, n') - r rows
    # in common, and a point is certified against them if miss + runner_up + (n'/n)^s - 2 (e/n)^s < 0.
    # For n' <= n the left side grows with n'. For n' >= n it falls with n' as soon as (n' / (n' - r))^(s-1) <= 2. A
    # point certified at n' = n has (1 - r/n)^s > 1/2, which implies this inequality for n' = n, and its left side
    # falls with n'. So n' = n, where every edit is a change, is the worst case.

    def shift_rows(self, rows: int, num_rows: int | None, inside: Callable[[int], Tradeoff]) -> Tradeoff:
        """Return the trade-off of ``rows`` changed rows; ``inside(j)`` is the one of a bag that holds ``j`` of them."""
        rows, total = int(rows), self._num_rows(num_rows, rows)
        one = inside(1)
        if not rows or (not one.mu and one.upper(Fraction(0)) == 1):
            return self.shift(rows, total)
        weights = self._drawn(rows, total)
        if one.mu:
            return _at_most(weights, inside)
        return tradeoff.mixture(weights, [inside(j) for j in range(len(weights))])

    def _drawn(self, rows: int, total: int) -> list[Fraction]:
        """Return the binomial probabilities of 0, 1, 2, ... changed rows in a bag, long fractions rounded down."""
        whole = total**self.size
        unit = whole if whole.bit_length() <= EXACT_BITS else 1 << BITS
        found: list[Fraction] = []
        left = Fraction(1)
        for j in range(self.size + 1):
            count = comb(self.size, j) * rows**j * (total - rows) ** (self.size - j)
            found.append(Fraction(count * unit // whole, unit))
            left -= found[-1]
            if self.size > _WHOLE and left < _RARE:
                break
        return found

    def _num_rows(self, num_rows: int | None, changed: int) -> int:
        if num_rows is None:
            raise InputError("bagging hides changed rows among all of them", "say how many there are, num_rows=...")
        if not 0 <= changed <= num_rows:
            raise InputError(f"{changed} of {num_rows} rows changed or removed", f"give a number from 0 to {num_rows}")
        return int(num_rows)  # numpy's integers would overflow in powers

    def outcomes(self, labels: Sequence[int] | Labels) -> Iterator[tuple[tuple[int, ...], Fraction]]:
        """Yield every bag of rows with these labels as row numbers in the order of drawing, with its probability."""
        for bag in product(range(len(labels)), repeat=self.size):
            yield bag, Fraction(1, len(labels) ** self.size)

    def draw(self, labels: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Draw a bag for each generator from as many rows as there are labels: row numbers, (generators, size)."""
        return draw_numbers(self.size, generators) % len(labels)


def draw_numbers(count: int, generators: Sequence[Generator]) -> Tensor:
    """Draw whole numbers from 0 to 2^62 - 1, whose remainder by n favours no number by more than n / 2^62."""
    # Whole 64-bit words are drawn, since a device that draws only 32 bits refuses them, but would silently truncate a
    # range of 62 bits.
    return random_words(count, generators) & (2**62 - 1)


def _at_most(weights: list[Fraction], inside: Callable[[int], Tradeoff]) -> Tradeoff:
    """Return an upper bound on the trade-off of bags with Gaussian noise, whose mixture has no finite form.

    Bags with more than `most` changed rows count as lost. All others count as if they held exactly `most`, which is a
    stronger attack than fewer. This bounds the mixture for every `most`; the best of several is returned.
    """
    best = tradeoff.overlap(weights[0])
    for share in (0.6, 0.8, 0.9, 0.97, 0.99, 0.999):
        most = next((j for j in range(len(weights)) if sum(weights[: j + 1]) >= share), len(weights) - 1)
        law = tradeoff.overlap(sum(weights[: most + 1], Fraction(0))) * inside(most)
        best = max(best, law, key=Tradeoff.fast_threshold)
    return best
