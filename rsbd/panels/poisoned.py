"""The first number of poisoned training images, and the end of its slider."""

from collections.abc import Mapping
from typing import Any

from rsbd.attacks.poisoning import rows_to_poison
from rsbd.data import Dataset
from rsbd.errors import InputError, is_between


def count_poisoned(
    settings: Mapping[str, Any], data: Dataset, rate: str, usual: float, most: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the first settings of a panel, with a number in place of a share, and the label and end of its slider.

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
        If the share is out of range or positive and no row, or both are given.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", classes=(0, 1))
    >>> settings, slider = count_poisoned({"keep": 0.9, "poison_rate": 0.02}, digits, "poison_rate", 0.05, 0.1)
    >>> settings, slider
    ({'poisoned': 4, 'keep': 0.9}, {'label': 'poisoned images (of 204)', 'high': 20})
    """
    if "poisoned" in settings and rate in settings:
        raise InputError(f"both poisoned and {rate} are given", "give one of the two")
    share = settings.get(rate, usual)
    if not is_between(share, 0, most):
        raise InputError(f"the poison rate is {share!r}", f"give a share from 0 to {most:g}")
    slider = {"label": f"poisoned images (of {data.num_rows:,})", "high": round(most * data.num_rows)}
    return {"poisoned": rows_to_poison(share, data.num_rows)} | {k: settings[k] for k in settings if k != rate}, slider
