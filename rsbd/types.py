"""Names for the arrays that most functions take and return, and the rounding error of their numbers."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Labels = NDArray[np.int64]
Bools = NDArray[np.bool_]
Points = NDArray[np.float32]
AnyFloats = NDArray[np.floating]

UNIT = 2.0**-53
"""Largest relative error of one rounding to float64."""
