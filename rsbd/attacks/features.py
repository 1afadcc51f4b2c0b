"""A trigger that sets some features of a table to one value."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rsbd.attacks.base import Trigger
from rsbd.errors import InputError
from rsbd.types import Points


@dataclass(frozen=True)
class Features(Trigger):
    """Set some features of a table to one value, as `BadPatch` does with pixels of an image.

    Parameters
    ----------
    positions : tuple of int
        Indices of the features.
    value : float
        Their new value, in [0, 1].

    Raises
    ------
    InputError
        If there is no position, a position is repeated or the value is outside [0, 1]; when used, if a position is
        outside the input.

    Examples
    --------
    >>> import numpy as np
    >>> Features((0, 2))(np.full((2, 4), 0.5))
    array([[1. , 0.5, 1. , 0.5],
           [1. , 0.5, 1. , 0.5]], dtype=float32)
    >>> Features((0, 2)).changed((4,))
    2
    """

    positions: tuple[int, ...]
    value: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", tuple(self.positions))
        if not self.positions or len(set(self.positions)) < len(self.positions):
            raise InputError(f"positions are {self.positions}", "give at least one feature, and each once")
        if not 0 <= self.value <= 1:
            raise InputError(f"value is {self.value}", "features lie in [0, 1], so give a number from 0 to 1")

    def _put(self, out: Points) -> None:
        self._check(out.shape[-1])
        out[..., list(self.positions)] = self.value

    def _sizes(self, shape: tuple[int, ...]) -> dict[str, float]:
        self._check(shape[-1])
        count, most = len(self.positions), max(self.value, 1 - self.value)
        return {"L0": count, "L1": count * most, "L2": math.sqrt(count) * most}

    def _check(self, features: int) -> None:
        if not 0 <= min(self.positions) <= max(self.positions) < features:
            raise InputError(f"features {self.positions} are not all in the table", f"choose from 0 to {features - 1}")
