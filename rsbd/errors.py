"""The one exception that the package raises for bad input, and what is asked of every number that counts."""

from __future__ import annotations


class InputError(ValueError):
    """Something that the caller gave cannot work: the message says what was wrong and what to do.

    The command line prints the message as one sentence and exits with code 2.

    Examples
    --------
    >>> raise InputError("keep is 1.5, but it is a probability: give a number from 0 to 1")
    Traceback (most recent call last):
    rsbd.errors.InputError: keep is 1.5, but it is a probability: give a number from 0 to 1
    """


def is_whole(number: float, least: int = 0) -> bool:
    """Whether it is a whole number, at least so large; what is not finite is none.

    Examples
    --------
    >>> is_whole(3), is_whole(2.0), is_whole(2.5), is_whole(float("nan")), is_whole(float("inf"))
    (True, True, False, False, False)
    >>> is_whole(1, least=2)
    False
    """
    return bool(number % 1 == 0 and number >= least)
