"""Exact fractions from any kind of number, in Python's integers, since numpy's overflow silently."""

import re
from decimal import Decimal
from fractions import Fraction
from numbers import Rational, Real
from typing import Any

from rsbd.errors import InputError


def exactly(number: Any) -> Fraction:
    """Return the exact value of the number.

    Examples
    --------
    >>> import numpy as np
    >>> exactly(Fraction(np.int64(1), np.int64(3))) ** 50 == Fraction(1, 3**50)
    True
    """
    found = Fraction(number)
    return Fraction(int(found.numerator), int(found.denominator))


def as_written(number: Any) -> Fraction:
    """Return the decimal number as it is written: the float 0.8 means 4/5, not the nearest binary number.

    Examples
    --------
    >>> as_written(0.8), as_written("4/5")
    (Fraction(4, 5), Fraction(4, 5))
    """
    text = str(number) if isinstance(number, Real | Decimal) and not isinstance(number, Rational) else number
    if isinstance(text, str) and any(len(power) > 3 for power in re.findall(r"e[+-]?0*(\d+)", text.lower())):
        raise ValueError(f"{text[:40]} has more digits than anything here is computed to")
    return exactly(text)


def as_probability(keep: Any) -> Fraction:
    """Return the probability that a value is kept, as an exact fraction.

    Raises
    ------
    InputError
        If it is not a number from 0 to 1.
    """
    try:
        exact = as_written(keep)
    except (TypeError, ValueError, ZeroDivisionError):
        raise InputError(f"keep is {keep!r:.80}", "give a probability such as 0.8 or '4/5'") from None
    if not 0 <= exact <= 1:
        raise InputError(f"keep is {str(keep)[:40]}, but it is a probability", "give a number from 0 to 1")
    return exact
