"""Triggers on chosen pixels or features, among them those of RAB, and a faint pattern over the whole input."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from rsbd.attacks.base import Trigger
from rsbd.errors import InputError, are_whole, check_whole, is_between, is_whole
from rsbd.types import Ints, Points, Shape


@dataclass(frozen=True)
class Pixels(Trigger):
    """Make some pixels brighter, with the L2 norm `delta` shared equally over the values that change.

    Images are clipped at 1, as in RAB, so the actual change can be smaller; tables are not clipped.

    Parameters
    ----------
    positions : tuple of (row, column), or of int
        Pixels of an image, or features of a table.
    delta : float
        L2 norm of the change, in input units.
    channels : int
        Colours of the image; each position changes all of them.

    Raises
    ------
    InputError
        If there is no position, a position is repeated or `delta` is not positive; when used, if a position is outside
        the input.

    References
    ----------
    Weber et al., "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023; positions and norms as
    in its published code.

    Examples
    --------
    >>> import numpy as np
    >>> Pixels(((0, 1), (1, 0)), delta=0.5)(np.zeros((2, 2)))
    array([[0.        , 0.35355338],
           [0.35355338, 0.        ]], dtype=float32)
    >>> Pixels.one((28, 28), delta=1.0)
    Pixels(positions=((23, 23),), delta=1.0, channels=1)
    >>> Pixels.four((3, 32, 32)).changed((3, 32, 32))
    12
    """

    positions: tuple[tuple[int, int], ...] | tuple[int, ...]
    delta: float = 1.0
    channels: int = 1

    def __post_init__(self) -> None:
        places = _as_ints(self.positions)
        if not places:
            raise InputError(f"positions are {self.positions}", "give at least one, each (row, column) or feature once")
        object.__setattr__(self, "positions", places)
        if not is_between(self.delta, 0, math.inf, "low high") or not is_whole(self.channels, 1):
            raise InputError(f"delta is {self.delta!r} over {self.channels!r} channels", "give positive numbers")

    @classmethod
    def one(cls, shape: Shape, delta: float = 1.0) -> "Pixels":
        """Return RAB's one-pixel trigger for inputs of this shape, with L2 norm `delta`."""
        return cls(_rab(shape)[0], delta, math.prod(shape[:-2]))

    @classmethod
    def four(cls, shape: Shape, delta: float = 1.0) -> "Pixels":
        """Return RAB's four-pixel trigger for inputs of this shape, with L2 norm `delta`."""
        return cls(_rab(shape)[1], delta, math.prod(shape[:-2]))

    @property
    def _dims(self) -> int:
        return 1 if isinstance(self.positions[0], int) else 2

    @property
    def _step(self) -> float:
        return self.delta / math.sqrt(len(self.positions) * self.channels)

    def _where(self, shape: Shape) -> tuple[Ints, ...]:
        index = tuple(np.reshape(self.positions, (-1, self._dims)).T)
        size = shape[-self._dims :]
        if len(size) < self._dims or any(i.min() < 0 or i.max() >= n for i, n in zip(index, size, strict=True)):
            raise InputError(f"positions {self.positions} are not all inside an input of shape {size}", "choose others")
        return index

    def _put(self, out: Points) -> None:
        where: Any = (..., *self._where(out.shape))
        brighter = out[where] + np.float32(self._step)
        out[where] = np.minimum(brighter, 1) if self._dims == 2 else brighter

    def _sizes(self, shape: Shape) -> dict[str, float]:
        self._where(shape)
        if math.prod(shape[: -self._dims]) != self.channels:
            raise InputError(f"a trigger of {self.channels} channels for inputs of shape {shape}", "make it for those")
        step = min(self._step, 1.0) if self._dims == 2 else self._step
        count = len(self.positions) * self.channels
        clipped = step < self._step
        return {"L0": count, "L1": step * count, "L2": math.sqrt(count) if clipped else self.delta}


def _rab(shape: Shape) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    """Return the single position and the four of RAB's code; for other shapes, positions near the middle."""
    if len(shape) == 1:
        (count,) = shape
        first, last = (25, 50) if count > 50 else (count // 2, count - 1)
        return (first,), (first, first + 1, first + 2, last)  # type: ignore[return-value]
    size = shape[-2:]
    centre = (size[0] // 2, size[1] // 2)
    row, column = (19, 19) if size == (28, 28) else (15, 15) if size == (32, 32) else centre
    one = (23, 23) if size == (28, 28) else (row, column)
    return (one,), ((row - 1, column + 1), (row, column), (row + 1, column - 1), (row + 1, column + 1))


def _as_ints(positions: Any) -> tuple[Any, ...]:
    """Return features as ints and pixels as pairs of ints, each once; () if they are something else."""
    anywhere = -(1 << 62)
    if are_whole(positions, anywhere):
        found: tuple[Any, ...] = tuple(map(int, positions))
    elif isinstance(positions, Iterable) and all(are_whole(p, anywhere) and len(p) == 2 for p in positions):
        found = tuple((int(row), int(column)) for row, column in positions)
    else:
        return ()
    return found if len(set(found)) == len(found) else ()


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
        places = _as_ints(self.positions)
        if not places or not isinstance(places[0], int):
            raise InputError(f"positions are {self.positions}", "give at least one feature, and each once")
        object.__setattr__(self, "positions", places)
        if not is_between(self.value, 0, 1):
            raise InputError(f"value is {self.value!r}", "features lie in [0, 1], so give a number from 0 to 1")

    def _put(self, out: Points) -> None:
        self._check(out.shape[-1])
        out[..., list(self.positions)] = self.value

    def _sizes(self, shape: Shape) -> dict[str, float]:
        self._check(shape[-1])
        count, most = len(self.positions), max(self.value, 1 - self.value)
        return {"L0": count, "L1": count * most, "L2": math.sqrt(count) * most}

    def _check(self, features: int) -> None:
        if not 0 <= min(self.positions) <= max(self.positions) < features:
            raise InputError(f"features {self.positions} are not all in the table", f"choose from 0 to {features - 1}")


@dataclass(frozen=True)
class Blend(Trigger):
    """Add one fixed pattern of faint Gaussian noise, scaled to L2 norm `delta`, without clipping.

    As in RAB, inputs may leave [0, 1]: those near 0 or 1 by a little if the pattern is faint, all if `delta` is large.

    Parameters
    ----------
    shape : tuple of int
        Shape of one input.
    delta : float
        L2 norm of the change, in input units.
    seed : int
        Seed of the pattern; 0 as in RAB.

    Raises
    ------
    InputError
        If `delta` is not positive; when used, if the input has another shape.

    References
    ----------
    Chen et al., "Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning", 2017; in the form
    of Weber et al., "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023.

    Examples
    --------
    >>> import numpy as np
    >>> blend = Blend((28, 28), delta=0.1)
    >>> blend(np.zeros((28, 28)))[0, :3]
    array([0.00627861, 0.00142424, 0.00348352], dtype=float32)
    >>> blend.budget((28, 28), "L2")
    0.1
    """

    shape: Shape
    delta: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not are_whole(self.shape, 1):
            raise InputError(f"shape is {self.shape!r}", "give the shape of one input, such as (28, 28)")
        object.__setattr__(self, "shape", tuple(map(int, self.shape)))
        if not is_between(self.delta, 0, math.inf, "low high"):
            raise InputError(f"delta is {self.delta!r}", "give a positive L2 norm")
        object.__setattr__(self, "seed", check_whole("seed", self.seed))

    @property
    def pattern(self) -> Points:
        """The pattern that is added to an input."""
        # RAB draws it from numpy's old generator, whose stream is frozen; another generator gives another trigger.
        noise = np.random.RandomState(self.seed).randn(*self.shape)
        return cast("Points", (noise * (self.delta / np.linalg.norm(noise))).astype(np.float32))

    def _fits(self, shape: Shape) -> None:
        if shape[-len(self.shape) :] != self.shape:
            raise InputError(f"the blend has shape {self.shape} and an input {shape}", "make it for that shape")

    def _put(self, out: Points) -> None:
        self._fits(out.shape)
        out += self.pattern

    def _sizes(self, shape: Shape) -> dict[str, float]:
        self._fits(shape)
        pattern = self.pattern
        return {"L0": pattern.size, "L1": float(np.abs(pattern).sum()), "L2": float(self.delta)}
