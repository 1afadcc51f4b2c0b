"""What a learner of few rows believes about images before it sees any: how a class may look that it saw once."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from rsbd.errors import InputError
from rsbd.types import Floats

_MAPS = 400


@dataclass(frozen=True)
class Handwriting:
    """The belief that a class looks alike when its images are turned, slanted, shifted or scaled a little.

    It is fixed before any data are seen, so no attack on the training rows can change it.

    Parameters
    ----------
    turn : float
        Largest angle to either side, in degrees.
    slant : float
        Largest slant to either side: the columns that a point moves for each row between it and the middle.
    shift : float
        Largest shift in each direction, as a share of the image's side.
    scale : float
        Largest change of the size, as a share of it.
    blur : float
        Width of the blur of class means at which the boundary between them is drawn, as a share of the image's side.
        A new image agrees with the rows of its own class less than they agree with themselves, and for a class that
        varies much this difference is larger: so the boundary lies half way between means that are blurred.

    Raises
    ------
    InputError
        A setting is negative or not finite.

    Examples
    --------
    >>> stroke = torch.zeros(5, 5)
    >>> stroke[:, 2] = 1
    >>> print(Handwriting(slant=1).average(stroke.flatten(), (5, 5)).view(5, 5).numpy().round(1))
    [[0.1 0.2 0.3 0.2 0.1]
     [0.  0.3 0.5 0.2 0. ]
     [0.  0.  1.  0.  0. ]
     [0.  0.2 0.5 0.3 0. ]
     [0.1 0.2 0.3 0.3 0.1]]
    """

    turn: float = 10.0
    slant: float = 0.8
    shift: float = 0.01
    scale: float = 0.05
    blur: float = 0.16

    def __post_init__(self) -> None:
        for name, number in vars(self).items():
            if not 0 <= number < np.inf:
                raise InputError(f"{name} is {number!r}", "give a number from 0")

    def average(self, x: Tensor, shape: tuple[int, ...], back: bool = False) -> Tensor:
        """Move each image (..., features) to all places where the belief expects it, and return the average.

        With ``back``, the transposed map is applied: weights for averaged images become weights for images.
        """
        if len(shape) < 2:  # a table: its features have no places
            return x
        matrix = _average(self.turn, self.slant, self.shift, self.scale, shape[-2:])
        return _apply(matrix if back else matrix.T, x)

    def blurred(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return the images (..., features), blurred."""
        return x if len(shape) < 2 else _apply(_blurred(self.blur, shape[-2:]).T, x)


def _apply(matrix: Tensor, x: Tensor) -> Tensor:
    """Return ``image @ matrix`` for every channel of every image."""
    return (x.reshape(*x.shape[:-1], -1, len(matrix)) @ matrix.to(x)).reshape(x.shape)


@lru_cache(maxsize=16)
def _average(turn: float, slant: float, shift: float, scale: float, shape: tuple[int, ...]) -> Tensor:
    # Points of an additive sequence fill the cube of the five settings evenly, and are the same on every machine.
    root = 1.1347241384015194  # the root of x^6 = x + 1
    cube = (0.5 + np.arange(_MAPS)[:, None] * root ** -np.arange(1.0, 6.0)) % 1 * 2 - 1
    limits = (np.deg2rad(turn), slant, scale, shift * shape[0], shift * shape[1])
    height, width = shape
    at = np.indices(shape).reshape(2, -1) - (np.array(shape)[:, None] - 1) / 2  # from the middle
    matrix = np.zeros((height * width, height * width))
    for angle, lean, size, down, right in cube * limits:
        row, column = at[0] * (1 + size) + down, (at[1] + lean * at[0]) * (1 + size) + right
        row, column = np.cos(angle) * row - np.sin(angle) * column, np.sin(angle) * row + np.cos(angle) * column
        _add_map(matrix, row + (height - 1) / 2, column + (width - 1) / 2, shape)
    return torch.tensor(matrix / _MAPS, dtype=torch.float32)


def _add_map(matrix: Floats, row: Floats, column: Floats, shape: tuple[int, ...]) -> None:
    """Add the map that reads each pixel at (row, column), between pixels linearly and beyond the edge at the edge."""
    row, column = (place.clip(0, side - 1) for place, side in zip((row, column), shape, strict=True))
    top, left = (np.minimum(place.astype(int), side - 2) for place, side in zip((row, column), shape, strict=True))
    low, right = row - top, column - left
    pixels = np.arange(len(matrix))
    for i, part in enumerate((1 - low, low)):
        for j, share in enumerate((1 - right, right)):
            np.add.at(matrix, (pixels, (top + i) * shape[1] + left + j), part * share)


@lru_cache(maxsize=16)
def _blurred(blur: float, shape: tuple[int, ...]) -> Tensor:
    matrix: Floats = np.ones((1, 1))
    for side in shape:
        place = np.arange(side)
        near = np.exp(-0.5 * (np.subtract.outer(place, place) / (blur * side)) ** 2) if blur else np.eye(side)
        matrix = np.asarray(np.kron(matrix, near / near.sum(1, keepdims=True)), np.float64)
    return torch.tensor(matrix, dtype=torch.float32)
