"""The one exception that the package raises for bad input."""


class InputError(ValueError):
    """Something that the caller gave cannot work: the message says what was wrong and what to do.

    The command line prints the message as one sentence and exits with code 2.

    Examples
    --------
    >>> raise InputError("keep is 1.5, but it is a probability: give a number from 0 to 1")
    Traceback (most recent call last):
    rsbd.errors.InputError: keep is 1.5, but it is a probability: give a number from 0 to 1
    """
