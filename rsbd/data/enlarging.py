"""The function `enlarged`: small pictures with more pixels, by interpolation."""

from functools import lru_cache
from typing import Any

import numpy as np

from rsbd.types import Floats, NDArray

_UNIT = 2.0**-18  # float32 holds multiples up to 64 exactly, and rounding errors of other machines round away


def enlarged(codes: NDArray[Any], side: int, top: int) -> Floats:
    """Enlarge square pictures by cubic interpolation; each picture depends on its own pixels only.

    For each picture, the result is that of ``scipy.ndimage.zoom(picture, side / n, order=3, mode="nearest",
    grid_mode=True)``, clipped and rounded to whole levels, so that noise on a lattice has the pixels on its lattice.
    What is below half of `top` stays below it: all views agree on what is white.

    Parameters
    ----------
    codes : array (pictures, n, n)
        Levels from 0 to `top`.
    side : int
        The new side in pixels.
    top : int
        The highest level.

    Returns
    -------
    float64 array (pictures, side, side)
        Whole levels from 0 to `top`.

    Examples
    --------
    >>> picture = np.zeros((1, 8, 8))
    >>> picture[0, 2:5, 3:] = 16
    >>> white = enlarged(picture, side=28, top=16)[0] >= 8
    >>> white.any(axis=1).sum(), white.any(axis=0).sum()  # of 28, instead of 3 and 5 of 8
    (np.int64(11), np.int64(18))
    """
    weights = _weights(codes.shape[-1], side)
    found = weights @ codes.astype(np.float64) @ weights.T  # linear in rows and in columns
    found = np.rint(np.clip(found, 0, top) / _UNIT) * _UNIT  # as on every machine
    return np.where(2 * found < top, np.minimum(np.rint(found), (top - 1) // 2), np.rint(found))


@lru_cache
def _weights(stored: int, side: int) -> Floats:
    """Return what each stored pixel of a line adds to each new one: (side, stored)."""
    from scipy.ndimage import zoom

    return np.asarray(zoom(np.eye(stored), (side / stored, 1), order=3, mode="nearest", grid_mode=True))
