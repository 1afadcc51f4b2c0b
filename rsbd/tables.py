"""The base class of results: columns over the points and settings, as table, dictionary, short text and file."""

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rsbd.arrays import read_arrays, refuse_broken, write_arrays
from rsbd.errors import InputError
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
        return "\n".join(_cut(line) for line in (f"{type(self).__name__} of {number:,} points", *lines, *said))

    def _repr_html_(self) -> str:
        """Return the first rows as a table, with the settings above, for notebooks."""
        columns = self.columns()
        head = "".join(f"<th>{escape(name)}</th>" for name in ("", *columns))
        rows = zip(*(np.asarray(column)[:_ROWS].tolist() for column in columns.values()), strict=True)
        body = "".join(
            f"<tr><th>{i}</th>{''.join(f'<td>{escape(_short(value))}</td>' for value in row)}</tr>"
            for i, row in enumerate(rows)
        )
        return f"<pre>{escape(repr(self))}</pre><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def plain_json(settings: Mapping[str, Any]) -> str:
    """Return settings as JSON; what it has no form for, such as noise or infinity, as text."""
    return json.dumps({name: _plain(value) for name, value in settings.items()}, default=str, sort_keys=True)


def save_table(path: str | Path, kind: str, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> None:
    """Write arrays and settings to an ``.npz`` file, whole or not at all."""
    text = plain_json({"kind": kind, **settings}).encode()
    write_arrays(path, {**arrays, "settings": np.frombuffer(text, np.uint8)})


def load_table(
    path: str | Path, kind: str, make: Callable[[dict[str, NDArray[Any]], dict[str, Any]], _Thing]
) -> _Thing:
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
