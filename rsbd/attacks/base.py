"""The interface of a trigger."""

import math
from abc import ABC, abstractmethod
from typing import Literal

import numpy as np

from rsbd.errors import InputError, are_whole
from rsbd.types import ArrayLike, Floats, Points, Shape, read_points

Norm = Literal["L0", "L1", "L2"]


class Trigger(ABC):
    """A change of the input; it works on one input or on a batch, and returns a copy."""

    def __call__(self, x: ArrayLike) -> Points:
        """Return `x`, one input or a batch, with the trigger on it, as float32."""
        out = read_points(x, "x")
        self._put(out)
        return out

    def budget(self, shape: Shape, norm: Norm | str = "L0") -> float:
        """Return the most that the trigger can change one input of this shape with values in [0, 1].

        This is the `trigger` size of a threat, in the norm of the noise.

        Raises
        ------
        InputError
            If `shape` has a side that is not a whole number of at least 1, the trigger does not fit the shape, or the
            norm is not L0, L1 or L2.
        """
        if not are_whole(shape, 1):
            raise InputError(f"the shape is {shape!r}", "give that of one input, such as dataset.shape or (28, 28)")
        sizes = self._sizes(tuple(shape))
        if norm not in sizes:
            raise InputError(f"there is no norm {norm!r} for a trigger", "choose L0, L1 or L2")
        return sizes[norm]

    def changed(self, shape: Shape) -> int:
        """Return the number of values of one input that the trigger can change (L0); a colour pixel has three."""
        return int(self.budget(shape, "L0"))

    @abstractmethod
    def _put(self, out: Points) -> None:
        """Put the trigger on `out`, in place."""

    @abstractmethod
    def _sizes(self, shape: Shape) -> dict[str, float]:
        """Return the budget in each norm; raise if the trigger does not fit the shape."""


def lengths(after: ArrayLike, before: ArrayLike) -> dict[str, Floats]:
    """Return how far each input of a batch was changed, in each of the norms L0, L1 and L2."""
    moved = np.asarray(after, np.float64) - np.asarray(before, np.float32)
    flat = moved.reshape(len(moved), math.prod(moved.shape[1:]))
    return {norm: np.linalg.norm(flat, order, axis=1) for norm, order in (("L0", 0), ("L1", 1), ("L2", 2))}
