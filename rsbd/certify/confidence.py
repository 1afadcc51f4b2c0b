"""Certified confidence: how far an attack can push down the average score of the predicted class.

The smoothed classifier's confidence at a point is the mean of a score under noise. For any thresholds `s_1 <
s_2 < ...` the mean is at least `low + sum (s_j - s_(j-1)) P(score >= s_j)`, with `s_0 = low`, the smallest score
there is. Under attack each probability is at least `lower` of what it was: one trade-off for every level of the
distribution, whatever is noised. The distribution itself is known up to a band, :func:`rsbd.bounds.dkw`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsbd.bounds import dkw, over_points
from rsbd.certify.pairs import truth
from rsbd.errors import InputError
from rsbd.tradeoff import Tradeoff
from rsbd.types import Floats, Ints

Scores = NDArray[np.floating]

UNIT = 2.0**-53
THRESHOLDS = 25_000  # the paper takes 10,000; more are tighter
CELLS = 1 << 22  # scores handled at once
# Smallest and largest score of each measure, and the mean above which no other class has a larger one.
RANGE = {"score": (0.0, 1.0, 0.5), "margin": (-1.0, 1.0, 0.0)}


@dataclass(frozen=True, eq=False)
class Confidence:
    """Lower bounds on the smoothed classifier's confidence.

    Parameters
    ----------
    label : ndarray
        The class whose confidence is bounded, shape (points,).
    lower : ndarray
        The average score of that class is at least this after any attack, shape (points, attacks).
    naive : ndarray
        The same from the average alone, without the distribution: for comparison.
    measure : str
        ``"score"``: the confidence in the class, in [0, 1]. ``"margin"``: that less the largest one of the others, in
        [-1, 1].
    alpha : float
        Probability that a point's bounds do not hold (that any's do not, where ``points`` is ``"all"``).
    points : str
        What ``alpha`` speaks of: ``"each"`` point by itself, or ``"all"`` of them at once.
    """

    label: Ints
    lower: Floats
    naive: Floats
    measure: str
    alpha: float
    points: str = "each"

    @property
    def certified(self) -> NDArray[np.bool_]:
        """Where no other class can have a larger average confidence after the attack: bool (points, attacks)."""
        return self.lower > RANGE[self.measure][2]

    def curve(self, y: Ints) -> Floats:
        """Certified accuracy for each attack: the fraction of points that are correct and certified."""
        return np.asarray((self.certified & (truth(y, self.label) == self.label)[:, None]).mean(axis=0))


def measured(confidences: Scores, label: Ints, measure: str = "score") -> Scores:
    """Score of the labelled class in every draw.

    Parameters
    ----------
    confidences : ndarray
        Each draw's confidence in each class, shape (draws, points, classes).
    label : ndarray
        Shape (points,).
    measure : str
        See :class:`Confidence`.

    Returns
    -------
    ndarray
        Shape (points, draws).
    """
    if measure not in RANGE:
        raise InputError(f"measure is {measure!r}", "choose 'score' or 'margin'")
    chosen = np.take_along_axis(confidences, label[None, :, None], axis=2)[..., 0].T
    if measure == "score":
        return chosen
    others = np.where(np.arange(confidences.shape[2]) == label[:, None], -np.inf, confidences).max(axis=2).T
    return np.asarray(chosen - others)


def certify(
    selection: Iterable[Scores],
    estimation: Iterable[Scores],
    laws: Sequence[Tradeoff],
    alpha: float,
    measure: str = "score",
    points: str = "each",
) -> Confidence:
    """Bound the confidence in each point's class against each attack.

    Parameters
    ----------
    selection, estimation : iterable of ndarray
        Draws of the randomised classifier's confidence, each array (draws, points, classes): some that pick the class,
        and others that bound its score.
    laws : sequence of Tradeoff
        What each attack does.
    alpha : float
        Failure probability, at most 1/2.
    measure, points
        See :class:`Confidence`.
    """
    if not laws:  # before the draws, which may be made as they are asked for
        raise InputError("there is no attack to certify against", "give one or more")
    # The published selection: the class with the largest average.
    label = np.sum([chunk.sum(axis=0) for chunk in selection], axis=0).argmax(axis=1).astype(np.int64)
    scores = np.concatenate([measured(chunk, label, measure) for chunk in estimation], axis=1)
    low, high, _ = RANGE[measure]
    level = over_points(alpha, len(scores), points)
    lower, naive = expected(scores, laws, level, low), from_mean(scores, laws, level, low, high)
    return Confidence(label, lower, naive, measure, alpha, points)


def expected(
    scores: Scores, laws: Sequence[Tradeoff], alpha: float, low: float = 0.0, thresholds: int = THRESHOLDS
) -> Floats:
    """Lower bounds on the mean score after each attack, from the distribution of the scores.

    Guarantee
    ---------
    With probability ``1 - alpha`` over the draws, for each point: all attacks' bounds hold. Any thresholds are sound;
    they are some of the scores, each one's rank counted exactly. (The published code takes thresholds to be equally
    many scores apart, which over-estimates where their number does not divide that of the scores.)

    Parameters
    ----------
    scores : ndarray
        Independent draws, shape (points, draws).
    laws : sequence of Tradeoff
        What each attack does.
    alpha : float
        Failure probability per point, at most 1/2.
    low : float
        The smallest score there is.
    thresholds : int
        At most this many scores are used as thresholds, evenly spread. More are tighter and slower.

    Returns
    -------
    ndarray
        Shape (points, laws).

    Examples
    --------
    >>> from rsbd.noises import Gaussian
    >>> draws = np.random.default_rng(0).beta(18, 2, (1, 10_000))
    >>> expected(draws, [Gaussian(0.5).shift(r) for r in (0, 0.25, 0.5)], alpha=0.001).round(3)
    array([[0.882, 0.819, 0.722]])

    References
    ----------
    Kumar, Levine, Feizi, Goldstein, "Certifying Confidence via Randomized Smoothing", 2020, theorem 2.
    """
    ordered = np.sort(_checked(scores, low, np.inf), axis=1)
    rank, reached = survival(ordered.shape[1], alpha, thresholds)
    kept = np.array([law.lower(reached) for law in laws]).reshape(len(laws), len(rank)).T
    size = max(1, CELLS // max(1, len(rank)))
    parts = []
    for i in range(0, len(ordered), size):
        chosen = ordered[i : i + size, rank].astype(np.float64)
        parts.append(np.diff(chosen, axis=1, prepend=low) @ kept)
    # All terms are positive; each has some roundings, and the sum one for each term.
    return _down(low, np.concatenate(parts) * (1 - (len(rank) + 8) * UNIT))


def survival(draws: int, alpha: float, thresholds: int) -> tuple[Ints, Floats]:
    """Ranks of the scores that serve as thresholds, and how probable it is at least to reach each of them.

    A threshold of rank ``k`` has ``k`` scores before it, so at least ``(draws - k) / draws`` of the draws reach it
    (more where scores are equal), and the true probability is at most the width of the band lower. Ranks where
    nothing is left are not returned.
    """
    rank = np.arange(0, draws, -(-draws // thresholds))
    reached = ((draws - rank) / draws) * (1 - 2 * UNIT) - dkw(draws, alpha) - UNIT
    return rank[reached > 0], reached[reached > 0]


def from_mean(scores: Scores, laws: Sequence[Tradeoff], alpha: float, low: float = 0.0, high: float = 1.0) -> Floats:
    """Lower bounds on the mean score after each attack, from the mean alone (Hoeffding's inequality).

    What is known of the distribution is thrown away, so this is never much better than :func:`expected` and mostly
    far worse: the baseline of the paper. Parameters as there; ``high`` is the largest score there is.
    """
    share = (_checked(scores, low, high).astype(np.float64).mean(axis=1) - low) / (high - low)
    draws = scores.shape[1]
    known = np.maximum(share - dkw(draws, alpha) - (draws + 8) * UNIT, 0.0)
    kept = np.stack([law.lower(known) for law in laws], axis=1)
    return _down(low, (high - low) * kept * (1 - 2 * UNIT))


def _down(low: float, above: Floats) -> Floats:
    return np.maximum(np.nextafter(low + above, -np.inf), low)


def _checked(scores: Scores, low: float, high: float) -> Scores:
    array = np.asarray(scores)
    if array.ndim != 2 or not array.size:
        raise InputError(f"scores have shape {array.shape}", "give (points, draws), one draw or more")
    smallest, largest = array.min(), array.max()
    if not (low <= smallest and largest <= high):
        raise InputError(f"scores go from {smallest} to {largest}", f"rescale them to lie in [{low}, {high}]")
    return array
