"""Certificates: from bounds and noise to what an attacker provably cannot do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from rsbd import spread
from rsbd.bounds import Bounds
from rsbd.errors import InputError
from rsbd.noises.base import Noise
from rsbd.smoothing import Smoothing, Threat
from rsbd.tradeoff import Tradeoff, shift
from rsbd.tradeoff.bulk import UNIT

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
        not certain at all. Integers in L0, floats in L2. A radius equal to `max_radius` means "at least".
    alpha : float
        Probability that a point's certificate is wrong (that any is, where `points` is `"all"`).
    norm : str
        `"L0"` (number of changed coordinates) or `"L2"` (length of the change).
    slots : tuple of str
        What the attacker changes, among `features`, `labels`, `test`.
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
        correct = _truth(y, self.label) == self.label
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
    evidence = _Evidence.of(bounds)
    return evidence.certified(smoothing.tradeoff(threat, num_rows))[evidence.back]


def radius(
    bounds: Bounds,
    smoothing: Smoothing,
    slots: Sequence[str] | None = None,
    max_radius: float | None = None,
) -> Certificate:
    """Largest attack on the slots together that provably changes nothing.

    In L0 the attacker may spread the changes over the slots at will: the worst way counts. In L2 that is
    all of the change in the slot with the smallest sigma.

    Parameters
    ----------
    bounds, smoothing
        As in :func:`certify`.
    slots : sequence of str, optional
        What the attacker may change; every noised slot when left out. Their noises must share one norm.
    max_radius : float, optional
        Where to stop searching, by default 65,536 changes (64 where different noises must be combined),
        no limit in L2. Noise that forgets the data (keep = 1 / values) certifies any number of changes,
        and reaches it.

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
    evidence = _Evidence.of(bounds)
    found: Ints | Floats
    if norm == "L2":
        limit: float = inf if max_radius is None else float(max_radius)
        found = np.minimum(_length(evidence, noises), limit)
    else:
        noises = spread.weakest(noises)
        limit = spread.limit(noises, max_radius)

        def certified(size: int, who: Ints) -> Bools:
            return evidence.some(who).certified_all(spread.laws(noises, size))

        found = spread.search(certified, len(evidence.miss), limit)
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
    evidence = _Evidence.of(bounds)
    correct = _truth(y, bounds.label) == bounds.label
    weight = np.bincount(evidence.back[correct], minlength=len(evidence.miss)) / max(1, len(correct))
    threats = [[Threat(m, size, relabel, on_test) for size in triggers] for m in rows]
    return np.array(
        [
            [weight @ evidence.certified(smoothing.tradeoff(threat, num_rows)) for threat in row]
            for row in threats
        ],
        dtype=np.float64,
    ).reshape(len(rows), len(triggers))


@dataclass(frozen=True, eq=False)
class _Evidence:
    """The different (miss, runner-up) pairs of a batch: a million points share a thousand of them."""

    miss: Floats
    runner_up: Floats
    back: Ints  # of each point, its pair
    tied: bool  # whether the runner-up is the miss everywhere

    @classmethod
    def of(cls, bounds: Bounds) -> _Evidence:
        tied = bounds.runner_up is bounds.miss or np.array_equal(bounds.runner_up, bounds.miss)
        key = bounds.miss if tied else bounds.miss + 1j * bounds.runner_up
        pairs, back = np.unique(key, return_inverse=True)
        return cls(pairs.real, pairs.real if tied else pairs.imag, back.reshape(-1), tied)

    def some(self, who: Ints) -> _Evidence:
        return replace(self, miss=self.miss[who], runner_up=self.runner_up[who])

    def certified(self, law: Tradeoff) -> Bools:
        # What one part of the attack defeats alone, all of it defeats: the product of thousands of changes with
        # hundreds, which would fill the memory, is never formed to say no.
        factors = law.factors()
        if len(factors) > 1 and not all(self.certified(factor).any() for factor in factors):
            return np.zeros(len(self.miss), dtype=bool)
        if self.tied:
            return self.miss < law.fast_threshold()
        return law.certifies(self.miss, self.runner_up)

    def certified_all(self, laws: Iterator[Tradeoff]) -> Bools:
        holds = np.ones(len(self.miss), dtype=bool)
        for law in laws:
            holds &= self.certified(law)
            if not holds.any():
                break
        return holds


def _truth(y: npt.ArrayLike, label: Ints) -> npt.NDArray[np.int64]:
    truth = np.asarray(y)
    if truth.shape != label.shape:
        raise InputError(f"y has shape {truth.shape}, but there are {len(label)} points: give one label each")
    return truth


def _length(evidence: _Evidence, noises: list[Noise]) -> Floats:
    """L2 radius `(Phi^-1(1 - miss) - Phi^-1(runner_up)) sigma / 2`, rounded down; -1 where negative."""
    scale = max(noise.shift(1.0).mu for noise in noises)  # 1 / the smallest sigma
    miss, second = evidence.miss, evidence.runner_up
    # A normal variable cannot be told from certainty beyond some 38 sigma.
    found = np.clip(-(ndtri(miss) + ndtri(second)) / 2, 0.0, 38.0)
    step = 1e-15
    while step < 1:
        # Rounded up as the noise and the threshold may be, the certificate must still hold at this radius.
        mu = found * (1 + 8 * UNIT)
        holds = (shift.upper(miss, mu) + shift.upper(second, mu) < 1) & (
            (miss < shift.threshold(mu)) | (not evidence.tied)
        )
        if holds.all():
            break
        found, step = np.where(holds, found, np.maximum(found - step * (1 + found), 0.0)), 2 * step
    found = np.where(miss > 0, np.where(holds, found, 0.0) / scale, inf)
    return np.where(miss + second < 1, found, -1.0)
