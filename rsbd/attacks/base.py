"""What every trigger can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rsbd.errors import InputError

Norm = Literal["L0", "L1", "L2"]
Floats = NDArray[np.float32]


class Trigger(ABC):
    """A change of the input; works on one input or on a batch, and leaves its argument as it was."""

    def __call__(self, x: ArrayLike) -> Floats:
        """Return `x`, one input or a batch, with the trigger on it, as float32."""
        out = np.array(x, dtype=np.float32)
        self._put(out)
        return out

    def budget(self, shape: tuple[int, ...], norm: Norm | str = "L0") -> float:
        """Return the most that the trigger can change one input of this shape with values in [0, 1].

        This is the `trigger` size of a threat, in the norm of the noise.

        Raises
        ------
        InputError
            If the trigger does not fit on the shape, or the norm is not L0, L1 or L2.
        """
        sizes = self._sizes(tuple(shape))
        if norm not in sizes:
            raise InputError(f"there is no norm {norm!r} for a trigger", "choose L0, L1 or L2")
        return sizes[norm]

    def changed(self, shape: tuple[int, ...]) -> int:
        """Return how many values of one input the trigger can change (L0); a colour pixel has three."""
        return int(self.budget(shape, "L0"))

    def norm2(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the L2 norm of what the trigger really changes in each input of the batch `x`."""
        moved = self(x).astype(np.float64) - np.asarray(x, np.float32)
        lengths: NDArray[np.float64] = np.linalg.norm(moved.reshape(len(moved), -1), axis=1)
        return lengths

    @abstractmethod
    def _put(self, out: Floats) -> None:
        """Put the trigger on `out`, in place."""

    @abstractmethod
    def _sizes(self, shape: tuple[int, ...]) -> dict[str, float]:
        """Budget in each norm; raises where the trigger does not fit on the shape."""
