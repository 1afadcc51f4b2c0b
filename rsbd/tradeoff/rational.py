"""Exact fractions of whatever numbers come in: in Python's whole numbers, as numpy's overflow without a word."""

from __future__ import annotations

from fractions import Fraction
from numbers import Rational, Real
from typing import Any


def exactly(number: Any) -> Fraction:
    """Return the number itself.

    Examples
    --------
    >>> import numpy as np
    >>> exactly(Fraction(np.int64(1), np.int64(3))) ** 50 == Fraction(1, 3**50)
    True
    """
    found = Fraction(number)
    return Fraction(int(found.numerator), int(found.denominator))


def as_written(number: Any) -> Fraction:
    """Take a float for the decimal that was typed: 0.8 means 4/5, not the binary number next to it.

    Examples
    --------
    >>> as_written(0.8), as_written("4/5")
    (Fraction(4, 5), Fraction(4, 5))
    """
    return exactly(str(number) if isinstance(number, Real) and not isinstance(number, Rational) else number)
