"""The inputs of a panel: its data set, and the first value of each setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from rsbd.data import Dataset, load
from rsbd.errors import InputError

_P = TypeVar("_P")


def image_dataset(given: Dataset | str | None, view: str = "binary", **part: Any) -> Dataset:
    """Return the data set of images that was given, the one of that name, or the digits.

    Parameters
    ----------
    given : Dataset, str or None
        The data set, its name, or None for the digits.
    view : str
        The view in which a data set is loaded.
    **part
        The part of the digits that is loaded if ``given`` is None, as :func:`rsbd.data.load` takes it.

    Raises
    ------
    InputError
        If the inputs are not images.

    Examples
    --------
    >>> image_dataset(None, classes=(1, 7)).classes, image_dataset("digits", "unit").num_classes
    (('1', '7'), 10)
    """
    if given is None:
        data = load("digits", view=view, **part)
    else:
        data = given if isinstance(given, Dataset) else load(given, view=view)
    if len(data.shape) not in (2, 3):
        raise InputError(f"{data.name} has inputs of shape {data.shape}", "this panel shows images, such as digits")
    return data


def first_params(kind: type[_P], settings: Mapping[str, Any]) -> _P:
    """Return a panel's first parameters.

    Raises
    ------
    InputError
        If a setting is not a field of the dataclass ``kind``.
    """
    known: dict[str, Any] = kind.__dataclass_fields__  # type: ignore[attr-defined]
    for name in settings:
        if name not in known:
            raise InputError(f"this panel has no setting {name!r}", f"choose from {', '.join(sorted(known))}")
    return kind(**settings)
