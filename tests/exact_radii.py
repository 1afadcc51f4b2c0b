"""The certified number of changes in exact rational arithmetic: what radii in floats are compared with."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rsbd.certify import allocation
from rsbd.noises import Smoothing


def exact_radius(
    miss: Fraction, smoothing: Smoothing, max_radius: int | None = None, runner_up: Fraction | None = None
) -> int:
    """Return the largest number of changes that every spread over the slots certifies, or -1 if 0 is not certified."""
    _, norm, noises = allocation.changed_slots(smoothing, None)
    assert norm == "L0"
    noises = allocation.weakest_noises(noises)

    def certified(size: int, who: np.ndarray) -> np.ndarray:
        return np.full(len(who), all(law.certifies(miss, runner_up) for law in allocation.all_spreads(noises, size)))

    return int(allocation.largest_certified(certified, 1, allocation.search_limit(noises, max_radius))[0])
