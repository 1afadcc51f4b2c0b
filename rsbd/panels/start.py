"""How a panel begins: its data set, and the first value of each setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from rsbd.data import Dataset, load
from rsbd.errors import InputError

P = TypeVar("P")


def images(given: Dataset | str | None, view: str = "binary", **part: Any) -> Dataset:
    """Take a data set of images as it is, load one by its name, or load the digits.

    Parameters
    ----------
    given : Dataset, str or None
        What the reader asked for.
    view : str
        In which view a name is loaded.
    **part
        Which part of the digits is loaded where nothing was asked for, as :func:`rsbd.data.load` takes it.

    Raises
    ------
    InputError
        If the inputs are no images.

    Examples
    --------
    >>> images(None, classes=(1, 7)).classes, images("digits", "unit").num_classes
    (('1', '7'), 10)
    """
    if isinstance(given, Dataset):
        data = given
    else:
        data = load("digits", view=view, **part) if given is None else load(given, view=view)
    if len(data.shape) not in (2, 3):
        raise InputError(f"{data.name} has inputs of shape {data.shape}", "this panel shows images, such as digits")
    return data


def first(kind: type[P], settings: Mapping[str, Any]) -> P:
    """Make a panel's first parameters.

    Raises
    ------
    InputError
        If a setting is no field of the dataclass ``kind``.
    """
    known: dict[str, Any] = kind.__dataclass_fields__  # type: ignore[attr-defined]
    for name in settings:
        if name not in known:
            raise InputError(f"this panel has no setting {name!r}", f"choose from {', '.join(sorted(known))}")
    return kind(**settings)
