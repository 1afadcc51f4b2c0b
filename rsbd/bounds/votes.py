"""Bounds on class probabilities from counts of votes."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from rsbd.bounds import binomial
from rsbd.bounds.base import Bounds, check_alpha, over_points
from rsbd.errors import InputError
from rsbd.evasion import Evidence
from rsbd.types import ArrayLike, Floats, Ints

# (successes, trials, level) -> upper bound on the success probability
Upper = Callable[[Ints, Ints, float], Floats]
_TINY = 1e-6  # limits for which the fewest votes are known to six digits only
_LEAST = 1e-307  # smallest level that is known to all its digits


def clopper_pearson(
    counts: ArrayLike, alpha: float, selection: ArrayLike | None = None, runner_up: bool = False, points: str = "each"
) -> Bounds:
    """Return exact binomial bounds.

    Guarantee: valid if the number of votes is fixed in advance. If you inspect the bounds while votes arrive, use
    :func:`anytime`.

    Parameters
    ----------
    counts : array of int, shape (points, classes)
        Votes.
    alpha : float
        Failure probability, in (0, 1).
    selection : array of int, shape (points, classes), optional
        Separate votes that pick the top class, as Cohen et al. do; the whole of `alpha` then bounds that
        class. Without them the level is shared over the classes, as in :func:`simultaneous`.
    runner_up : bool
        Bound the other classes by their own votes too. This spends more of `alpha`, and pays off when the other votes
        are spread over many classes. Otherwise `runner_up` is the miss.
    points : str
        Whether `alpha` holds for `"each"` point by itself or for `"all"` of them at once: see :func:`over_points`.

    Examples
    --------
    >>> clopper_pearson([[1000, 0], [700, 300]], alpha=0.001).miss.round(4)
    array([0.0076, 0.3496])

    References
    ----------
    Clopper and Pearson (1934); Cohen, Rosenfeld and Kolter (2019), section 3.2.2.
    """
    return _bounds(counts, alpha, selection, runner_up, binomial.clopper_pearson_upper, points)


def simultaneous(counts: ArrayLike, alpha: float, runner_up: bool = False, points: str = "each") -> Bounds:
    """Return Clopper-Pearson bounds for all classes at once, so that the same votes may pick the top class.

    The level is `alpha / classes`, or `alpha / (2 classes)` where the other classes get upper bounds as well, which
    makes two bounds for each class. The published `alpha / classes` for both can fail with up to twice `alpha`.

    Parameters
    ----------
    counts, alpha, runner_up, points
        As in :func:`clopper_pearson`.

    References
    ----------
    Jia et al. (2020); used by Wang et al. (2020).
    """
    return clopper_pearson(counts, alpha, runner_up=runner_up, points=points)


def hoeffding(
    counts: ArrayLike, alpha: float, selection: ArrayLike | None = None, runner_up: bool = False, points: str = "each"
) -> Bounds:
    """Return bounds from Hoeffding's inequality: `sqrt(ln(1 / level) / (2 votes))` to either side.

    They are wider than those of :func:`clopper_pearson` and share the level in the same way; for comparison with RAB,
    which uses them.

    Parameters
    ----------
    counts, alpha, selection, runner_up, points
        As in :func:`clopper_pearson`.

    References
    ----------
    Hoeffding (1963), theorem 1; Weber et al., "RAB" (2023).
    """
    return _bounds(counts, alpha, selection, runner_up, binomial.hoeffding_upper, points)


def anytime(
    counts: ArrayLike, alpha: float, selection: ArrayLike | None = None, runner_up: bool = False, points: str = "each"
) -> Bounds:
    """Return bounds that hold at every number of votes at once.

    Guarantee: with probability `1 - alpha` the bounds hold after 1, 2, 3, ... votes, so you may watch a plot while
    votes arrive and stop when it looks good.

    For a class with `k` of `n` votes, the set `{p : B(k + a, n - k + a) / B(a, a) < p^k (1 - p)^(n - k) / level}`, with
    `a = 1/2`, bounds its probability from both sides at once, so upper bounds for the other classes cost nothing more.
    Of two classes, either one determines the other, and the level is not shared.

    Parameters
    ----------
    counts, alpha, selection, runner_up, points
        As in :func:`clopper_pearson`.

    Examples
    --------
    >>> anytime([[1000, 0], [700, 300]], alpha=0.001).miss.round(4)
    array([0.0109, 0.3692])

    References
    ----------
    Ville (1939); Robbins (1970), the mixture with a beta prior.
    """
    return _bounds(counts, alpha, selection, runner_up, binomial.anytime_upper, points)


def kept_votes(
    evidence: Evidence, alpha: float, runner_up: bool = False, points: str = "each", watched: bool = False
) -> Bounds:
    """Return bounds for a certificate against a trigger on the test input, from the votes that it cannot move.

    Guarantee: for each point, with probability `1 - alpha`, `miss` bounds the probability that a model does not keep
    the label whatever the trigger is, and `runner_up` that of being brought to any one other class; both for the worst
    window, where votes are counted by window.

    The level is shared over the classes that could have been the label. It is not shared over windows, nor over the
    other classes: for a label, some window has the largest true miss, and once its bound holds, so does the largest of
    all bounds. Likewise one pair of window and class is the most probable to be reached, and another one if the class
    of the first is the label. So there are `classes` bounds, and two more with `runner_up`.

    Parameters
    ----------
    evidence : Evidence
        From :meth:`rsbd.Votes.against`.
    alpha : float
        Failure probability, in (0, 1).
    runner_up : bool
        Bound the other classes by the votes that can be moved to them. Otherwise, and with two classes, `runner_up` is
        the miss: a vote that reaches another class is not kept.
    points : str
        As in :func:`clopper_pearson`.
    watched : bool
        Return bounds that hold at every number of votes at once, as :func:`anytime` does. Otherwise the number of votes
        must be fixed in advance.

    Examples
    --------
    >>> from rsbd.evasion import AnyPatch
    >>> counts = np.array([[1000, 0], [700, 300]])
    >>> evidence = Evidence(AnyPatch(3), counts, counts[None] - [[[50, 0], [50, 50]]], counts[None] + 50)
    >>> kept_votes(evidence, alpha=0.001).miss.round(4)
    array([0.0767, 0.4011])
    """
    votes = _votes(evidence.counts, "counts")
    level = over_points(alpha, len(votes), points)
    others = runner_up and votes.shape[1] > 2
    level /= votes.shape[1] + 2 * others
    upper = binomial.anytime_upper if watched else binomial.clopper_pearson_upper
    # The bound grows with the votes, so the largest of several is the one of the most votes.
    counted = votes.argmax(axis=1), votes.sum(axis=1), evidence.kept.min(axis=0), evidence.reached.max(axis=0)
    return Bounds(*_limits(*counted, upper, level, others), float(alpha), points, evidence.trigger)


def fewest_votes(limit: float | Fraction, alpha: float, shares: int = 2) -> float:
    """Return the smallest number of votes, all alike, whose miss is below `limit`; infinite if no number is enough.

    Guarantee: with fewer votes no vote at all has a miss below `limit`, since any vote for another label raises it.
    Below a limit of 1e-6 the number is a lower bound, near to one part in a million.

    Parameters
    ----------
    limit : float or Fraction
        The miss at which certificates stop: :meth:`rsbd.tradeoff.Tradeoff.threshold`.
    alpha : float
        Failure probability, in (0, 1).
    shares : int
        Bounds that share `alpha`: as many as there are classes in :func:`simultaneous`.

    Examples
    --------
    >>> fewest_votes(1 / 128, alpha=0.001), fewest_votes(0, alpha=0.001)
    (970, inf)
    """
    check_alpha(alpha)
    if not limit > 0:
        return math.inf
    level = alpha / shares
    if limit < _TINY:  # of order 1 / limit, in integers: the logarithm of 1 - limit would be 0
        return math.floor(Fraction(-math.log(level)) / Fraction(limit) * (1 - Fraction(_TINY)))
    number = max(1, math.floor(math.log(level) / math.log1p(-min(float(limit), 0.5)) * (1 - 1e-6)))
    none = np.zeros(1, dtype=np.int64)
    while not binomial.clopper_pearson_upper(none, np.array([number]), level)[0] < limit:
        number += 1
    return number


def _bounds(
    counts: ArrayLike, alpha: float, selection: ArrayLike | None, runner_up: bool, upper: Upper, points: str
) -> Bounds:
    votes = _votes(counts, "counts")
    level = over_points(alpha, len(votes), points)
    chosen = votes if selection is None else _votes(selection, "selection")
    if chosen.shape != votes.shape:
        raise InputError(f"selection has shape {chosen.shape}, but counts has {votes.shape}", "they must agree")
    # With two classes, a bound on one bounds the other.
    classes = votes.shape[1]
    others = runner_up and classes > 2
    if selection is not None:
        shares = classes if others else 1
    elif upper is binomial.anytime_upper:  # it bounds a probability from both sides
        shares = classes if classes > 2 else 1
    else:
        shares = 2 * classes if others else classes
    counted = chosen.argmax(axis=1), votes.sum(axis=1), votes, votes
    return Bounds(*_limits(*counted, upper, level / shares, others), float(alpha), points)


def _limits(
    label: Ints, total: Ints, kept: Ints, reached: Ints, upper: Upper, level: float, others: bool
) -> tuple[Ints, Floats, Floats]:
    """Return label, miss and runner-up from the votes that stay with each class and those that can come to it."""
    rows = np.arange(len(label))
    miss = _once(upper, total - kept[rows, label], total, level)
    if not others:
        return label, miss, miss
    # The bound grows with the votes, so the largest of the others is the one of the most voted class.
    rest = reached.copy()
    rest[rows, label] = -1
    return label, miss, np.minimum(miss, _once(upper, rest.max(axis=1), total, level))


def _votes(counts: ArrayLike, name: str) -> Ints:
    array = np.asarray(counts)
    if array.ndim != 2 or array.shape[1] < 2:
        raise InputError(f"{name} has shape {array.shape}", "give votes as (points, classes), two classes or more")
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"{name} holds {array.dtype} numbers", "votes are counted, so give integers")
    if array.size and array.min() < 0:
        raise InputError(f"{name} holds {array.min()}", "votes are counted, so give integers from 0")
    return array.astype(np.int64)


def _once(upper: Upper, k: Ints, n: Ints, level: float) -> Floats:
    """Bound each distinct pair of counts once: a million points share about a thousand pairs."""
    if level < _LEAST:
        return np.ones(len(k))
    base = int(n.max(initial=0)) + 1
    code = n * base + k
    pairs, back = np.unique(code, return_inverse=True)
    return upper(pairs % base, pairs // base, level)[back]
