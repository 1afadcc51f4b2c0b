"""The Gaussian trade-off `Phi(Phi^-1(p) + mu)`, rounded outward."""

import numpy as np
from scipy.special import ndtr, ndtri

from rsbd.tradeoff.bulk import TINY
from rsbd.types import UNIT, Floats


def upper(p: Floats, mu: Floats | float) -> Floats:
    """Return `Phi(Phi^-1(p) + mu)`, never too small.

    `ndtri` and the sum have errors of a few ulps, which shift the argument. `ndtr` at `w` has an error of a few ulps
    times `1 + w^2` in the tail. `TINY` covers subnormal results. The margins below exceed all of these (the tests
    compare with 40 digits).
    """
    z = ndtri(p)
    with np.errstate(invalid="ignore", over="ignore"):
        w = z + mu
        w = w + 16 * UNIT * (np.abs(z) + np.abs(w) + 1)
        value = ndtr(w) * (1 + 16 * UNIT * (2 + w * w)) + TINY
    value = np.clip(value, p, 1.0)
    return np.where(p <= 0, 0.0, np.where(p >= 1, 1.0, value))


def threshold(mu: Floats | float) -> Floats:
    """Return the `p` at which `upper` reaches 1/2, rounded down."""
    z = np.maximum(-np.asarray(mu) * (1 + 4 * UNIT), -40.0)  # below -40 the result is 0, as it is at -40
    return np.maximum(ndtr(z) * (1 - 16 * UNIT * (2 + z * z)) - TINY, 0.0)


def reach(miss: Floats, runner_up: Floats) -> Floats:
    """Return the largest certified shift `(Phi^-1(1 - miss) - Phi^-1(runner_up)) / 2`, rounded down; -1 if none."""
    tied = np.array_equal(miss, runner_up)
    # Beyond about 38 sigma the tail of a normal variable is 0 in float64.
    found = np.clip(-(ndtri(miss) + ndtri(runner_up)) / 2, 0.0, 38.0)
    step = 1e-15
    while step < 1:
        # The certificate must still hold at this radius after the upward rounding of the noise and of the threshold.
        mu = found * (1 + 8 * UNIT)
        holds = (upper(miss, mu) + upper(runner_up, mu) < 1) & ((miss < threshold(mu)) | (not tied))
        if holds.all():
            break
        found, step = np.where(holds, found, np.maximum(found - step * (1 + found), 0.0)), 2 * step
    found = np.where(miss > 0, np.where(holds, found, 0.0), np.inf)
    return np.where(miss + runner_up < 1, found, -1.0)
