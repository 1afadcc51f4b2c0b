"""Draws random bits for many numbers at once: first some that decide nearly always, then more where they do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rsbd.types import Ints

if TYPE_CHECKING:
    from torch import Generator, Tensor

FIRST_BITS, _SECOND_BITS, _LAST_BITS = 16, 37, 128  # of one number, which are drawn at a time
MOST_BITS = FIRST_BITS + _SECOND_BITS
ALL_BITS = MOST_BITS + _LAST_BITS


def random_words(count: int, generators: Sequence[Generator]) -> Tensor:
    """Draw ``count`` words of 64 bits from each generator: int64, shape (generators, count)."""
    import torch

    words = torch.empty(len(generators), count, dtype=torch.int64, device=generators[0].device)
    for row, generator in zip(words, generators, strict=True):
        row.random_(-(2**63), None, generator=generator)
    return words


def random_cells(count: int, generators: Sequence[Generator]) -> tuple[Tensor, Tensor]:
    """Draw the first bits of ``count`` numbers for each generator, and spare words: second bits for one in 64.

    The bits are those of ``cells + 2**15``, and ``cells`` is of int16.
    """
    import torch

    first = -(-count // 4)
    words = random_words(first + count // 64 + 4, generators)
    return words.view(torch.int16)[:, :count], words[:, first:]  # a word is read as four numbers


def as_index(cells: Tensor) -> Tensor:
    """Return cells from `random_cells` as places in a table, flattened."""
    import torch

    return cells.to(torch.int32).add_(2**15).view(-1)


def decide(
    cells: Tensor,
    undecided: Ints,
    spare: Tensor,
    generators: Sequence[Generator],
    second: Callable[[Ints], tuple[Any, Any]],
    last: Callable[[int, int], int],
) -> Any:
    """Draw more bits for numbers that the first bits do not decide, and return what they give.

    Parameters
    ----------
    cells, spare : Tensor
        From `random_cells`.
    undecided : array
        Positions of these numbers in the flattened cells, in order.
    second : callable
        Return the least and the largest result that the first 53 bits leave, from these bits of each undecided number.
    last : callable
        Return the result that all bits give, from the place of a number among the undecided ones and its bits.
    """
    owners = undecided // cells.shape[1]
    numbers = more_bits(numbers_at(cells, undecided).astype(np.int64) + 2**15, owners, generators, spare)
    return settle(*second(numbers), numbers, owners, generators, last)


def settle(
    low: Any, high: Any, numbers: Ints, owners: Ints, generators: Sequence[Generator], last: Callable[[int, int], int]
) -> Any:
    """Write into ``low`` what all bits give where the first 53, ``numbers``, leave ``low`` to ``high``; return it."""
    for i in np.flatnonzero(low != high):
        low[i] = last(int(i), add_last_bits(int(numbers[i]), generators[owners[i]]))
    return low


def plain(numbers: Tensor) -> Any:
    """Return numbers in the form that is read fastest, on a CPU as an array: small pieces take a tenth of the time."""
    return numbers.numpy() if numbers.device.type == "cpu" else numbers


def positions(which: Any) -> Ints:
    """Return where a comparison of numbers in plain form holds, in the flattened array."""
    return np.flatnonzero(which if isinstance(which, np.ndarray) else which.cpu().numpy())


def numbers_at(numbers: Tensor, at: Ints) -> Any:
    """Return an array of the numbers at some positions of a tensor of two dimensions, as if it were flattened."""
    found = plain(numbers)[np.divmod(at, numbers.shape[1])]
    return found if isinstance(found, np.ndarray) else found.cpu().numpy()


def put_at(numbers: Tensor, at: Ints, values: Any) -> None:
    """Write values at some positions of a tensor, flattened, which is contiguous."""
    import torch

    flat = plain(numbers).reshape(-1)
    flat[at] = values if isinstance(flat, np.ndarray) else torch.from_numpy(values).to(flat)


def more_bits(cells: Ints, owners: Ints, generators: Sequence[Generator], spare: Tensor) -> Ints:
    """Return numbers whose first bits are ``cells`` with more bits, each from the generator of its owner.

    Owners are in order. A generator whose spare words are used up draws more.
    """
    counts, words = np.bincount(owners, minlength=len(generators)), spare.cpu().numpy()
    if counts.max(initial=0) <= words.shape[1]:
        found = words[owners, np.arange(len(owners)) - np.repeat(counts.cumsum() - counts, counts)]
    else:
        missing = np.maximum(counts - words.shape[1], 0)
        more = [random_words(n, [g])[0].cpu().numpy() for n, g in zip(missing, generators, strict=True)]
        found = np.concatenate([np.append(*own)[:n] for *own, n in zip(words, more, counts, strict=True)])
    return (cells << _SECOND_BITS) + (found.view(np.uint64) >> (64 - _SECOND_BITS)).astype(np.int64)


def add_last_bits(number: int, generator: Generator) -> int:
    """Return a number of which the first 53 bits were drawn before, with all of its bits."""
    for word in random_words(_LAST_BITS // 64, [generator])[0].tolist():
        number = (number << 64) + word % 2**64
    return number
