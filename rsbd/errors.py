"""The exception for bad input, the first line of any other exception, and the check for whole numbers."""

from __future__ import annotations

from typing import Any


class InputError(ValueError):
    """A value that the caller gave cannot work.

    The command line prints the message as one sentence and exits with code 2.

    Parameters
    ----------
    what : str
        What is wrong, with the value that was given.
    remedy : str
        What the caller can do about it.

    Examples
    --------
    >>> raise InputError("keep is 1.5, but it is a probability", "give a number from 0 to 1")
    Traceback (most recent call last):
    rsbd.errors.InputError: keep is 1.5, but it is a probability: give a number from 0 to 1
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what, remedy)  # both, so that an error that a worker raised can be unpickled
        self.what, self.remedy = what, remedy

    def __str__(self) -> str:
        return f"{self.what}: {self.remedy}"


def first_line(error: Exception) -> str:
    """Return the first line of an error's text without a colon at its end, or its class if it has no text."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(":")


def is_whole(number: Any, least: int = 0) -> bool:
    """Return True if `number` is a finite whole number of at least `least`.

    Examples
    --------
    >>> is_whole(3), is_whole(2.0), is_whole(2.5), is_whole(float("nan")), is_whole(float("inf"))
    (True, True, False, False, False)
    >>> is_whole(1, least=2), is_whole("3")
    (False, False)
    """
    try:
        return bool(number % 1 == 0 and number >= least)
    except TypeError:
        return False
