"""Upper bounds on a success probability from counts, rounded outward; :mod:`rsbd.bounds.votes` shares the level.

Each function takes successes and trials (arrays of int) and a level, and returns the bound for each pair.
"""

import numpy as np
from scipy.special import betaincc, betainccinv, betaln

from rsbd.types import Floats, Ints

_PRIOR = 0.5  # it affects where anytime bounds are tight, never whether they hold


def clopper_pearson_upper(k: Ints, n: Ints, level: float) -> Floats:
    """Solve `P(Binomial(n, x) <= k) = level` for `x`, then step outward until the tail is below the level."""
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
        x = np.where(short, np.nextafter(x + 1e-11 * np.minimum(x, 1 - x), 2.0), x)
    bound[i] = np.where(short, 1.0, x)
    return bound


def hoeffding_upper(k: Ints, n: Ints, level: float) -> Floats:
    """Return the bound of Hoeffding's inequality; 1 where there are no trials."""
    trials = np.maximum(n, 1)
    bound = (k / trials + np.sqrt(-np.log(level) / (2 * trials))) * (1 + 1e-15)
    return np.where(n > 0, np.minimum(bound, 1.0), 1.0)


def anytime_upper(k: Ints, n: Ints, level: float) -> Floats:
    """Find the upper end, above `k / n`, of the set in :func:`rsbd.bounds.anytime`, on the logarithmic scale."""
    error = 1e-9 + 1e-15 * (n + 1) * (1 + np.log(n + 1))
    goal = np.log(level) + betaln(k + _PRIOR, n - k + _PRIOR) - betaln(_PRIOR, _PRIOR) - error
    low, high = k / np.maximum(n, 1), np.ones(len(k))
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(100):
            x = (low + high) / 2
            likelihood = np.where(k > 0, k * np.log(x), 0.0) + (n - k) * np.log1p(-x)
            outside = likelihood <= goal
            low, high = np.where(outside, low, x), np.where(outside, x, high)
    return np.where(k < n, high, 1.0)
