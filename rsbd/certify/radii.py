"""Radii: the largest change, spread over the slots at will, that provably changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import inf

import numpy as np

from rsbd.bounds import Bounds, simultaneous
from rsbd.certify import allocation
from rsbd.certify.certificate import ABSTAIN, Certificate
from rsbd.certify.pairs import Evidence
from rsbd.certify.threats import poisoned_rows
from rsbd.errors import InputError
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.types import Bools, Floats, Ints


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
    chosen, norm, noises = allocation.attacked(smoothing, slots)
    if norm == "rows":
        wholly = Smoothing(rows=smoothing.rows)
        return poisoned_rows(bounds, wholly, Threat(on_test=False), num_rows, max_radius)
    evidence = Evidence.of(bounds)
    found: Ints | Floats
    if norm == "L0":
        noises = allocation.weakest(noises)
        limit: float = allocation.limit(noises, max_radius)

        def certified(size: int, who: Ints) -> Bools:
            return evidence.some(who).certified_all(allocation.laws(noises, size))

        found = allocation.search(certified, len(evidence.miss), int(limit))
    else:
        limit = inf if max_radius is None else float(max_radius)
        if not limit >= 0:
            raise InputError(f"max_radius is {max_radius!r}", "give a length from 0")
        length = allocation.least(noises).reach(evidence.miss, evidence.runner_up)
        found = np.minimum(length, limit)
    reached = found[evidence.back]
    label = np.where(reached < 0, ABSTAIN, bounds.label)
    return Certificate(label, reached, bounds.alpha, norm, chosen, limit, bounds.points)


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
    _, norm, noises = allocation.attacked(smoothing, slots)
    if norm != "L0":
        raise InputError(f"an exact radius counts changes, but the noise is measured in {norm}", "use radius()")
    noises = allocation.weakest(noises)

    def certified(size: int, who: Ints) -> Bools:
        holds = all(law.certifies(miss, runner_up) for law in allocation.laws(noises, size))
        return np.full(len(who), holds)

    return int(allocation.search(certified, 1, allocation.limit(noises, max_radius))[0])


def radii_by_votes(
    num_models: int,
    smoothing: Smoothing,
    alpha: float,
    num_classes: int = 2,
    slots: Sequence[str] | None = None,
    max_radius: float | None = None,
    num_rows: int | None = None,
) -> Ints | Floats:
    """Write out the radius for every number of votes: a million points are then one look into a table.

    An ensemble gives a point one of ``num_models + 1`` numbers of votes, and the radius depends on nothing else.

    Guarantee
    ---------
    Equal to :func:`radius` of :func:`rsbd.bounds.simultaneous`.

    Parameters
    ----------
    num_models : int
        Votes for each point.
    smoothing, slots, max_radius, num_rows
        As in :func:`radius`.
    alpha : float
        Failure probability for each point; for all at once see :func:`rsbd.bounds.over_points`.
    num_classes : int
        Number of classes.

    Returns
    -------
    array, shape (num_models + 1,)
        By the votes for the top class; of two classes, by the votes for either. -1 where nothing is certified.

    Examples
    --------
    >>> from rsbd.noises import Flip
    >>> radii = radii_by_votes(1000, Smoothing(test=Flip(0.8)), alpha=0.001)
    >>> votes = np.array([[1000, 0], [700, 300], [40, 960]])
    >>> radii[votes[:, 1]]
    array([3, 0, 1])
    """
    top = np.arange(num_models + 1)
    counts = np.zeros((len(top), num_classes), np.int64)
    counts[:, 0], counts[:, 1] = top, num_models - top
    found = radius(simultaneous(counts, alpha), smoothing, slots, max_radius, num_rows).radius
    # Of three classes or more, a class without the majority has no radius, whichever other one has the votes.
    return found if num_classes == 2 else np.where(2 * top > num_models, found, -1)
