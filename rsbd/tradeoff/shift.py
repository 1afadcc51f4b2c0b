"""The Gaussian trade-off `Phi(Phi^-1(p) + mu)`, rounded outward."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from rsbd.tradeoff.bulk import TINY, UNIT

Floats = npt.NDArray[np.float64]


def upper(p: Floats, mu: Floats | float) -> Floats:
    """`Phi(Phi^-1(p) + mu)`, never too small.

    `ndtri` and the sum are off by some ulps, which moves the argument; `ndtr` at `w` is off by some ulps
    times `1 + w^2` in the tail; `TINY` is for subnormal results. All are covered with room to spare (the tests compare
    with 40 digits).
    """
    z = ndtri(p)
    with np.errstate(invalid="ignore"):
        w = z + mu
        w = w + 16 * UNIT * (np.abs(z) + np.abs(w) + 1)
        value = ndtr(w) * (1 + 16 * UNIT * (2 + w * w)) + TINY
    value = np.clip(value, p, 1.0)
    return np.where(p <= 0, 0.0, np.where(p >= 1, 1.0, value))


def threshold(mu: Floats | float) -> Floats:
    """The `p` where `upper` reaches 1/2, rounded down."""
    z = -np.asarray(mu) * (1 + 4 * UNIT)
    return np.maximum(ndtr(z) * (1 - 16 * UNIT * (2 + z * z)) - TINY, 0.0)
