"""Reads data of one's own from a file: arrays (`.npz`), or a table with a column of labels (`.csv`)."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from rsbd.errors import InputError
from rsbd.files import read_path, refuse_broken
from rsbd.types import ArrayLike, Labels, NDArray, read_points

LABEL = "label"  # the name of the column of labels
_SAVE = "save it by np.savez(path, x=x, y=y), and x_test and y_test if you split it yourself"


def is_file_name(name: str) -> bool:
    """Return True if a data set's name is that of a file of one's own."""
    return str(name).lower().endswith((".npz", ".csv"))


def read_own(name: str) -> dict[str, NDArray[Any]]:
    """Read inputs and labels, under the names ``x`` and ``y`` and, if the file splits them, ``x_test`` and ``y_test``.

    Raises
    ------
    InputError
        The file is missing or holds something else, or inputs are not numbers from 0 to 1.
    """
    path = read_path(name)
    with refuse_broken(path, "data", _SAVE):
        found = _table(path) if path.suffix.lower() == ".csv" else _arrays(path)
    for key in [key for key in found if key.startswith("x")]:
        x = found[key] = read_points(found[key], f"{key} of {path.name}")
        if ((x < 0) | (x > 1)).any():
            scale = "scale each column to [0, 1] by fixed numbers, such as a sensor's limits, not by those of the data"
            raise InputError(f"{key} of {path.name} has inputs from {np.nanmin(x):g} to {np.nanmax(x):g}", scale)
    return found


def number_labels(*labels: ArrayLike) -> tuple[tuple[str, ...], list[Labels]]:
    """Return the names of all classes, in the order of numbers or of letters, and each array of labels as numbers.

    >>> number_labels(["low", "high"], ["low"])
    (('high', 'low'), [array([1, 0]), array([1])])
    >>> number_labels([10.0, 9.0, 10.0])
    (('9', '10'), [array([1, 0, 1])])
    """
    named = [[_name(label) for label in np.asarray(some).tolist()] for some in labels]
    every = {name for some in named for name in some}
    classes = sorted(every, key=(lambda name: int(name)) if all(map(str.isdecimal, every)) else None)
    return tuple(classes), [np.array([classes.index(name) for name in some], np.int64) for some in named]


def _name(label: Any) -> str:
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label).strip()


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as file:
        found = {name: file[name] for name in ("x", "y", "x_test", "y_test") if name in file.files}
    if set(found) not in ({"x", "y"}, {"x", "y", "x_test", "y_test"}):
        raise ValueError(f"it holds {', '.join(found) or 'none'} of x, y, x_test, y_test")
    return found


def _table(path: Path) -> dict[str, NDArray[Any]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = [line for line in csv.reader(file) if line]
    head = [name.strip() for name in lines[0]] if lines else []
    if head.count(LABEL) != 1:
        raise InputError(f"{path.name} has no column called {LABEL!r}", f"name the column of labels {LABEL!r}")
    at = head.index(LABEL)
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(head):
            raise InputError(f"line {number} of {path.name} has {len(line)} values, not {len(head)}", "complete it")
    rows = [line[:at] + line[at + 1 :] for line in lines[1:]]
    x, y = [[_number(value) for value in row] for row in rows], [line[at] for line in lines[1:]]
    return {"x": np.array(x), "y": np.array(y)}


def _number(text: str) -> float:
    return float(text) if text.strip() else float("nan")
