"""A band around an empirical distribution."""

from __future__ import annotations

import numpy as np

from rsbd.errors import InputError, is_whole


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
    Dvoretzky, Kiefer and Wolfowitz (1956); Massart (1990), for one side; used by Kumar et al. (2020).
    """
    if not is_whole(num, 1):
        raise InputError(f"{num!r} scores", "give the number of scores, at least 1")
    if not 0 < alpha <= 0.5:
        raise InputError(f"alpha is {alpha!r}", "the one-sided band needs a number above 0, at most 0.5")
    return float(np.nextafter(np.sqrt(-np.log(alpha) / (2 * num)) * (1 + 1e-15), np.inf))
