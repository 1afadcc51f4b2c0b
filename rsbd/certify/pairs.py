"""The evidence of a batch, each different pair of bounds once: a million points share a thousand of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rsbd.bounds import Bounds
from rsbd.errors import InputError
from rsbd.tradeoff import Tradeoff
from rsbd.types import Bools, Floats, Ints


@dataclass(frozen=True, eq=False)
class Evidence:
    """The different (miss, runner-up) pairs of a batch."""

    miss: Floats
    runner_up: Floats
    back: Ints  # of each point, its pair
    tied: bool  # whether the runner-up is the miss everywhere

    @classmethod
    def of(cls, bounds: Bounds) -> Evidence:
        """Evidence of the bounds."""
        tied = bounds.runner_up is bounds.miss or np.array_equal(bounds.runner_up, bounds.miss)
        key = bounds.miss if tied else bounds.miss + 1j * bounds.runner_up
        pairs, back = np.unique(key, return_inverse=True)
        if len(pairs) and not (pairs[0].real >= 0 and pairs[-1].real <= 1):
            raise InputError(
                f"the miss goes from {pairs[0].real} to {pairs[-1].real}", "it bounds a probability, from 0 to 1"
            )
        return cls(pairs.real, pairs.real if tied else pairs.imag, back.reshape(-1), tied)

    def some(self, who: Ints) -> Evidence:
        """Part of the evidence."""
        return replace(self, miss=self.miss[who], runner_up=self.runner_up[who])

    def certified(self, law: Tradeoff) -> Bools:
        """Which pairs an attack with this law cannot overturn."""
        # What one part of the attack defeats alone, all of it defeats: the product of thousands of changes with
        # hundreds, which would fill the memory, is never formed to say no.
        factors = law.factors()
        if len(factors) > 1 and not all(self.certified(factor).any() for factor in factors):
            return np.zeros(len(self.miss), dtype=bool)
        if self.tied:
            return self.miss < law.fast_threshold()
        return law.certifies(self.miss, self.runner_up)

    def certified_all(self, laws: Iterator[Tradeoff]) -> Bools:
        """Which pairs none of the laws overturns."""
        holds = np.ones(len(self.miss), dtype=bool)
        for law in laws:
            holds &= self.certified(law)
            if not holds.any():
                break
        return holds


def truth(y: npt.ArrayLike, label: Ints) -> npt.NDArray[np.int64]:
    """Check that there is one true label for each predicted one, and return them as an array."""
    labels = np.asarray(y)
    if labels.dtype.kind not in "biuf":
        raise InputError(f"y holds {labels.dtype} values", "give labels as numbers from 0, as predicted ones are")
    if labels.shape != label.shape:
        raise InputError(f"y has shape {labels.shape}, but there are {len(label)} points", "give one label each")
    return labels
