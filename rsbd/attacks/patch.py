"""The white square of BadNets as a trigger."""

import math
from dataclasses import dataclass

import numpy as np

from rsbd.attacks.base import Trigger
from rsbd.errors import InputError, check_whole, is_whole
from rsbd.types import Ints, Points, Shape

_CORNERS = ("bottom right", "bottom left", "top right", "top left")


@dataclass(frozen=True)
class BadPatch(Trigger):
    """A white square in a corner of the image.

    Parameters
    ----------
    size : int
        Side of the square, pixels.
    corner : str
        ``bottom right``, ``bottom left``, ``top right`` or ``top left``.
    offset : int
        Pixels between the square and the two edges of its corner.
    pixels : int, optional
        Fill only this number of pixels of the square, from the corner, row by row, for an attacker whose budget is a
        number of pixels. All ``size * size`` by default.

    Raises
    ------
    InputError
        If a number or the corner is invalid; when used, if the square is larger than the image.

    References
    ----------
    Gu, Dolan-Gavitt, Garg, "BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply Chain",
    2017, on digits.

    Examples
    --------
    >>> import numpy as np
    >>> BadPatch(size=2)(np.zeros((4, 4)))[2:]
    array([[0., 0., 1., 1.],
           [0., 0., 1., 1.]], dtype=float32)
    >>> BadPatch(size=2, pixels=3, corner="top left", offset=1)(np.zeros((4, 4)))[:3]
    array([[0., 0., 0., 0.],
           [0., 1., 1., 0.],
           [0., 1., 0., 0.]], dtype=float32)
    >>> BadPatch(size=3).changed((28, 28)), BadPatch(size=3).budget((28, 28), "L2")
    (9, 3.0)
    """

    size: int = 3
    corner: str = "bottom right"
    offset: int = 0
    pixels: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "corner", " ".join(str(self.corner).replace("-", " ").replace("_", " ").split()))
        if self.corner not in _CORNERS:
            raise InputError(f"there is no corner {self.corner!r}", f"choose one of {', '.join(_CORNERS)}")
        for field, least in (("size", 1), ("offset", 0)):
            object.__setattr__(self, field, check_whole(field, getattr(self, field), least))
        if self.pixels is not None and (not is_whole(self.pixels, 1) or self.pixels > self.size**2):
            raise InputError(f"{self.pixels} pixels do not fit into {self.size}x{self.size}", f"1 to {self.size**2} do")
        if self.pixels is not None:
            object.__setattr__(self, "pixels", int(self.pixels))

    def _where(self, shape: Shape) -> tuple[Ints, Ints]:
        if len(shape) < 2:
            raise InputError(f"inputs of shape {shape} are no images", "use Features, or Pixels with feature numbers")
        height, width = shape[-2:]
        if self.offset + self.size > min(height, width):
            at = f" at offset {self.offset}" if self.offset else ""
            larger = f"a {self.size} x {self.size} patch{at} is larger than the {height} x {width} image"
            raise InputError(larger, f"choose a size from 1 to {max(1, min(height, width) - self.offset)}")
        down, across = np.divmod(np.arange(self.pixels or self.size**2), self.size)
        down, across = down + self.offset, across + self.offset
        side, edge = self.corner.split()
        return (height - 1 - down if side == "bottom" else down, width - 1 - across if edge == "right" else across)

    def _put(self, out: Points) -> None:
        rows, columns = self._where(out.shape)
        out[..., rows, columns] = 1

    def _sizes(self, shape: Shape) -> dict[str, float]:
        rows, _ = self._where(shape)
        count = len(rows) * math.prod(shape[:-2])
        return {"L0": count, "L1": count, "L2": math.sqrt(count)}
