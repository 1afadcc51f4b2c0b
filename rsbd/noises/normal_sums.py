"""Draw the sums of rows under Gaussian noise at once, on a lattice, with exactly the law that is certified."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from rsbd.noises.lattice import FIRST_BITS, Lattice, normal_below, random_bits, random_cells, room_for_errors
from rsbd.types import Floats

if TYPE_CHECKING:
    from torch import Generator, Tensor


def sample_normal_sums(sums: Tensor, sizes: Tensor, sigma: float, generators: Sequence[Generator]) -> Tensor:
    """Return sums of ``n`` rows under the sum of their noises, normal with the deviation ``sigma sqrt(n)``.

    As in :mod:`rsbd.noises.lattice`, bits are drawn until they decide; the steps are from 1/64 to 1/32 of the
    deviation. They depend on the numbers of rows, which a model may see.

    Parameters
    ----------
    sums : Tensor
        Clean sums, shape (generators, groups, features), without any rounding.
    sizes : Tensor
        Rows in each group, shape (generators, groups). The sum of no rows stays as it is.
    """
    import torch

    spread = sigma * np.sqrt(sizes.cpu().double().clamp(min=1).numpy())[..., None]
    step = np.ldexp(1.0, np.frexp(spread)[1] - 6)  # as of a `Lattice`
    x, scale = sums.cpu().double().numpy() / step, spread / step
    room = room_for_errors(x)
    drawn, spare = random_cells(sums[0].numel(), generators)
    cells = drawn.cpu().numpy().reshape(x.shape)
    low = np.floor(x + 0.5 + (_edges()[cells] * scale - room))
    high = np.floor(x + 0.5 + (_edges()[cells + 1] * scale + room))
    where = np.nonzero(low != high)
    number = (cells[where].astype(np.int64) << (53 - FIRST_BITS)) + random_bits(where[0], generators, spare)
    scales = scale[where[0], where[1], 0]
    low[where], high[where] = (
        np.floor(x[where] + 0.5 + (ndtri((number + end) / 2.0**53) * scales + side * room[where]))
        for end, side in ((0, -1), (1, 1))
    )
    for i in np.flatnonzero(low[where] != high[where]):
        at = tuple(index[i] for index in where)
        own = _lattice_of_sum(sigma, int(sizes[at[0], at[1]]))
        low[at] = own.decide_with_all_bits(Fraction(x[at]), int(number[i]), generators[at[0]])
    return torch.where(sizes.unsqueeze(-1) > 0, torch.from_numpy(low * step).to(sums), sums)


@lru_cache(maxsize=1)
def _edges() -> Floats:
    edges: Floats = ndtri(np.arange(2**FIRST_BITS + 1) / 2**FIRST_BITS)
    return edges


def _lattice_of_sum(sigma: float, rows: int) -> Lattice:
    spread = sigma * math.sqrt(rows)
    exact = Fraction(sigma) * Fraction(math.isqrt(rows * 10**160), 10**80)
    return Lattice(spread, lambda w: spread * ndtri(w), lambda value: normal_below(value / exact))
