"""Certificates against threats, which attackers describe, and radii, over which an attack may be spread at will."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf

import numpy as np

from rsbd.bounds import Bounds
from rsbd.certify import allocation
from rsbd.certify.certificate import ABSTAIN, Certificate, DistinctPairs, truth
from rsbd.errors import InputError, check_kind
from rsbd.evasion import AnyTrigger
from rsbd.noises import Smoothing, Threat
from rsbd.types import ArrayLike, Bools, Floats, Ints


def certify(bounds: Bounds, smoothing: Smoothing, threat: Threat, num_rows: int | None = None) -> Bools:
    """Return True for each prediction that no attack within the threat can change.

    Guarantee: for each point, with probability at least `1 - bounds.alpha` over the votes, an answer True is correct.

    Parameters
    ----------
    bounds : Bounds
        Bounds for each point.
    smoothing : Smoothing
        The noise that the votes were cast under.
    threat : Threat
        What the attacker may change.
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
    check_kind("smoothing", smoothing, Smoothing)
    pairs = DistinctPairs.of(bounds)
    return pairs.certified(smoothing.tradeoff(threat, num_rows, bounds.trigger))[pairs.back]


def poisoned_rows(
    bounds: Bounds, smoothing: Smoothing, threat: Threat, num_rows: int | None = None, max_radius: float | None = None
) -> Certificate:
    """Return the largest number of poisoned rows that provably changes no prediction.

    Parameters
    ----------
    bounds, smoothing, num_rows
        As in :func:`certify`.
    threat : Threat
        Changes of each row and of the test input; its own number of rows is not used.
    max_radius : float, optional
        Where the search stops, by default at all rows, or at 65,536.

    Returns
    -------
    Certificate
        In the norm `"rows"`; -1 where the trigger on the test input alone is not certified.

    Examples
    --------
    >>> from rsbd.bounds import clopper_pearson
    >>> from rsbd.noises import Flip
    >>> votes = clopper_pearson([[1000, 0], [700, 300]], alpha=0.001)
    >>> noise = Smoothing(features=Flip(0.6), labels=Flip(0.7), test=Flip(0.8))
    >>> poisoned_rows(votes, noise, Threat(trigger=1)).radius
    array([ 4, -1])
    """
    pairs = DistinctPairs.of(bounds)
    check_kind("smoothing", smoothing, Smoothing)
    check_kind("threat", threat, Threat)
    limit = allocation.search_limit([], allocation.FURTHEST if max_radius is None else max_radius)
    limit = limit if num_rows is None else min(limit, num_rows)

    def certified(rows: int, who: Ints) -> Bools:
        law = smoothing.tradeoff(replace(threat, rows=rows), num_rows, bounds.trigger)
        return pairs.some(who).certified(law)

    reached = allocation.largest_certified(certified, len(pairs.miss), limit)[pairs.back]
    label = np.where(reached < 0, ABSTAIN, bounds.label)
    return Certificate(label, reached, bounds.alpha, "rows", ("rows",), limit, bounds.points, threat.any_trigger)


def certified_map(
    bounds: Bounds | Sequence[Bounds],
    y: ArrayLike,
    smoothing: Smoothing,
    rows: Sequence[int],
    triggers: Sequence[float | AnyTrigger],
    relabel: bool = True,
    on_test: bool = True,
    num_rows: int | None = None,
) -> Floats:
    """Return the certified accuracy against each number of poisoned rows and each trigger.

    Parameters
    ----------
    bounds : Bounds or sequence of Bounds
        Bounds for all triggers, or for each of them: those of `AnyPatch(3)` are about votes that it cannot move.
    y : array of int, shape (points,)
        True labels.
    smoothing, num_rows
        As in :func:`certify`.
    rows : sequence of int
        Numbers of poisoned rows.
    triggers : sequence of float or AnyTrigger
        Sizes, or triggers with any content on the test input.
    relabel, on_test
        As in :class:`Threat`.

    Returns
    -------
    array of float, shape (rows, triggers)
        Fraction of points that are correct and certified.
    """
    each = [bounds] * len(triggers) if isinstance(bounds, Bounds) else list(bounds)
    if len(each) != len(triggers):
        raise InputError(f"there are bounds for {len(each)} triggers of {len(triggers)}", "give one for each, or one")
    threats = [[Threat(m, size, relabel, on_test) for size in triggers] for m in rows]
    # The smallest threats that change all that the others change: they raise where one of them has no noise to face.
    sizes = [size for size in triggers if not isinstance(size, AnyTrigger)]
    smallest: list[tuple[float | AnyTrigger, AnyTrigger | None]] = [(min(1, max(sizes)), None)] if sizes else []
    smallest += [(s, known.trigger) for s, known in zip(triggers, each, strict=True) if isinstance(s, AnyTrigger)]
    for size, covered in smallest:
        smoothing.tradeoff(Threat(min(1, max(rows, default=0)), size, relabel, on_test), num_rows, covered)
    found = {id(known): (DistinctPairs.of(known), truth(y, known.label) == known.label) for known in each}
    table: Floats = np.zeros((len(rows), len(triggers)))
    beaten: list[tuple[int, int]] = []
    for (i, j), _ in np.ndenumerate(table):
        # Where nothing is certified against a smaller attack, nothing is against one that includes it.
        less = (n for m, n in beaten if rows[m] <= rows[i] and each[n] is each[j])
        if not any(is_within(triggers[n], triggers[j]) for n in less):
            pairs, correct = found[id(each[j])]
            holds = pairs.certified(smoothing.tradeoff(threats[i][j], num_rows, each[j].trigger))
            table[i, j] = np.count_nonzero(holds[pairs.back] & correct) / max(1, len(correct))
            if not table[i, j]:
                beaten.append((i, j))
    return table


def is_within(small: float | AnyTrigger, large: float | AnyTrigger) -> bool:
    """Return True if every change by the small trigger is one that the large trigger allows as well."""
    if isinstance(large, AnyTrigger):
        return large.covers(small) if isinstance(small, AnyTrigger) else not small
    return not isinstance(small, AnyTrigger) and bool(small <= large)


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
    check_kind("bounds", bounds, Bounds)
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
