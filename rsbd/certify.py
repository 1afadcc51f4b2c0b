"""Certificates: from bounds and noise to what an attacker provably cannot do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from rsbd import spread
from rsbd.bounds import Bounds
from rsbd.errors import InputError
from rsbd.evidence import Evidence, truth
from rsbd.smoothing import Smoothing, Threat

ABSTAIN = -1
"""The label of a point whose top class is not even certain: always counted as wrong."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Certificate:
    """Certified radii of a batch of points.

    Attributes
    ----------
    label : array of int, shape (points,)
        The certified label, `ABSTAIN` where not even radius 0 is certified.
    radius : array, shape (points,)
        No attack of this size on the `slots` together, in the `norm`, changes the label; -1 where it is
        not certain at all. Integers in L0 and rows, floats in L1 and L2. A radius equal to `max_radius` means
        "at least".
    alpha : float
        Probability that a point's certificate is wrong (that any is, where `points` is `"all"`).
    norm : str
        `"L0"` (number of changed coordinates), `"L1"` or `"L2"` (length of the change), or `"rows"` (number of
        changed training rows).
    slots : tuple of str
        What the attacker changes, among `rows`, `features`, `labels`, `test`.
    max_radius : float
        Where the search stopped.
    points : str
        What `alpha` speaks of: `"each"` point by itself, or `"all"` of them at once.
    """

    label: Ints
    radius: Ints | Floats
    alpha: float
    norm: str
    slots: tuple[str, ...]
    max_radius: float = inf
    points: str = "each"

    def accuracy(self, y: npt.ArrayLike, radius: float = 0) -> float:
        """Certified accuracy: the fraction of points that are correct **and** certified at `radius`."""
        return float(self.curve(y, [radius])[0])

    def curve(self, y: npt.ArrayLike, radii: npt.ArrayLike) -> Floats:
        """Certified accuracy at each of `radii`; abstaining counts as wrong.

        Parameters
        ----------
        y : array of int, shape (points,)
            True labels.
        radii : array, shape (radii,)

        Returns
        -------
        array of float, shape (radii,)
        """
        correct = truth(y, self.label) == self.label
        reached = np.sort(self.radius[correct & (self.label != ABSTAIN)])
        count = len(reached) - np.searchsorted(reached, np.asarray(radii), side="left")
        return count / max(1, len(self.label))


def certify(bounds: Bounds, smoothing: Smoothing, threat: Threat, num_rows: int | None = None) -> Bools:
    """Which predictions no attack within the threat can change.

    Guarantee: for each point, with probability at least `1 - bounds.alpha` over the votes, True is true.

    Parameters
    ----------
    bounds : Bounds
        Evidence for each point.
    smoothing : Smoothing
        The noise that the votes were cast under.
    threat : Threat
        What the attacker may do.
    num_rows : int, optional
        Number of training rows, where the rows carry noise.

    Returns
    -------
    array of bool, shape (points,)

    Examples
    --------
    >>> from rsbd.bounds import clopper_pearson
    >>> from rsbd.noises import Flip
    >>> votes = clopper_pearson([[1000, 0], [700, 300]], alpha=0.001)
    >>> certify(votes, Smoothing(test=Flip(0.8)), Threat(trigger=2))
    array([ True, False])
    """
    evidence = Evidence.of(bounds)
    return evidence.certified(smoothing.tradeoff(threat, num_rows))[evidence.back]


def radius(
    bounds: Bounds,
    smoothing: Smoothing,
    slots: Sequence[str] | None = None,
    max_radius: float | None = None,
    num_rows: int | None = None,
) -> Certificate:
    """Largest attack on the slots together that provably changes nothing.

    In L0 the attacker may spread the changes over the slots at will: the worst way counts. In L1 and L2 that
    is all of the change in the slot with the least noise. Where the rows carry noise, a radius counts rows
    that the attacker changes wholly; for rows that change within bounds, see :func:`poisoned_rows`.

    Parameters
    ----------
    bounds, smoothing
        As in :func:`certify`.
    slots : sequence of str, optional
        What the attacker may change; every noised slot when left out. Their noises must share one norm.
    max_radius : float, optional
        Where to stop searching, by default 65,536 changes (64 where different noises must be combined),
        no limit in L1 and L2. Noise that forgets the data (keep = 1 / values) certifies any number of changes,
        and reaches it.
    num_rows : int, optional
        Number of training rows, where the rows carry noise.

    Returns
    -------
    Certificate

    Examples
    --------
    >>> from rsbd.bounds import clopper_pearson
    >>> from rsbd.noises import Flip
    >>> votes = clopper_pearson([[1000, 0], [700, 300], [510, 490]], alpha=0.001)
    >>> radius(votes, Smoothing(features=Flip(0.8), test=Flip(0.8))).radius
    array([ 3,  0, -1])
    """
    chosen, norm, noises = spread.attacked(smoothing, slots)
    if norm == "rows":
        wholly = Smoothing(rows=smoothing.rows)
        return poisoned_rows(bounds, wholly, Threat(on_test=False), num_rows, max_radius)
    evidence = Evidence.of(bounds)
    found: Ints | Floats
    if norm == "L0":
        noises = spread.weakest(noises)
        limit: float = spread.limit(noises, max_radius)

        def certified(size: int, who: Ints) -> Bools:
            return evidence.some(who).certified_all(spread.laws(noises, size))

        found = spread.search(certified, len(evidence.miss), int(limit))
    else:
        limit = inf if max_radius is None else float(max_radius)
        length = spread.least(noises).reach(evidence.miss, evidence.runner_up)
        found = np.minimum(length, limit)
    reached = found[evidence.back]
    label = np.where(reached < 0, ABSTAIN, bounds.label)
    return Certificate(label, reached, bounds.alpha, norm, chosen, limit, bounds.points)


def poisoned_rows(
    bounds: Bounds,
    smoothing: Smoothing,
    threat: Threat,
    num_rows: int | None = None,
    max_radius: float | None = None,
) -> Certificate:
    """Largest number of poisoned rows that provably changes nothing.

    Parameters
    ----------
    bounds, smoothing, num_rows
        As in :func:`certify`.
    threat : Threat
        What the attacker does to each row and to the test input; its own number of rows is not used.
    max_radius : float, optional
        Where to stop searching, by default all the rows, or 65,536.

    Returns
    -------
    Certificate
        In the norm `"rows"`; -1 where not even the test input is safe.

    Examples
    --------
    >>> from rsbd.bounds import clopper_pearson
    >>> from rsbd.noises import Flip
    >>> votes = clopper_pearson([[1000, 0], [700, 300]], alpha=0.001)
    >>> noise = Smoothing(features=Flip(0.6), labels=Flip(0.7), test=Flip(0.8))
    >>> poisoned_rows(votes, noise, Threat(trigger=1)).radius
    array([ 4, -1])
    """
    evidence = Evidence.of(bounds)
    limit = spread.limit([], spread.FURTHEST if max_radius is None else max_radius)
    limit = limit if num_rows is None else min(limit, num_rows)

    def certified(rows: int, who: Ints) -> Bools:
        return evidence.some(who).certified(smoothing.tradeoff(replace(threat, rows=rows), num_rows))

    reached = spread.search(certified, len(evidence.miss), limit)[evidence.back]
    label = np.where(reached < 0, ABSTAIN, bounds.label)
    return Certificate(label, reached, bounds.alpha, "rows", ("rows",), limit, bounds.points)


def exact_radius(
    miss: Fraction,
    smoothing: Smoothing,
    slots: Sequence[str] | None = None,
    max_radius: int | None = None,
    runner_up: Fraction | None = None,
) -> int:
    """Largest number of changes that is certified, in exact rational arithmetic; -1 if none.

    Parameters
    ----------
    miss, runner_up : Fraction
        Upper bounds on `1 - P(top class)` and on the other classes, which is the miss when left out.
    smoothing, slots, max_radius
        As in :func:`radius`; L0 only.

    Examples
    --------
    >>> from rsbd.noises import Flip
    >>> exact_radius(Fraction(1, 1000), Smoothing(test=Flip("4/5")))
    5
    """
    _, norm, noises = spread.attacked(smoothing, slots)
    if norm != "L0":
        raise InputError(f"an exact radius counts changes, but the noise is measured in {norm}: use radius()")
    noises = spread.weakest(noises)

    def certified(size: int, who: Ints) -> Bools:
        holds = all(law.certifies(miss, runner_up) for law in spread.laws(noises, size))
        return np.full(len(who), holds)

    return int(spread.search(certified, 1, spread.limit(noises, max_radius))[0])


def certified_map(
    bounds: Bounds,
    y: npt.ArrayLike,
    smoothing: Smoothing,
    rows: Sequence[int],
    triggers: Sequence[float],
    relabel: bool = True,
    on_test: bool = True,
    num_rows: int | None = None,
) -> Floats:
    """Certified accuracy against each number of poisoned rows and each size of trigger.

    Returns
    -------
    array of float, shape (rows, triggers)
        Fraction of points that are correct and certified.
    """
    evidence = Evidence.of(bounds)
    correct = truth(y, bounds.label) == bounds.label
    weight = np.bincount(evidence.back[correct], minlength=len(evidence.miss)) / max(1, len(correct))
    threats = [[Threat(m, size, relabel, on_test) for size in triggers] for m in rows]
    return np.array(
        [
            [weight @ evidence.certified(smoothing.tradeoff(threat, num_rows)) for threat in row]
            for row in threats
        ],
        dtype=np.float64,
    ).reshape(len(rows), len(triggers))


class _Callable(ModuleType):
    """The module `rsbd.certify` and the function in it share a name: called, the module is the function."""

    def __call__(self, *args: Any, **kwargs: Any) -> Bools:
        return certify(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
