"""When to stop voting: once every point is decided, under bounds that allow for looking."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rsbd import bounds
from rsbd.bounds import Bounds, binomial
from rsbd.certify import radius
from rsbd.certify.pairs import Evidence
from rsbd.ensemble.votes import Votes
from rsbd.errors import InputError
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.tradeoff import Tradeoff
from rsbd.types import Bools


@dataclass(frozen=True)
class Decided:
    """Whether more votes are of no use, for ``rsbd.collect(..., until=Decided(...))``.

    A point is decided when it is certified, or when it is hopeless: when even the most hopeful class
    probabilities that the votes leave possible would not be certified. Points near the border stay open, so
    ``num_models`` is still the limit.

    Guarantee
    ---------
    However often one looks, and whenever one stops, with probability at least ``1 - alpha`` for each point (over
    all points together, if ``points="all"``): if :meth:`certified` says so, no attack within the threat changes
    the prediction; if :meth:`hopeless` says so, no number of votes would have certified it, but by a fluke.

    Notes
    -----
    Why not :func:`rsbd.bounds.clopper_pearson` on the votes at the end? It errs with probability ``alpha`` at one
    number of votes that was chosen beforehand. Whoever looks after every block and stops when all is certified
    picks a lucky moment: at some number of votes the bound fails far more often than ``alpha`` (always, if one
    can go on for ever). That holds for the whole rule, also where it ran to ``num_models``. So take the bounds
    from here. Votes that are then extended to a number fixed beforehand are as good as any.

    Parameters
    ----------
    smoothing : Smoothing
        The noise that the votes are cast under.
    threat : Threat or float
        What every point is to be certified against; a number is a radius over all noised slots together, as in
        :func:`rsbd.certify.radius`.
    alpha : float
        Failure probability, in (0, 1).
    num_rows : int, optional
        Number of training rows, where the rows carry noise.
    runner_up : bool
        Bound the other classes by their own votes too.
    points : str
        What ``alpha`` speaks of: ``"each"`` point by itself, or ``"all"`` of them at once.

    Raises
    ------
    InputError
        The threat changes what carries no noise, or ``alpha`` is no probability.

    References
    ----------
    Ville (1939); Robbins (1970); see :func:`rsbd.bounds.anytime`.

    Examples
    --------
    >>> from rsbd.noises import Flip
    >>> rule = Decided(Smoothing(test=Flip(0.8)), Threat(trigger=1))
    >>> votes = Votes(np.array([[980, 20], [600, 400], [870, 130]]), ((0, 1000),), {})
    >>> rule.certified(votes), rule.hopeless(votes), rule(votes)
    (array([ True, False, False]), array([False,  True, False]), False)
    """

    smoothing: Smoothing
    threat: Threat | float
    alpha: float = 0.001
    num_rows: int | None = None
    runner_up: bool = False
    points: str = "each"

    def __post_init__(self) -> None:
        if not isinstance(self.threat, Threat) and not 0 <= self.threat < np.inf:
            raise InputError(f"the radius is {self.threat}", "give a finite number from 0, or a Threat")
        # Everything that can be wrong shows on the first votes: better before any model is trained.
        self(Votes(np.array([[1, 0]]), ((0, 1),), {}))

    def __call__(self, votes: Votes) -> bool:
        """Whether every point is decided."""
        return bool((self.certified(votes) | self.hopeless(votes)).all())

    def bounds(self, votes: Votes) -> Bounds:
        """Evidence of the votes, valid however their number came about."""
        return bounds.anytime(votes.counts, self.alpha, runner_up=self.runner_up, points=self.points)

    def certified(self, votes: Votes) -> Bools:
        """Which predictions no attack within the threat can change, shape (points,)."""
        return self._holds(self.bounds(votes))

    def hopeless(self, votes: Votes) -> Bools:
        """Which predictions would not be certified at the hopeful end of their interval either."""
        counts, found = votes.counts, self.bounds(votes)
        level = bounds.over_points(self.alpha, len(counts), self.points)
        level /= counts.shape[1] if counts.shape[1] > 2 else 1  # shared as in `anytime`
        own = counts.max(axis=1)
        miss = np.maximum(0.0, 1 - _upper(own, counts, level))
        second = miss
        if self.runner_up and counts.shape[1] > 2:
            rival = np.sort(counts, axis=1)[:, -2]
            second = np.clip(1 - _upper(counts.sum(axis=1) - rival, counts, level), 0.0, miss)
        return ~self._holds(replace(found, miss=miss, runner_up=second))

    @cached_property
    def _law(self) -> Tradeoff | None:
        return self.smoothing.tradeoff(self.threat, self.num_rows) if isinstance(self.threat, Threat) else None

    def _holds(self, found: Bounds) -> Bools:
        if self._law is not None:
            evidence = Evidence.of(found)
            return evidence.certified(self._law)[evidence.back]
        size = float(self.threat)  # type: ignore[arg-type]
        return radius(found, self.smoothing, max_radius=size, num_rows=self.num_rows).radius >= size


def _upper(k: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], level: float) -> npt.NDArray[np.float64]:
    """Upper end of the anytime interval of each point's ``k``, each different number once."""
    total = int(counts.sum(axis=1).max(initial=0))  # all models vote on all points
    different, back = np.unique(k, return_inverse=True)
    return binomial.anytime(different, np.full_like(different, total), level, prior=0.5)[back]
