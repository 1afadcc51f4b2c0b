"""Changes of single coordinates, and attacks that are made of them or of whole patterns and rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rsbd.data import Dataset
from rsbd.noises.smoothing import Smoothing
from rsbd.types import Points

Slot = Literal["features", "labels", "test"]


@dataclass(frozen=True)
class Change:
    """One changed coordinate: a pixel of a training row, a label, or a pixel of the test point.

    Parameters
    ----------
    slot : str
        ``"features"``, ``"labels"`` or ``"test"``.
    row : int
        Training row; 0 for the test point.
    feature : int
        Changed feature; 0 for a label.
    value : float
        What it becomes; -1 turns a bit of the test point around.
    """

    slot: Slot
    row: int
    feature: int
    value: float


@dataclass(frozen=True, eq=False)
class Attempt:
    """An attack on one point, made.

    Parameters
    ----------
    words : str
        What it does.
    dataset : Dataset
        The attacked training rows.
    x : ndarray
        The attacked point, (1, *shape).
    changes : tuple of Change
        Where it is made of single changes.
    """

    words: str
    dataset: Dataset
    x: Points
    changes: tuple[Change, ...] = ()


def candidates(dataset: Dataset, smoothing: Smoothing) -> Iterator[Change]:
    """Single changes worth trying.

    All pixels of the test point, all labels, and for the training features one row of each class and value at each
    pixel: a learner that sums over classes cannot tell the others apart. Where a pixel has more than two values, it
    goes to the ends of the scale.
    """
    flat = dataset.x.reshape(dataset.num_rows, -1)
    if smoothing.test is not None:
        ends = (-1.0,) if dataset.values == 2 else (0.0, 1.0)
        yield from (Change("test", 0, j, end) for j in range(dataset.num_features) for end in ends)
    if smoothing.labels is not None:
        for row, label in enumerate(dataset.y):
            yield from (Change("labels", row, 0, float(c)) for c in range(dataset.num_classes) if c != label)
    if smoothing.features is not None:
        for c in range(dataset.num_classes):
            members = np.flatnonzero(dataset.y == c)
            for j in range(dataset.num_features):
                for value in (0.0, 1.0):
                    rows = members[flat[members, j] != value]
                    yield from (Change("features", int(row), j, value) for row in rows[:1])


def apply(dataset: Dataset, x_test: Points, changes: Sequence[Change]) -> tuple[Dataset, Points]:
    """Make the changes: the attacked training set and test points, (points, *shape)."""
    x, y = dataset.x.reshape(dataset.num_rows, -1).copy(), dataset.y.copy()
    attacked = x_test.reshape(len(x_test), -1).copy()
    for change in changes:
        if change.slot == "features":
            x[change.row, change.feature] = change.value
        elif change.slot == "labels":
            y[change.row] = int(change.value)
        else:
            old = attacked[:, change.feature]
            attacked[:, change.feature] = 1 - old if change.value < 0 else change.value
    slots = {change.slot for change in changes}
    held = dataset.replace(x=x.reshape(dataset.x.shape), y=y) if slots - {"test"} else dataset
    return held, attacked.reshape(x_test.shape)


def distinct(changes: Sequence[Change], count: int) -> list[Change]:
    """Take the first ``count`` that change different coordinates."""
    seen: dict[tuple[str, int, int], Change] = {}
    for change in changes:
        seen.setdefault((change.slot, change.row, change.feature), change)
        if len(seen) >= count:
            break
    return list(seen.values())[:count]
