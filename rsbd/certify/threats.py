"""Threats: what an attacker with so many rows, such a trigger and so on provably cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rsbd.bounds import Bounds
from rsbd.certify import allocation
from rsbd.certify.certificate import ABSTAIN, Certificate
from rsbd.certify.pairs import Evidence, truth
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.types import Bools, Floats, Ints


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
    limit = allocation.limit([], allocation.FURTHEST if max_radius is None else max_radius)
    limit = limit if num_rows is None else min(limit, num_rows)

    def certified(rows: int, who: Ints) -> Bools:
        return evidence.some(who).certified(smoothing.tradeoff(replace(threat, rows=rows), num_rows))

    reached = allocation.search(certified, len(evidence.miss), limit)[evidence.back]
    label = np.where(reached < 0, ABSTAIN, bounds.label)
    return Certificate(label, reached, bounds.alpha, "rows", ("rows",), limit, bounds.points)


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
    # The smallest threat that changes all that the others change: it raises where one of them has no noise to face.
    least = Threat(min(1, max(rows, default=0)), min(1, max(triggers, default=0)), relabel, on_test)
    smoothing.tradeoff(least, num_rows)
    table: Floats = np.zeros((len(rows), len(triggers)))
    beaten: list[tuple[int, float]] = []
    for (i, j), _ in np.ndenumerate(table):
        # Where nothing is certified against a smaller attack, nothing is against one that includes it.
        if not any(m <= rows[i] and size <= triggers[j] for m, size in beaten):
            table[i, j] = weight @ evidence.certified(smoothing.tradeoff(threats[i][j], num_rows))
            if not table[i, j]:
                beaten.append((rows[i], triggers[j]))
    return table
