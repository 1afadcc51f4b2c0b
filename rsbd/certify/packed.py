"""The base class of certificates: arrays over the points and plain settings, which a file holds without pickle."""

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from rsbd.evasion.triggers import from_record
from rsbd.tables import Column, Tabled, load_table, plain_json, save_table
from rsbd.types import NDArray

_Thing = TypeVar("_Thing")


class Packed(Tabled):
    """A dataclass of arrays over the points, and of settings."""

    def columns(self) -> dict[str, Column]:
        """Return each array, or each column of an array: shape (points,)."""
        return columns_of(pack(self)[0])

    def describe(self) -> Mapping[str, Any]:
        """Return the settings."""
        arrays, _ = pack(self)
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in arrays}  # type: ignore[arg-type]

    def save(self, path: str | Path) -> None:
        """Write to an ``.npz`` file, whole or not at all."""
        save_table(path, type(self).__name__, *pack(self))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            The file is missing, damaged, or holds something else.
        """
        return load_table(path, cls.__name__, partial(unpack, cls))


def columns_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Column]:
    """Return the arrays as columns, one for each column of those with two axes."""
    found: dict[str, Column] = {}
    for name, array in arrays.items():
        found |= {name: array} if array.ndim == 1 else {f"{name} {i}": column for i, column in enumerate(array.T)}
    return found


def pack(thing: Any) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays of a dataclass, and its other fields in a form that JSON keeps."""
    given = {field.name: getattr(thing, field.name) for field in fields(thing)}
    arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
    others = {k: v.record() if hasattr(v, "record") else v for k, v in given.items() if k not in arrays}
    return arrays, json.loads(plain_json(others))


def unpack(kind: type[_Thing], arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> _Thing:
    """Return the dataclass that :func:`pack` took apart."""
    plain: dict[str, Any] = {**settings}
    if plain.get("trigger") is not None:
        plain["trigger"] = from_record(plain["trigger"])
    for name, read in (("alpha", float), ("max_radius", float), ("slots", tuple), ("models", _spans)):
        if name in plain:
            plain[name] = read(plain[name])
    return kind(**arrays, **plain)


def _spans(models: list[list[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, models))
