"""The distinct bounds of a batch: a million points share about a thousand pairs of miss and runner-up."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from rsbd.bounds import Bounds
from rsbd.errors import InputError, check_kind
from rsbd.tradeoff import Tradeoff
from rsbd.types import ArrayLike, Bools, Floats, Ints, read_labels


@dataclass(frozen=True, eq=False)
class DistinctPairs:
    """The distinct (miss, runner-up) pairs of a batch."""

    miss: Floats
    runner_up: Floats
    back: Ints  # index of each point's pair
    tied: bool  # True if the runner-up equals the miss everywhere

    @classmethod
    def of(cls, bounds: Bounds) -> "DistinctPairs":
        """Return the distinct pairs of the bounds."""
        check_kind("bounds", bounds, Bounds)
        tied = bounds.runner_up is bounds.miss or np.array_equal(bounds.runner_up, bounds.miss)
        key = bounds.miss if tied else bounds.miss + 1j * bounds.runner_up
        pairs, back = np.unique(key, return_inverse=True)
        if len(pairs) and not (pairs[0].real >= 0 and pairs[-1].real <= 1):
            raise InputError(f"the miss goes from {pairs[0].real} to {pairs[-1].real}", "it bounds a probability")
        return cls(pairs.real, pairs.real if tied else pairs.imag, back.reshape(-1), tied)

    def some(self, who: Ints) -> "DistinctPairs":
        """Return only the pairs at some indices."""
        return replace(self, miss=self.miss[who], runner_up=self.runner_up[who])

    def certified(self, law: Tradeoff) -> Bools:
        """Return True for each pair that an attack with this law cannot overturn."""
        # If one part of the attack defeats all pairs by itself, so does the whole attack. The product of thousands of
        # changes with hundreds, which would fill the memory, need not be formed then.
        factors = law.factors()
        if len(factors) > 1 and not all(self.certified(factor).any() for factor in factors):
            return np.zeros(len(self.miss), dtype=bool)
        if self.tied:
            return self.miss < law.fast_threshold()
        return law.certifies(self.miss, self.runner_up)

    def certified_all(self, laws: Iterator[Tradeoff]) -> Bools:
        """Return True for each pair that none of the laws overturns."""
        holds = np.ones(len(self.miss), dtype=bool)
        for law in laws:
            holds &= self.certified(law)
            if not holds.any():
                break
        return holds


def truth(y: ArrayLike, label: Ints) -> Ints:
    """Check that there is one true label for each predicted one, and return the true labels as an array."""
    labels = read_labels(y, "y")
    if labels.shape != label.shape:
        raise InputError(f"y has shape {labels.shape}, but there are {len(label)} points", "give one label each")
    return labels
