"""Changes of single coordinates, and the attacked data that they make."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rsbd.data import Dataset
from rsbd.noises import Smoothing
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
        The new value; -1 inverts a bit of the test point.
    """

    slot: Slot
    row: int
    feature: int
    value: float


@dataclass(frozen=True, eq=False)
class Attempt:
    """The data after one attack on one point.

    Parameters
    ----------
    words : str
        The attack in words.
    dataset : Dataset
        The attacked training rows.
    x : ndarray
        The attacked point, (1, *shape).
    changes : tuple of Change
        The single changes that it consists of, if it does.
    """

    words: str
    dataset: Dataset
    x: Points
    changes: tuple[Change, ...] = ()


def candidates(dataset: Dataset, smoothing: Smoothing) -> Iterator[Change]:
    """Yield the single changes that are worth trying.

    These are all pixels of the test point, all labels, and for the training features one row of each class and value
    at each pixel: a learner that sums over classes cannot tell the others apart. A pixel with more than two values goes
    to the ends of the scale.
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


def apply_changes(dataset: Dataset, x_test: Points, changes: Sequence[Change]) -> tuple[Dataset, Points]:
    """Return the attacked training set and test points, (points, *shape)."""
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
    """Return the first ``count`` changes of different coordinates."""
    seen: dict[tuple[str, int, int], Change] = {}
    for change in changes:
        seen.setdefault((change.slot, change.row, change.feature), change)
    return list(seen.values())[:count]
