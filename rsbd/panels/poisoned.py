"""The slider for the number of poisoned training images, and its first value."""

from collections.abc import Mapping
from typing import Any

from rsbd.data import Dataset
from rsbd.errors import InputError, is_between
from rsbd.panels.controls import Slider
from rsbd.words import percent


def poisoned_slider(data: Dataset, most: float) -> Slider:
    """Return the slider ``poisoned``: whole images, up to the share ``most`` of the training rows."""
    return Slider("poisoned", f"poisoned images (of {data.num_rows:,})", 0, round(most * data.num_rows), 1)


def with_poisoned(settings: Mapping[str, Any], data: Dataset, rate: str, usual: float, most: float) -> dict[str, Any]:
    """Return the first settings of a panel, with a number of poisoned images in place of a share.

    Parameters
    ----------
    settings : mapping
        With ``poisoned``, or with the share under the name ``rate``, or with neither.
    data : Dataset
        Whose training images are poisoned.
    rate : str
        The name of the share in ``settings``.
    usual, most : float
        The share if none is given, and the largest one.

    Raises
    ------
    InputError
        If the share is out of range, or both are given.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", classes=(0, 1))
    >>> with_poisoned({"keep": 0.9, "poison_rate": 0.02}, digits, "poison_rate", 0.05, 0.1)
    {'keep': 0.9, 'poisoned': 4}
    """
    found = {name: value for name, value in settings.items() if name != rate}
    if "poisoned" not in settings:
        share = settings.get(rate, usual)
        if not is_between(share, 0, most):
            raise InputError(f"the poison rate is {share!r}", f"give a share from 0 to {most:g}")
        found["poisoned"] = round(share * data.num_rows)
    elif rate in settings:
        raise InputError(f"both poisoned and {rate} are given", "give one of the two")
    return found


def poisoned_share(rows: int, data: Dataset) -> str:
    """Write how many training images are poisoned, and which share that is.

    Examples
    --------
    >>> from rsbd.data import load
    >>> poisoned_share(4, load("digits", classes=(0, 1)))
    '4 of 204, 2 %'
    """
    return f"{rows:,} of {data.num_rows:,}, {percent(rows / data.num_rows)}"
