"""Certified confidence: lower bounds on the average score of the predicted class under attack.

The smoothed classifier's confidence at a point is the mean of a score under noise. For any thresholds `s_1 < s_2 < ...`
the mean is at least `low + sum (s_j - s_(j-1)) P(score >= s_j)`, where `s_0 = low` is the smallest possible score. An
attack changes each of these probabilities `p` to at least `lower(p)`, so one trade-off applies to every level of the
distribution, whatever is noised. The distribution itself is known up to a band, :func:`rsbd.bounds.dkw`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rsbd.bounds import dkw, over_points
from rsbd.certify.certificate import truth
from rsbd.certify.tables import Packed
from rsbd.errors import InputError, check_among
from rsbd.tradeoff import Tradeoff
from rsbd.types import UNIT, AnyFloats, Bools, Floats, Ints

_THRESHOLDS = 25_000  # the paper uses 10,000; more are tighter
_CELLS = 1 << 22  # scores in one block
# Smallest and largest score of each measure, and the mean above which no other class can have a larger one.
RANGE = {"score": (0.0, 1.0, 0.5), "margin": (-1.0, 1.0, 0.0)}


@dataclass(frozen=True, eq=False, repr=False)
class Confidence(Packed):
    """Lower bounds on the smoothed classifier's confidence.

    Parameters
    ----------
    label : ndarray
        The class whose confidence is bounded, shape (points,).
    lower : ndarray
        Lower bound on the average score of that class after each attack, shape (points, attacks).
    naive : ndarray
        The bound from the average alone, without the distribution, for comparison.
    measure : str
        ``"score"``: the confidence in the class, in [0, 1]. ``"margin"``: this confidence minus the largest one of the
        other classes, in [-1, 1].
    alpha : float
        Probability that a point's bounds fail, or that any point's bounds fail where ``points`` is ``"all"``.
    points : str
        Whether ``alpha`` holds for ``"each"`` point by itself or for ``"all"`` of them at once.
    """

    label: Ints
    lower: Floats
    naive: Floats
    measure: str
    alpha: float
    points: str = "each"

    @property
    def certified(self) -> Bools:
        """True where no other class can have a larger average confidence after the attack: bool (points, attacks)."""
        return self.lower > RANGE[self.measure][2]

    def curve(self, y: Ints) -> Floats:
        """Return the certified accuracy for each attack: the fraction of points that are correct and certified."""
        return np.asarray((self.certified & (truth(y, self.label) == self.label)[:, None]).mean(axis=0))


def measured(confidences: AnyFloats, label: Ints, measure: str = "score") -> AnyFloats:
    """Return the score of the labelled class in every draw.

    Parameters
    ----------
    confidences : ndarray
        Confidence in each class, shape (draws, points, classes).
    label : ndarray
        Shape (points,).
    measure : str
        See :class:`Confidence`.

    Returns
    -------
    ndarray
        Shape (points, draws).
    """
    check_among("measure", measure, RANGE)
    chosen = np.take_along_axis(confidences, label[None, :, None], axis=2)[..., 0].T
    if measure == "score":
        return chosen
    others = np.where(np.arange(confidences.shape[2]) == label[:, None], -np.inf, confidences).max(axis=2).T
    return np.asarray(chosen - others)


def confidence_bounds(
    selection: Iterable[AnyFloats],
    estimation: Iterable[AnyFloats],
    laws: Sequence[Tradeoff],
    alpha: float,
    measure: str = "score",
    points: str = "each",
) -> Confidence:
    """Bound the confidence in each point's class against each attack.

    Parameters
    ----------
    selection, estimation : iterable of ndarray
        Draws of the randomised classifier's confidence, each array (draws, points, classes): the first pick the class,
        the others bound its score.
    laws : sequence of Tradeoff
        Trade-off of each attack.
    alpha : float
        Failure probability, at most 1/2.
    measure, points
        See :class:`Confidence`.
    """
    if not laws:  # checked before the draws, which may be computed lazily
        raise InputError("there is no attack to certify against", "give one or more")
    # As published, the class with the largest average is selected.
    label = np.sum([chunk.sum(axis=0) for chunk in selection], axis=0).argmax(axis=1).astype(np.int64)
    scores = np.concatenate([measured(chunk, label, measure) for chunk in estimation], axis=1)
    low, high, _ = RANGE[measure]
    level = over_points(alpha, len(scores), points)
    lower, naive = expected(scores, laws, level, low), from_mean(scores, laws, level, low, high)
    return Confidence(label, lower, naive, measure, alpha, points)


def expected(
    scores: AnyFloats, laws: Sequence[Tradeoff], alpha: float, low: float = 0.0, thresholds: int = _THRESHOLDS
) -> Floats:
    """Return lower bounds on the mean score after each attack, from the distribution of the scores.

    Guarantee
    ---------
    For each point, with probability ``1 - alpha`` over the draws, the bounds of all attacks hold. Any thresholds are
    sound; here they are some of the scores, with their exact ranks. (The published code assumes that thresholds are
    equally many scores apart, which over-estimates if their number does not divide the number of scores.)

    Parameters
    ----------
    scores : ndarray
        Independent draws, shape (points, draws).
    laws : sequence of Tradeoff
        Trade-off of each attack.
    alpha : float
        Failure probability per point, at most 1/2.
    low : float
        The smallest possible score.
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
    size = max(1, _CELLS // max(1, len(rank)))
    parts = []
    for i in range(0, len(ordered), size):
        chosen = ordered[i : i + size, rank].astype(np.float64)
        parts.append(np.diff(chosen, axis=1, prepend=low) @ kept)
    # All terms are positive; each has a few roundings, and the sum has one for each term.
    return _down(low, np.concatenate(parts) * (1 - (len(rank) + 8) * UNIT))


def survival(draws: int, alpha: float, thresholds: int) -> tuple[Ints, Floats]:
    """Return the ranks of the scores that serve as thresholds, and lower bounds on the probability to reach them.

    A threshold of rank ``k`` has ``k`` scores before it, so at least a share ``(draws - k) / draws`` of the draws reach
    it (more where scores are equal), and the true probability is lower by at most the width of the band. Ranks with a
    bound of 0 or less are not returned.
    """
    rank = np.arange(0, draws, -(-draws // thresholds))
    reached = ((draws - rank) / draws) * (1 - 2 * UNIT) - dkw(draws, alpha) - UNIT
    return rank[reached > 0], reached[reached > 0]


def from_mean(scores: AnyFloats, laws: Sequence[Tradeoff], alpha: float, low: float = 0.0, high: float = 1.0) -> Floats:
    """Return lower bounds on the mean score after each attack, from the mean alone (Hoeffding's inequality).

    This is the baseline of the paper. It ignores the distribution, so it is never much better than :func:`expected` and
    mostly far worse. Parameters as there; ``high`` is the largest possible score.
    """
    share = (_checked(scores, low, high).astype(np.float64).mean(axis=1) - low) / (high - low)
    draws = scores.shape[1]
    known = np.maximum(share - dkw(draws, alpha) - (draws + 8) * UNIT, 0.0)
    kept = np.stack([law.lower(known) for law in laws], axis=1)
    return _down(low, (high - low) * kept * (1 - 2 * UNIT))


def _down(low: float, above: Floats) -> Floats:
    return np.maximum(np.nextafter(low + above, -np.inf), low)


def _checked(scores: AnyFloats, low: float, high: float) -> AnyFloats:
    array = np.asarray(scores)
    if array.ndim != 2 or not array.size:
        raise InputError(f"scores have shape {array.shape}", "give (points, draws), one draw or more")
    smallest, largest = array.min(), array.max()
    if not (low <= smallest and largest <= high):
        raise InputError(f"scores go from {smallest} to {largest}", f"rescale them to lie in [{low}, {high}]")
    return array
