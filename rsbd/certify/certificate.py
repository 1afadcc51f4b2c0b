"""Certificates of a batch of points: labels, radii and certified accuracy; and the distinct bounds of a batch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from rsbd.bounds import Bounds
from rsbd.certify.tables import Packed
from rsbd.errors import InputError, check_kind, is_between
from rsbd.evasion import AnyTrigger
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


# The label of a point whose top class is not certain even without an attack; it always counts as wrong.
ABSTAIN = -1


@dataclass(frozen=True, eq=False, repr=False)
class Certificate(Packed):
    """Certified radii of a batch of points.

    Attributes
    ----------
    label : array of int, shape (points,)
        The certified label, `ABSTAIN` where not even radius 0 is certified.
    radius : array, shape (points,)
        No attack of this size on the `slots` together, in the `norm`, changes the label; -1 where even radius 0 is
        not certified. Integers in L0 and rows, floats in L1 and L2. A radius equal to `max_radius` means "at least".
    alpha : float
        Probability that a point's certificate is wrong, or that any one is, where `points` is `"all"`.
    norm : str
        `"L0"` (number of changed coordinates), `"L1"` or `"L2"` (length of the change), or `"rows"` (number of
        changed training rows: replaced, or changed within the limits of the threat, if one was given). Without
        sampling also `"rows in or out"`, `"rows in place"` and `"pixels"`, see :func:`rsbd.recipes.dpa` and
        :func:`rsbd.recipes.fpa`.
    slots : tuple of str
        Slots that the attacker changes, among `rows`, `features`, `labels`, `test`.
    max_radius : float
        Size at which the search stopped.
    points : str
        Whether `alpha` holds for `"each"` point by itself or for `"all"` of them at once.
    trigger : AnyTrigger, optional
        A trigger that the attacker puts on the test input besides; it does not count towards the radius.
    """

    label: Ints
    radius: Ints | Floats
    alpha: float
    norm: str
    slots: tuple[str, ...]
    max_radius: float = inf
    points: str = "each"
    trigger: AnyTrigger | None = None

    def accuracy(self, y: ArrayLike, radius: float = 0) -> float:
        """Return the certified accuracy: the fraction of points that are correct **and** certified at `radius`."""
        return float(self.curve(y, [radius])[0])

    def curve(self, y: ArrayLike, radii: ArrayLike) -> Floats:
        """Return the certified accuracy at each of `radii`; abstentions count as wrong.

        Parameters
        ----------
        y : array of int, shape (points,)
            True labels.
        radii : array, shape (radii,)

        Returns
        -------
        array of float, shape (radii,)
        """
        for radius in np.ravel(np.asarray(radii, object)):
            if not is_between(radius, -inf, inf):
                raise InputError(f"radius is {radius!r}", "give a number")
        reached = np.sort(self.radius[self._correct(y)])
        count = len(reached) - np.searchsorted(reached, np.asarray(radii), side="left")
        return count / max(1, len(self.label))

    def by_class(self, y: ArrayLike, radius: float = 0) -> Floats:
        """Return the certified accuracy within each class at `radius`, shape (classes,); NaN if it has no points.

        Examples
        --------
        >>> Certificate(np.array([0, 0, 0]), np.array([5, 5, 5]), 0.0, "rows", ("rows",)).by_class([0, 0, 1])
        array([1., 0.])
        """
        held = self._correct(y) & (self.radius >= radius)
        own = np.asarray(y)[:, None] == np.arange(int(np.max(np.asarray(y), initial=-1)) + 1)  # (points, classes)
        with np.errstate(invalid="ignore"):
            return np.asarray((own & held[:, None]).sum(0) / own.sum(0))

    def _correct(self, y: ArrayLike) -> Bools:
        return np.asarray((truth(y, self.label) == self.label) & (self.label != ABSTAIN))
