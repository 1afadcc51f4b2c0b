"""What a reader of the attack panel can set, and what the panel found out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rsbd.errors import InputError

Images = npt.NDArray[np.floating]
MOST = 0.1  # the highest poison rate
KINDS = {"patch": "white patch", "scattered": "scattered pixels", "blend": "pattern over the whole image"}


@dataclass(frozen=True)
class Params:
    """One attack.

    Attributes
    ----------
    kind : {"patch", "scattered", "blend"}
        A patch in the corner, single pixels all over the image, or a faint pattern over the whole of it.
    pixels : int
        Size of the first two.
    strength : float
        Brightness added to each pixel of the trigger, in pixel units (0 black, 1 white); for the pattern the root
        of its mean square.
    rate : float
        Poison rate: poisoned training images / training images.
    target : int
        Label that the attacker wants.
    relabel : bool
        True (dirty label): images of other classes are stamped and relabelled. False (clean label): images of the
        target class are stamped and keep their label.
    """

    kind: str = "patch"
    pixels: int = 9
    strength: float = 1.0
    rate: float = 0.02
    target: int = 0
    relabel: bool = True

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"there is no trigger {self.kind!r}", f"choose from {', '.join(KINDS)}")
        if not 0 <= self.rate <= MOST:
            raise InputError(f"the poison rate is {self.rate}", f"give a share from 0 to {MOST:g}")


@dataclass(frozen=True)
class Row:
    """Images in a row with the label under each, its true label, and whether to mark it as the attacker's."""

    images: Images
    labels: tuple[str, ...]
    true: tuple[str, ...]
    marked: tuple[bool, ...]


@dataclass(frozen=True)
class Found:
    """What the attack did.

    Attributes
    ----------
    rows, num_rows, eligible : int
        Poisoned training images, all training images, and those that this attack could poison.
    samples : (Row, Row, Row)
        Training images as collected and as poisoned, and test images with the trigger.
    curve : tuple of (rate, clean accuracy, attack success rate)
        Ascending; the rate that is set is among them.
    weights : (array, array)
        Of the target class, learned from the clean and from the poisoned images; the largest has size 1.
    total : int
        Points of the whole curve.
    """

    params: Params
    dataset: str
    target: str
    rows: int
    num_rows: int
    eligible: int
    samples: tuple[Row, Row, Row]
    curve: tuple[tuple[float, float, float], ...]
    weights: tuple[Images, Images]
    total: int

    @property
    def final(self) -> bool:
        """Whether the whole curve is known."""
        return len(self.curve) >= self.total

    @property
    def now(self) -> tuple[float, float]:
        """Clean accuracy and attack success rate at the rate that is set."""
        return next((clean, fooled) for rate, clean, fooled in self.curve if rate == self.params.rate)

    @property
    def before(self) -> tuple[float, float]:
        """The same without any poisoned image."""
        return self.curve[0][1:]
