"""Radii: the largest attack, spread over the slots at will, that provably changes no prediction."""

from collections.abc import Sequence
from math import inf

import numpy as np

from rsbd.bounds import Bounds
from rsbd.certify import allocation
from rsbd.certify.certificate import ABSTAIN, Certificate
from rsbd.certify.pairs import DistinctPairs
from rsbd.certify.threats import poisoned_rows
from rsbd.errors import InputError
from rsbd.noises import Smoothing, Threat
from rsbd.types import Bools, Floats, Ints


def radius(
    bounds: Bounds,
    smoothing: Smoothing,
    slots: Sequence[str] | None = None,
    max_radius: float | None = None,
    num_rows: int | None = None,
) -> Certificate:
    """Return the size of the largest attack on all slots together that provably changes no prediction.

    In L0 the attacker may spread the changes over the slots at will; the radius holds for every such allocation. In L1
    and L2 the worst case is the whole change in the slot with the least noise. Where the rows carry noise, a radius
    counts rows that the attacker replaces; for rows that change within limits, see :func:`poisoned_rows`. If the bounds
    are about votes that a trigger cannot move, the attacker puts this trigger on the test input besides.

    Parameters
    ----------
    bounds, smoothing
        As in :func:`certify`.
    slots : sequence of str, optional
        Slots that the attacker may change, by default every noised slot. Their noises must share one norm.
    max_radius : float, optional
        Where the search stops: by default at 65,536 changes (64 where different noises must be combined), and without
        limit in L1 and L2. Noise that hides the data completely (keep = 1 / values) certifies any number of changes, so
        the search ends there.
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
    chosen, norm, noises = allocation.changed_slots(smoothing, slots)
    if norm == "rows":
        wholly = Smoothing(rows=smoothing.rows, test=smoothing.test)
        threat = Threat(on_test=False) if bounds.trigger is None else Threat(trigger=bounds.trigger)
        return poisoned_rows(bounds, wholly, threat, num_rows, max_radius)
    if bounds.trigger is not None:
        smoothing.tradeoff(Threat(trigger=bounds.trigger), num_rows, bounds.trigger)  # raises for test noise
    pairs = DistinctPairs.of(bounds)
    found: Ints | Floats
    if norm == "L0":
        noises = allocation.weakest_noises(noises)
        limit: float = allocation.search_limit(noises, max_radius)

        def certified(size: int, who: Ints) -> Bools:
            return pairs.some(who).certified_all(allocation.all_spreads(noises, size))

        found = allocation.largest_certified(certified, len(pairs.miss), int(limit))
    else:
        limit = inf if max_radius is None else float(max_radius)
        if not limit >= 0:
            raise InputError(f"max_radius is {max_radius!r}", "give a length from 0")
        length = allocation.weakest_noise(noises).reach(pairs.miss, pairs.runner_up)
        found = np.minimum(length, limit)
    reached = found[pairs.back]
    label = np.where(reached < 0, ABSTAIN, bounds.label)
    return Certificate(label, reached, bounds.alpha, norm, chosen, limit, bounds.points, bounds.trigger)
