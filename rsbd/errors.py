"""The exception for bad input, the first line of any other exception, and checks of single values."""

from collections.abc import Iterable
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
    except (TypeError, ValueError):
        return False


def are_whole(numbers: Any, least: int = 0) -> bool:
    """Return True if `numbers` is a sequence of one or more whole numbers of at least `least`.

    Examples
    --------
    >>> are_whole((28, 28), 1), are_whole(28), are_whole((2.5,)), are_whole(())
    (True, False, False, False)
    """
    try:
        return len(numbers) > 0 and all(is_whole(number, least) for number in numbers)
    except TypeError:
        return False


def is_between(number: Any, low: float, high: float, without: str = "") -> bool:
    """Return True if `number` is a real number from `low` to `high`.

    Parameters
    ----------
    number : object
        The value to test. The answer is False if it is not a number.
    low, high : float
        The two ends.
    without : str
        Ends that do not count: ``"low"``, ``"high"`` or ``"low high"``.

    Examples
    --------
    >>> is_between(0.5, 0, 1), is_between(float("nan"), 0, 1), is_between("0.5", 0, 1), is_between(0, 0, 1, "low")
    (True, False, False, False)
    """
    try:
        left_out = (number == low and "low" in without) or (number == high and "high" in without)
        return bool(low <= number <= high and not left_out)
    except (TypeError, ValueError):
        return False


def check_whole(name: str, number: Any, least: int = 0) -> int:
    """Return the number as an int, or raise unless it is whole, at least `least` and no bool."""
    if isinstance(number, bool) or not is_whole(number, least):
        raise InputError(f"{name} is {number!r}", f"give a whole number{f', at least {least}' if least else ' from 0'}")
    return int(number)


def check_among(name: str, value: object, options: Iterable[object]) -> None:
    """Raise unless `value` is one of the options.

    Examples
    --------
    >>> check_among("measure", "median", ("score", "margin"))
    Traceback (most recent call last):
    rsbd.errors.InputError: measure is 'median': choose 'score' or 'margin'
    """
    known = list(options)
    if value not in known:
        raise InputError(f"{name} is {value!r}", f"choose {' or '.join(map(repr, known))}")


def check_kind(name: str, value: object, kind: type) -> None:
    """Raise unless `value` is an instance of `kind`.

    Examples
    --------
    >>> check_kind("alpha", float, float)
    Traceback (most recent call last):
    rsbd.errors.InputError: alpha is the class float: give an instance of it, float(...)
    """
    if isinstance(value, type):
        raise InputError(f"{name} is the class {value.__name__}", f"give an instance of it, {value.__name__}(...)")
    if not isinstance(value, kind):
        raise InputError(f"{name} is {' '.join(repr(value).split())[:80]}", f"give a {kind.__name__}")
