"""The largest certified change, searched for where no formula gives it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from rsbd.tradeoff import Tradeoff
from rsbd.types import Floats

STEPS = 1 << 20  # to a doubling: neighbouring sizes differ by at most one part in a million
SMALLEST, LARGEST = -30, 20  # powers of two between which sizes are told apart


def search(shift: Callable[[float], Tradeoff], miss: Floats, runner_up: Floats) -> Floats:
    """Largest size from 2^-30 to 2^20, or 0, at which each pair of bounds is certified; -1 where even 0 is not.

    >>> from rsbd.tradeoff import gaussian
    >>> search(gaussian, np.array([0.1, 0.5]), np.array([0.1, 0.5])).round(4)
    array([ 1.2816, -1.    ])
    """
    tied = np.array_equal(miss, runner_up)

    def certified(size: float, who: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        return shift(size).certifies(miss[who], None if tied else runner_up[who])

    # Positions on a logarithmic scale; 0 stands for size 0. Low ones are certified, high ones are not.
    last = (LARGEST - SMALLEST) * STEPS
    low, high = np.zeros(len(miss), np.int64), np.full(len(miss), last + 1)
    while (high - low > 1).any():
        middle = (low + high) // 2
        for at in np.unique(middle[high - low > 1]):
            who = (middle == at) & (high - low > 1)
            holds = certified(float(_size(at)), who)
            low[who], high[who] = np.where(holds, at, low[who]), np.where(holds, high[who], at)
    return np.where(certified(0.0, np.ones(len(miss), bool)), _size(low), -1.0)


def _size(at: npt.NDArray[np.int64]) -> Floats:
    """Size at each position: exact, so that what is returned is what was certified."""
    doublings, steps = np.divmod(at, STEPS)
    return np.where(at > 0, np.ldexp(1 + steps / STEPS, doublings + SMALLEST), 0.0)
