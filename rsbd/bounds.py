"""Bounds on class probabilities from the votes of an ensemble.

Each function takes vote counts and returns :class:`Bounds`, which hold for every point with probability at
least `1 - alpha` (for one point; over many points `alpha` is the expected share of points with a bound that
does not hold). The top class is read from votes too, so either it comes from separate `selection` votes, or
the level is shared over the classes that it could have been. All values are rounded outward.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincc, betainccinv, betaln

from rsbd.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# (successes, trials, level) -> upper bound on the success probability
Upper = Callable[[Ints, Ints, float], Floats]


@dataclass(frozen=True, eq=False)
class Bounds:
    """Evidence for a batch of points.

    Attributes
    ----------
    label : array of int, shape (points,)
        Top class; ties go to the lowest label.
    miss : array of float, shape (points,)
        Upper bound on `1 - P(top class)`. Stored instead of `p_a = 1 - miss`: near 1 a float loses the
        difference.
    runner_up : array of float, shape (points,)
        Upper bound on the probability of every other class; at most `miss`.
    alpha : float
        Probability that a point's bounds do not hold.
    """

    label: Ints
    miss: Floats
    runner_up: Floats
    alpha: float


def clopper_pearson(
    counts: npt.ArrayLike,
    alpha: float,
    selection: npt.ArrayLike | None = None,
    runner_up: bool = False,
) -> Bounds:
    """Exact binomial bounds.

    Guarantee: valid for a number of votes fixed in advance. Do not look, vote more and look again: see
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
        Bound the other classes by their own votes too, which needs more of `alpha` and pays when the
        other votes are spread over many classes. Otherwise `runner_up` is the miss.

    Examples
    --------
    >>> clopper_pearson([[1000, 0], [700, 300]], alpha=0.001).miss.round(4)
    array([0.0076, 0.3496])

    References
    ----------
    Clopper and Pearson (1934); Cohen, Rosenfeld and Kolter (2019), section 3.2.2.
    """
    return _bounds(counts, alpha, selection, runner_up, _clopper_pearson)


def simultaneous(counts: npt.ArrayLike, alpha: float, runner_up: bool = False) -> Bounds:
    """Clopper-Pearson bounds for all classes at once, so that the same votes may pick the top class.

    The level is `alpha / classes`, or `alpha / (2 classes)` where upper bounds of the other classes are
    used as well: that is two bounds for each class. The published `alpha / classes` for both can miss up
    to twice `alpha`.

    Parameters
    ----------
    counts, alpha, runner_up
        As in :func:`clopper_pearson`.

    References
    ----------
    Jia et al. (2020), after which Wang et al. (2020), section 4.3.
    """
    return clopper_pearson(counts, alpha, runner_up=runner_up)


def hoeffding(
    counts: npt.ArrayLike,
    alpha: float,
    selection: npt.ArrayLike | None = None,
    runner_up: bool = False,
) -> Bounds:
    """Bounds from Hoeffding's inequality: `sqrt(ln(1 / level) / (2 votes))` to either side.

    Wider than :func:`clopper_pearson`, with the same sharing of the level; for comparison with RAB, which
    uses it.

    Parameters
    ----------
    counts, alpha, selection, runner_up
        As in :func:`clopper_pearson`.

    References
    ----------
    Hoeffding (1963), theorem 1; Weber et al., "RAB" (2020).
    """
    return _bounds(counts, alpha, selection, runner_up, _hoeffding)


def anytime(
    counts: npt.ArrayLike,
    alpha: float,
    selection: npt.ArrayLike | None = None,
    runner_up: bool = False,
    prior: float = 0.5,
) -> Bounds:
    """Bounds that hold at every number of votes at once.

    Guarantee: with probability `1 - alpha` the bounds hold after 1, 2, 3, ... votes, so a plot may be watched
    while votes arrive and stopped when it looks good.

    For each class, `{p : B(k + a, n - k + a) / B(a, a) < p^k (1 - p)^(n - k) / level}` with `k` of `n`
    votes bounds the class from both sides at once, so upper bounds for the others cost nothing more; of
    two classes, either one says all, and the level is not shared.

    Parameters
    ----------
    counts, alpha, selection, runner_up
        As in :func:`clopper_pearson`.
    prior : float
        The `a` above; it shapes where the bounds are tight, never whether they hold.

    Examples
    --------
    >>> anytime([[1000, 0], [700, 300]], alpha=0.001).miss.round(4)
    array([0.0109, 0.3692])

    References
    ----------
    Ville (1939); Robbins (1970), the mixture with a beta prior.
    """
    if not (np.isfinite(prior) and prior > 0):
        raise InputError(f"prior is {prior!r}: give a number above 0, such as 0.5")

    def upper(k: Ints, n: Ints, level: float) -> Floats:
        return _anytime(k, n, level, prior)

    return _bounds(counts, alpha, selection, runner_up, upper, two_sided=True)


def dkw(num: int, alpha: float) -> float:
    """Half-width `sqrt(ln(1 / alpha) / (2 num))` of a one-sided band around an empirical distribution.

    Guarantee: with probability `1 - alpha` the true function is nowhere higher than the empirical one
    plus this.

    Parameters
    ----------
    num : int
        Number of independent scores.
    alpha : float
        Failure probability, at most 1/2.

    Examples
    --------
    >>> round(dkw(1000, 0.001), 4)
    0.0588

    References
    ----------
    Dvoretzky, Kiefer and Wolfowitz (1956); Massart (1990), corollary 1; used by Kumar et al. (2020).
    """
    if num != int(num) or num < 1:
        raise InputError(f"{num!r} scores: give the number of scores, at least 1")
    if not 0 < alpha <= 0.5:
        raise InputError(f"alpha is {alpha!r}: the one-sided band needs a number above 0, at most 0.5")
    return float(np.nextafter(np.sqrt(-np.log(alpha) / (2 * num)) * (1 + 1e-15), np.inf))


def _bounds(
    counts: npt.ArrayLike,
    alpha: float,
    selection: npt.ArrayLike | None,
    runner_up: bool,
    upper: Upper,
    two_sided: bool = False,
) -> Bounds:
    votes = _votes(counts, "counts")
    check_alpha(alpha)
    chosen = votes if selection is None else _votes(selection, "selection")
    if chosen.shape != votes.shape:
        raise InputError(f"selection has shape {chosen.shape}, but counts has {votes.shape}: they must agree")
    points, classes = votes.shape
    # Of two classes, a bound on one bounds the other.
    others = runner_up and classes > 2
    if selection is not None:
        shares = classes if others else 1
    elif two_sided:
        shares = classes if classes > 2 else 1
    else:
        shares = 2 * classes if others else classes
    label = chosen.argmax(axis=1)
    total = votes.sum(axis=1)
    rows = np.arange(points)
    miss = _once(upper, total - votes[rows, label], total, alpha / shares)
    second = miss
    if others:
        rest = votes.copy()
        rest[rows, label] = -1
        # The bound grows with the votes, so the largest of the others is the bound of the most voted.
        second = np.minimum(miss, _once(upper, rest.max(axis=1), total, alpha / shares))
    return Bounds(label, miss, second, float(alpha))


def check_alpha(alpha: float) -> None:
    """Raise for a failure probability that is none."""
    if not 0 < alpha < 1:
        raise InputError(
            f"alpha is {alpha!r}, but it is a failure probability: give a number between 0 and 1"
        )


def _votes(counts: npt.ArrayLike, name: str) -> Ints:
    array = np.asarray(counts)
    if array.ndim != 2 or array.shape[1] < 2:
        raise InputError(
            f"{name} has shape {array.shape}: give votes as (points, classes), two classes or more"
        )
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"{name} holds {array.dtype} numbers: votes are counted, so give integers")
    if array.size and array.min() < 0:
        raise InputError(f"{name} holds {array.min()}: votes are counted, so give integers from 0")
    return array.astype(np.int64)


def _once(upper: Upper, k: Ints, n: Ints, level: float) -> Floats:
    """Bound each different pair of counts once: a million points share a thousand of them."""
    base = int(n.max(initial=0)) + 1
    pairs, back = np.unique(n * base + k, return_inverse=True)
    return upper(pairs % base, pairs // base, level)[back]


def _clopper_pearson(k: Ints, n: Ints, level: float) -> Floats:
    """Solve `P(Binomial(n, x) <= k) = level` for `x`, then step outward until the tail is below."""
    bound = np.ones(len(k))
    i = np.flatnonzero(k < n)
    a, b = (k[i] + 1).astype(float), (n[i] - k[i]).astype(float)
    # The level is lowered by more than the error of the special functions.
    x = betainccinv(a, b, level * (1 - 1e-9))
    for _ in range(60):
        short = ~(betaincc(a, b, x) <= level * (1 - 1e-10))
        if not short.any():
            bound[i] = np.minimum(x, 1.0)
            return bound
        x = np.where(short, np.nextafter(x * (1 + 1e-11), 2.0), x)
    bound[i] = np.where(short, 1.0, x)
    return bound


def _hoeffding(k: Ints, n: Ints, level: float) -> Floats:
    trials = np.maximum(n, 1)
    bound = (k / trials + np.sqrt(-np.log(level) / (2 * trials))) * (1 + 1e-15)
    return np.where(n > 0, np.minimum(bound, 1.0), 1.0)


def _anytime(k: Ints, n: Ints, level: float, prior: float) -> Floats:
    """Find the upper end, above `k / n`, of the set in :func:`anytime`, on the logarithmic scale."""
    error = 1e-9 + 1e-15 * (n + 1) * (1 + np.log(n + 1))
    goal = np.log(level) + betaln(k + prior, n - k + prior) - betaln(prior, prior) - error
    low, high = k / np.maximum(n, 1), np.ones(len(k))
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(100):
            x = (low + high) / 2
            likelihood = np.where(k > 0, k * np.log(x), 0.0) + (n - k) * np.log1p(-x)
            outside = likelihood <= goal
            low, high = np.where(outside, low, x), np.where(outside, x, high)
    return np.where(k < n, high, 1.0)
