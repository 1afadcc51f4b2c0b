"""Certificates of a batch of points: labels, radii, and certified accuracy."""

from dataclasses import dataclass
from math import inf

import numpy as np

from rsbd.certify.pairs import truth
from rsbd.certify.tables import Packed
from rsbd.errors import InputError, is_between
from rsbd.evasion import AnyTrigger
from rsbd.types import ArrayLike, Bools, Floats, Ints

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
        if not is_between(radius, -inf, inf):
            raise InputError(f"radius is {radius!r}", "give a number")
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
        own = np.eye(int(np.max(y, initial=-1)) + 1, dtype=bool)[np.asarray(y)]  # (points, classes)
        with np.errstate(invalid="ignore"):
            return np.asarray((own & held[:, None]).sum(0) / own.sum(0))

    def _correct(self, y: ArrayLike) -> Bools:
        return np.asarray((truth(y, self.label) == self.label) & (self.label != ABSTAIN))
