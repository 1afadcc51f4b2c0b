"""Names for the arrays that most functions take and return, how they are read, and the rounding error of numbers."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike as ArrayLike
from numpy.typing import NDArray as NDArray

from rsbd.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Labels = NDArray[np.int64]
Bools = NDArray[np.bool_]
Points = NDArray[np.float32]
AnyFloats = NDArray[np.floating]
Shape = tuple[int, ...]

# Largest relative error of one rounding to float64.
UNIT = 2.0**-53


def read_points(x: Any, name: str) -> Points:
    """Return a copy of the numbers as float32.

    Raises
    ------
    InputError
        Some are not real numbers, or the rows have different lengths.
    """
    try:
        given = np.asarray(x)
        found = np.array(given.real if given.dtype.kind == "c" else given, np.float32, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name} is not an array of numbers ({str(error)[:90]})", "give (rows, *shape)") from None
    if given.dtype.kind == "c" or not given.ndim:
        raise InputError(f"{name} has shape {given.shape} of {given.dtype}", "give real numbers, (rows, *shape)")
    return found


def read_labels(y: Any, name: str, classes: Sequence[str] | None = None) -> Labels:
    """Return a copy of the labels as int64; strings are looked up in `classes`.

    Raises
    ------
    InputError
        A label is not a whole number, or is the name of no class.

    Examples
    --------
    >>> read_labels(["no", "yes", "no"], "y", ("yes", "no"))
    array([1, 0, 1])
    >>> read_labels([0.0, 0.7], "y")
    Traceback (most recent call last):
    rsbd.errors.InputError: y holds 0.7, which is no label: give whole numbers from 0
    """
    try:
        found = np.asarray(y)
    except ValueError:
        raise InputError(f"{name} is no list of labels", "give one label for each input") from None
    if found.dtype.kind not in "biuf":  # names, or mixed things such as None in a column of a table
        numbers = {label: i for i, label in enumerate(classes or ())}
        flat = [numbers.get(v, v) if isinstance(v, str) else v for v in found.ravel().tolist()]
        plain = np.array([v if isinstance(v, Real) else np.nan for v in flat], np.float64).reshape(found.shape)
    else:
        plain = found
    with np.errstate(invalid="ignore"):
        whole = plain.astype(np.int64)
    if not np.array_equal(whole, plain):
        example = found[whole != plain].tolist()[0]
        names = f", or names among {', '.join(classes)}" if classes else ""
        raise InputError(f"{name} holds {example!r}, which is no label", f"give whole numbers from 0{names}")
    return whole
