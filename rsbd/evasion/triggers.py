"""Triggers as a threat to the test input: where an attacker may write what they like, and the votes that stay."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import numpy as np

from rsbd.errors import InputError, check_kind, check_whole, is_whole
from rsbd.types import Ints, Shape
from rsbd.words import count


class AnyTrigger(ABC):
    """All triggers of one kind, with any content from 0 to 1. A pixel of a colour image is all of its channels."""

    @abstractmethod
    def covers(self, other: "AnyTrigger") -> bool:
        """Return True if every change that ``other`` allows is also allowed here."""

    @abstractmethod
    def check(self, shape: Shape) -> None:
        """Raise unless these triggers fit on inputs of this shape."""

    def windows(self, shape: Shape) -> "tuple[AnyTrigger, ...]":
        """Return triggers at known places, of which an attacker always uses one; this trigger alone if it has none."""
        self.check(shape)
        return (self,)

    @abstractmethod
    def groups(self, shape: Shape) -> tuple[Ints, int]:
        """Return groups of numbers of a flat input, (groups, numbers), and how many groups a trigger may change."""

    def record(self) -> dict[str, Any]:
        """Return the settings in a form that JSON keeps, for :func:`from_record`."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}  # type: ignore[call-overload]


def read_triggers(given: AnyTrigger | Iterable[AnyTrigger]) -> tuple[AnyTrigger, ...]:
    """Return one or several triggers as a tuple, or raise for anything else."""
    found = tuple(given) if isinstance(given, Iterable) else (given,)
    for trigger in found:
        check_kind("trigger", trigger, AnyTrigger)
    return found


@dataclass(frozen=True)
class AnyPatch(AnyTrigger):
    """Any content of a square window, in every channel.

    Parameters
    ----------
    side : int
        Side of the square, in pixels.
    place : tuple of int, optional
        Row and column of the top left corner; anywhere on the image unless given.

    Examples
    --------
    >>> print(AnyPatch(3), "and", AnyPatch(2, place=(26, 26)))
    any 3x3 patch anywhere and any 2x2 patch at (26, 26)
    >>> AnyPatch(3).covers(AnyPatch(2, place=(26, 26))), len(AnyPatch(3).windows((28, 28)))
    (True, 676)
    """

    side: int
    place: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "side", check_whole("side", self.side, 1))
        if self.place is not None:
            place = tuple(self.place) if isinstance(self.place, (tuple, list)) else ()
            if len(place) != 2 or not all(map(is_whole, place)):
                raise InputError(f"place is {self.place!r}", "give row and column of the top left corner, from 0")
            object.__setattr__(self, "place", (int(place[0]), int(place[1])))

    def __str__(self) -> str:
        return f"any {self.side}x{self.side} patch {'anywhere' if self.place is None else f'at {self.place}'}"

    def covers(self, other: AnyTrigger) -> bool:
        """Return True if every change that ``other`` allows is also allowed here."""
        if isinstance(other, AnyPixels):
            return self.place is None and other.count == 1
        if not isinstance(other, AnyPatch) or self.place is None:
            return isinstance(other, AnyPatch) and other.side <= self.side
        return other.place is not None and all(
            here <= there and there + other.side <= here + self.side
            for here, there in zip(self.place, other.place, strict=True)
        )

    def check(self, shape: Shape) -> None:
        """Raise unless the patch fits on images of this shape."""
        if len(shape) not in (2, 3):
            raise InputError(f"{self} is put on inputs of shape {shape}, which are no images", "use AnyPixels(count)")
        row, column = self.place or (0, 0)
        if row + self.side > shape[-2] or column + self.side > shape[-1]:
            raise InputError(f"{self} does not fit on images of {shape[-2]} x {shape[-1]}", "take a smaller one")

    def windows(self, shape: Shape) -> "tuple[AnyPatch, ...]":
        """Return the patch at each of its places, row by row."""
        self.check(shape)
        rows, columns = (length - self.side + 1 for length in shape[-2:])
        places = [divmod(i, columns) for i in range(rows * columns)] if self.place is None else [self.place]
        return tuple(AnyPatch(self.side, place) for place in places)

    def groups(self, shape: Shape) -> tuple[Ints, int]:
        """Return the numbers in each window, of which a trigger may change one."""
        self.check(shape)
        numbers = np.arange(prod(shape)).reshape(-1, *shape[-2:])
        if self.place is not None:
            row, column = self.place
            numbers = numbers[:, row : row + self.side, column : column + self.side]
        tiles = np.lib.stride_tricks.sliding_window_view(numbers, (self.side, self.side), axis=(1, 2))
        return np.array(np.moveaxis(tiles, 0, 2).reshape(tiles.shape[1] * tiles.shape[2], -1)), 1


@dataclass(frozen=True)
class AnyPixels(AnyTrigger):
    """Any content of any ``count`` pixels, which need not touch. Features of a table count as pixels.

    Parameters
    ----------
    count : int
        Number of pixels.

    Examples
    --------
    >>> AnyPixels(9).covers(AnyPatch(3)), AnyPatch(3).covers(AnyPixels(9))
    (True, False)
    """

    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", check_whole("count", self.count, 1))

    def __str__(self) -> str:
        return f"any {count(self.count, 'pixel')}"

    def covers(self, other: AnyTrigger) -> bool:
        """Return True if every change that ``other`` allows is also allowed here."""
        if isinstance(other, AnyPatch):
            return other.side**2 <= self.count
        return isinstance(other, AnyPixels) and other.count <= self.count

    def check(self, shape: Shape) -> None:
        """Raise unless an input of this shape has so many pixels."""
        if self.count > prod(shape[-2:]):
            raise InputError(f"the trigger is {self}, but an input has {prod(shape[-2:])}", "take fewer pixels")

    def groups(self, shape: Shape) -> tuple[Ints, int]:
        """Return the numbers of each pixel, and the count of pixels."""
        self.check(shape)
        return np.arange(prod(shape)).reshape(-1, prod(shape[-2:])).T, self.count


def from_record(record: Mapping[str, Any]) -> AnyTrigger:
    """Return the trigger that :meth:`AnyTrigger.record` described.

    >>> from_record(AnyPatch(2, (0, 1)).record()), from_record(AnyPixels(4).record())
    (AnyPatch(side=2, place=(0, 1)), AnyPixels(count=4))
    """
    return (AnyPatch if "side" in record else AnyPixels)(**record)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Votes, and how many of them triggers can move.

    Parameters
    ----------
    trigger : AnyTrigger
        The attacker uses one of these triggers.
    counts : ndarray
        Models that gave each point each label, shape (points, classes).
    kept : ndarray
        Those among them that no trigger moves, shape (windows, points, classes). With several windows, each row is
        about a trigger in that window, and the attacker must choose one for all models.
    reached : ndarray
        Models that give each point each label without a trigger or with some, shape (windows, points, classes).
    """

    trigger: AnyTrigger
    counts: Ints
    kept: Ints
    reached: Ints
