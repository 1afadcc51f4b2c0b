"""Base classes of results: columns over the points and settings, as table, dictionary, short text and file."""

import csv
import io
import json
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from rsbd.errors import InputError
from rsbd.evasion.triggers import from_record
from rsbd.files import read_arrays, refuse_broken, write_arrays
from rsbd.types import NDArray

Column = NDArray[Any] | list[Any]
_Thing = TypeVar("_Thing")
_LINES, _WIDTH, _ROWS = 10, 100, 5  # of texts, and rows of a table in a notebook


class Tabled:
    """A result with one value of each column for each point.

    Examples
    --------
    >>> from rsbd import Certificate
    >>> Certificate(np.array([0, 1]), np.array([3, 5]), 0.001, "rows", ("rows",))
    Certificate of 2 points
      label: 0 to 1, median 0.5
      radius: 3 to 5, median 4
      alpha=0.001, norm='rows', slots=('rows',), max_radius=inf, points='each', trigger=None
    """

    counted: ClassVar[str] = "points"

    @abstractmethod
    def columns(self) -> dict[str, Column]:
        """Return the columns by name, each of shape (points,)."""

    def describe(self) -> Mapping[str, Any]:
        """Return the settings that the columns depend on."""
        return {}

    def as_dict(self) -> dict[str, Any]:
        """Return settings and columns as plain numbers, texts and lists, which ``json.dumps`` takes."""
        columns = {name: np.asarray(column).tolist() for name, column in self.columns().items()}
        return {"kind": type(self).__name__, "settings": json.loads(plain_json(self.describe())), **columns}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table, which ``pandas.DataFrame`` reads."""
        columns = self.columns()
        return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))

    def to_csv(self) -> str:
        """Return the columns as the text of a CSV file."""
        text, columns = io.StringIO(newline=""), self.columns()
        csv.writer(text).writerows([list(columns), *zip(*columns.values(), strict=True)])
        return text.getvalue()

    def to_frame(self) -> Any:
        """Return the columns as a ``pandas.DataFrame``, with the settings in its ``attrs``.

        Raises
        ------
        InputError
            Pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise InputError("a table needs pandas", "pip install pandas, or use as_dict()") from None
        frame = pd.DataFrame(self.columns())
        frame.attrs = dict(self.describe())
        return frame

    def __repr__(self) -> str:
        columns = self.columns()
        number = len(next(iter(columns.values()), []))
        lines = [f"  {name}: {_summary(np.asarray(column))}" for name, column in columns.items()]
        room = _LINES - 2
        if len(lines) > room:
            lines[room - 1 :] = [f"  and {len(lines) - room + 1} more columns"]
        told = ", ".join(f"{name}={value!r}" for name, value in self.describe().items())
        said = [] if not told else [f"  {told}"]
        return "\n".join(_cut(line) for line in (f"{type(self).__name__} of {number:,} {self.counted}", *lines, *said))

    def _repr_html_(self) -> str:
        """Return the first rows as a table, with the settings above, for notebooks."""
        columns = self.columns()
        head = "".join(f"<th>{escape(name)}</th>" for name in ("", *columns))
        rows = zip(*(np.asarray(column)[:_ROWS].tolist() for column in columns.values()), strict=True)
        cells = ("".join(f"<td>{escape(_short(value))}</td>" for value in row) for row in rows)
        body = "".join(f"<tr><th>{i}</th>{row}</tr>" for i, row in enumerate(cells))
        return f"<pre>{escape(repr(self))}</pre><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


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
    read: Any = {"alpha": float, "max_radius": float, "slots": tuple, "models": lambda runs: tuple(map(tuple, runs))}
    for name in read.keys() & plain.keys():
        plain[name] = read[name](plain[name])
    return kind(**arrays, **plain)


def plain_json(settings: Mapping[str, Any]) -> str:
    """Return settings as JSON; what it has no form for, such as noise or infinity, as text."""
    return json.dumps({name: _plain(value) for name, value in settings.items()}, default=str, sort_keys=True)


def save_table(path: str | Path, kind: str, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
    """Write arrays and settings to an ``.npz`` file, whole or not at all."""
    text = plain_json({"kind": kind, **settings}).encode()
    write_arrays(path, {**arrays, "settings": np.frombuffer(text, np.uint8)})


def load_table(path: str | Path, kind: str, make: Callable[..., _Thing]) -> _Thing:
    """Return what `make` makes of the arrays and settings that :func:`save_table` wrote.

    Raises
    ------
    InputError
        The file is missing or damaged, or holds another kind of result.
    """
    with refuse_broken(path, "results", "save the result again"):
        arrays = read_arrays(path)
        settings = json.loads(arrays.pop("settings").tobytes())
        if settings.pop("kind") != kind:
            raise ValueError(f"it holds no {kind}")
        return make(arrays, settings)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def _summary(column: NDArray[Any]) -> str:
    if not column.size or column.dtype.kind not in "biuf":
        return ", ".join(dict.fromkeys(str(value) for value in column[:20].tolist()))
    return f"{_short(column.min())} to {_short(column.max())}, median {_short(np.median(column))}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cut(line: str) -> str:
    line = " ".join(line.split("\n"))
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."
