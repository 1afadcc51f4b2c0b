"""Draw binomial numbers with exactly their law, many at once.

How many of ``n`` coins show heads is a sum over the digits of ``n`` in base 128: of how many do among ``digit`` coins,
``digit`` times 128 coins, and so on. There are few such numbers of coins, so each has a table of its distribution
function ``F``. As in :mod:`rsbd.noises.lattice`, a uniform real number ``W`` in (0, 1) is drawn bit by bit until it is
known for which ``k`` it is from ``F(k - 1)`` to ``F(k)``: mostly by the first 13 bits, for which a table gives ``k``;
else by 53 bits; and if these are the first 53 bits of some ``F(k)``, by 181 bits. ``F`` is computed in whole numbers
with errors below ``2**-200``. So the law is the binomial one up to an event of probability below ``2**-170`` for each
number: ``W`` agrees with some ``F(k)`` in all of 181 bits.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from rsbd.noises import random_bits
from rsbd.noises.random_bits import ALL_BITS, FIRST_BITS, MOST_BITS
from rsbd.types import Ints

if TYPE_CHECKING:
    from torch import Generator, Tensor

_DIGIT_BITS, _CELL_BITS = 7, 13
_PRECISION = 256  # bits of the largest probability


def sample_binomials(counts: Tensor, chance: Fraction, generators: Sequence[Generator]) -> Tensor:
    """Toss each number of coins in ``counts``, shape (generators, ...); return the numbers of heads."""
    import torch

    flat = counts.reshape(len(counts), -1).to(torch.int32)
    heads, bits, most = torch.zeros_like(flat), 0, int(flat.max()) if flat.numel() else 0
    while most >> bits:
        digits = (flat >> bits) & (2**_DIGIT_BITS - 1)
        largest = 2 ** int(digits.max()).bit_length() - 1
        heads += coin_tables(chance, 2**bits, largest).draw(digits, generators)
        bits += _DIGIT_BITS
    return heads.view(counts.shape)


@dataclass(frozen=True, eq=False)
class CoinTables:
    """The laws of the heads among 0, 1, 2, ... times a number of coins.

    Parameters
    ----------
    table : Tensor
        The heads for each law and each value of the first bits, one law after the other; -1 where these do not decide.
    laws : list of tuple
        For each law the least number of heads whose probability is not rounded to 0, and the values of ``F`` from
        this number on, in units of ``2**-ALL_BITS``, rounded down. The last value, which is 1, is left out.
    keys : array
        All ``F``, in units of ``2**-MOST_BITS``, each added to the number of its law.
    starts : array
        Where the keys of each law begin.
    """

    table: Tensor
    laws: list[tuple[int, list[int]]]
    keys: Ints
    starts: Ints

    def draw(self, digits: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Draw a number by each law in ``digits``, shape (generators, numbers)."""
        cells, spare = random_bits.random_cells(digits.shape[1], generators)
        at = (digits << _CELL_BITS).view(-1) | (random_bits.as_index(cells) >> (FIRST_BITS - _CELL_BITS))
        heads = self.table.to(at.device).index_select(0, at).view(digits.shape)
        unknown = random_bits.positions(random_bits.plain(heads) < 0)
        laws = random_bits.numbers_at(digits, unknown)

        def last(i: int, number: int) -> int:
            return self.last(laws[i], number)

        found = random_bits.decide(cells, unknown, spare, generators, partial(self.second, laws), last)
        random_bits.put_at(heads, unknown, found)
        return heads

    def second(self, laws: Ints, numbers: Ints) -> tuple[Ints, Ints]:
        """Return the least and the most heads that the first 53 bits leave, which are ``numbers``."""
        keys, least = (laws.astype(np.int64) << MOST_BITS) + numbers, np.array([first for first, _ in self.laws])
        low, high = (
            np.searchsorted(self.keys, keys, side) - self.starts[laws] + least[laws] for side in ("left", "right")
        )
        return low, high

    def last(self, law: int, number: int) -> int:
        """Return the heads that all bits give, which are ``number``."""
        first, values = self.laws[law]
        return first + bisect_right(values, number)


@lru_cache(maxsize=16)
def coin_tables(chance: Fraction, coins: int, largest: int) -> CoinTables:
    """Return the tables for 0 to ``largest`` times as many coins."""
    import torch

    laws = [coin_law(j * coins, chance) for j in range(largest + 1)]
    kind = np.int16 if coins * largest < 2**15 else np.int32
    table = np.empty((len(laws), 2**_CELL_BITS), kind)
    keys = [np.array([value >> (ALL_BITS - MOST_BITS) for value in values], np.int64) for _, values in laws]
    for row, (first, _), own in zip(table, laws, keys, strict=True):
        borders = np.bincount(own >> (MOST_BITS - _CELL_BITS), minlength=len(row))
        row[:] = np.where(borders == 0, first + borders.cumsum(), -1)
    starts = np.cumsum([0, *(len(own) for own in keys[:-1])])
    keys = [own + (j << MOST_BITS) for j, own in enumerate(keys)]
    return CoinTables(torch.from_numpy(table.ravel()), laws, np.concatenate(keys), starts)


def coin_law(coins: int, chance: Fraction) -> tuple[int, list[int]]:
    """Return the distribution function of the heads among coins; see `CoinTables.laws`.

    Probabilities are multiplied up from the most likely number of heads, where all errors are below ``2**-256`` of it.

    Examples
    --------
    >>> first, values = coin_law(2, Fraction(1, 2))
    >>> first, [value / 2**ALL_BITS for value in values]
    (0, [0.25, 0.75])
    """
    heads, tails = chance.numerator, chance.denominator - chance.numerator
    mode = min(coins, (coins + 1) * heads // chance.denominator)
    up, down = [2**_PRECISION], [2**_PRECISION]
    for k in range(mode, coins):
        up.append(up[-1] * (coins - k) * heads // ((k + 1) * tails))
        if up[-1] == 0:
            break
    for k in range(mode, 0, -1):
        down.append(down[-1] * k * tails // ((coins - k + 1) * heads))
        if down[-1] == 0:
            break
    weights = down[:0:-1] + up
    sums = list(accumulate(weights if weights[-1] else weights[:-1]))
    return mode - len(down) + 1, [(value << ALL_BITS) // sums[-1] for value in sums[:-1]]
