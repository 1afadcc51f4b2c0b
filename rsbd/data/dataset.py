"""The one type that every learner, attack and certificate reads: a split data set of numbers in [0, 1]."""

import dataclasses
import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rsbd.errors import InputError, is_whole
from rsbd.types import ArrayLike, Labels, Points, read_labels, read_points

# The mean of a column, fitted before the noise is added, would move with each poisoned row.
MISSING = "fill in what is missing with a fixed number, or leave such rows out"

INPUT_BITS = 31  # after the point, of every input


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training rows and test points with their labels.

    The arrays are copied, and the copies are read-only: what was checked, and what a certificate is centred on, stays
    as it is.

    Parameters
    ----------
    name : str
        Where the numbers come from, for titles and reports.
    x : float32 array (rows, *shape)
        Training inputs; shape is ``(features,)``, ``(H, W)`` or ``(C, H, W)``, values in [0, 1]. They are rounded to
        float32, and to multiples of 2^-31, which those from 2^-8 are.
    y : int64 array (rows,)
        Training labels from 0 to ``len(classes) - 1``; strings are looked up in ``classes``.
    x_test, y_test : arrays (points, *shape) and (points,)
        Test inputs and labels.
    classes : tuple of str
        Name of each label.
    values : int or None
        Number of levels ``j / (values - 1)`` that an input may take (2 = binary); None for continuous inputs.

    Raises
    ------
    InputError
        If shapes, labels or levels do not fit together, a label is not a whole number or two classes have one name.

    Examples
    --------
    >>> from rsbd.data import load
    >>> data = load("digits", classes=(1, 7), rows=100)
    >>> data
    Dataset('digits enlarged to 28x28', 100 rows, 158 points, shape 28x28, classes 1/7, values=2)
    >>> data.x.shape, data.num_features
    ((100, 28, 28), 784)
    """

    name: str
    x: Points
    y: Labels
    x_test: Points
    y_test: Labels
    classes: tuple[str, ...]
    values: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(str(c) for c in self.classes))
        if len(set(self.classes)) < len(self.classes):
            raise InputError(f"two classes of {self.name} have one name: {', '.join(self.classes)}", "name them apart")
        for name in ("x", "y", "x_test", "y_test"):
            given = getattr(self, name)
            own = round_inputs(read_points(given, name)) if name[0] == "x" else read_labels(given, name, self.classes)
            own.setflags(write=False)
            object.__setattr__(self, name, own)
        if self.x.ndim < 2 or self.x.shape[1:] != self.x_test.shape[1:]:
            shapes = f"x has shape {self.x.shape} and x_test {self.x_test.shape}"
            raise InputError(shapes, "give (rows, *shape) and (points, *shape) with the same shape")
        if not len(self.x):
            raise InputError(f"{self.name} has no rows", "give one training example or more")
        for field, inputs, labels in (("y", self.x, self.y), ("y_test", self.x_test, self.y_test)):
            if labels.shape != inputs.shape[:1]:
                raise InputError(f"{field} has shape {labels.shape}", f"give one label for each of {len(inputs)}")
            # Certificates would include them like any other row.
            if not np.isfinite(inputs).all():
                raise InputError(f"{self.name} has inputs that are not finite", MISSING)
            if labels.size and not 0 <= labels.min() <= labels.max() < len(self.classes):
                found = f"{field} has labels from {labels.min()} to {labels.max()}"
                raise InputError(found, f"use labels 0 to {len(self.classes) - 1}")
        # For other numbers, noise on levels has no meaning, and its certificate would be silently wrong.
        if not (on_levels(self.x, self.values) and on_levels(self.x_test, self.values)):
            off = f"{self.name} has inputs off its {self.values} levels"
            raise InputError(off, "round them to j / (values - 1), or set values=None")

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape))
        return (
            f"Dataset({self.name!r}, {self.num_rows} rows, {self.num_points} points, shape {shape}, "
            f"classes {'/'.join(self.classes)}, values={self.values})"
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return self.x.shape[1:]

    @property
    def num_rows(self) -> int:
        """Number of training examples."""
        return len(self.x)

    @property
    def num_points(self) -> int:
        """Number of test inputs."""
        return len(self.x_test)

    @property
    def num_features(self) -> int:
        """Number of values in one input."""
        return math.prod(self.shape)

    @property
    def channels(self) -> int:
        """Numbers in one pixel of an image: 3 in colour, 1 in gray; 1 in a table."""
        return math.prod(self.shape[:-2])

    @property
    def counted(self) -> str:
        """What L0 counts in inputs like these: "pixels", "features", or "values (3 a pixel)"."""
        if len(self.shape) < 2:
            return "features"
        return "pixels" if self.channels == 1 else f"values ({self.channels} a pixel)"

    @property
    def num_classes(self) -> int:
        """Number of labels."""
        return len(self.classes)

    def label(self, name: int | str) -> int:
        """Return the label of a class: a whole number is a label already, a str is looked up among the names.

        Raises
        ------
        InputError
            If there is no such class.

        Examples
        --------
        >>> from rsbd.data import load
        >>> load("digits", classes=(1, 7)).label("7")
        1
        """
        index: Any = self.classes.index(name) if isinstance(name, str) and name in self.classes else name
        if not is_whole(index) or index >= self.num_classes:
            known = ", ".join(f"{i} = {c!r}" for i, c in enumerate(self.classes))
            raise InputError(f"{name!r} is not a class of {self.name}", f"choose one of {known}")
        return int(index)

    def fingerprint(self) -> str:
        """Return the sha256 of the content, without the name: it is equal if all numbers and classes are equal."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256(repr((self.classes, self.values)).encode())
        for array in (self.x, self.y, self.x_test, self.y_test):
            digest.update(repr((array.shape, array.dtype.str)).encode())
            digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).data)
        return digest.hexdigest()

    def hold_out(self, share: float = 0.25, seed: int = 0) -> "Dataset":
        """Return a copy whose points are a random share of the training rows, held out: settings are chosen on them.

        Examples
        --------
        >>> from rsbd.data import load
        >>> load("digits", classes=(1, 7), rows=100).hold_out(0.2)
        Dataset('digits enlarged to 28x28', 80 rows, 20 points, shape 28x28, classes 1/7, values=2)
        """
        held = round(share * self.num_rows) if 0 < share < 1 else 0
        if not 0 < held < self.num_rows:
            left = f"a validation share of {share!r} leaves {held} of {self.num_rows} rows to choose settings"
            raise InputError(left, "give a share between 0 and 1, such as 0.25")
        order = np.random.default_rng(seed).permutation(self.num_rows)
        out, rest = np.sort(order[:held]), np.sort(order[held:])
        return self.replace(x=self.x[rest], y=self.y[rest], x_test=self.x[out], y_test=self.y[out])

    def replace(self, **changes: Any) -> "Dataset":
        """Return a copy with some fields changed, checked like a new one."""
        return dataclasses.replace(self, **changes)


def round_inputs(x: ArrayLike) -> Points:
    """Return a copy as float32, rounded to multiples of 2^-31: only numbers below 2^-8 can be others.

    Sums and products of inputs are then exact in float64, and noise hides all of an input.

    >>> round_inputs([0.1, 1e-3, 1e-12]).tolist()
    [0.10000000149011612, 0.0010000001639127731, 0.0]
    """
    own = np.array(x, np.float32, order="C")
    small = (np.abs(own) < 2.0 ** (23 - INPUT_BITS)) & (own != 0)
    own[small] = np.ldexp(np.rint(np.ldexp(own[small], INPUT_BITS)), -INPUT_BITS)
    return own


def on_levels(x: Points, values: int | None) -> bool:
    """Return True if every number of `x` is one of the levels ``j / (values - 1)``, or if `values` is None.

    Examples
    --------
    >>> on_levels(np.float32([0, 0.5, 1]), 3), on_levels(np.float32([0, 0.5, 1]), 2)
    (True, False)
    """
    if values is None:
        return True
    if not is_whole(values, 2):
        raise InputError(f"values is {values!r}", "give at least 2 levels, or None for continuous inputs")
    return all(_on_levels(x[i : i + 4096], values) for i in range(0, len(x), 4096))  # in blocks, to save memory


def _on_levels(x: Points, values: int) -> bool:
    # With more than two values, noise rounds to levels before it moves them. With two values it does not round: it
    # takes every number but 0 for 1, so 1e-7 must be refused here.
    if values == 2:
        return bool(np.all((x == 0) | (x == 1)))
    levels = np.rint(x * np.float32(values - 1)) / np.float32(values - 1)
    return bool(np.all(np.abs(levels - x) <= 1e-6) and np.all((x >= 0) & (x <= 1)))
