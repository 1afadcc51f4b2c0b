"""What several notebooks do first: load a few digits, noise them, and watch an attack on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from rsbd.attacks import Poisoning, clean_accuracy
from rsbd.data import Dataset, load
from rsbd.errors import check_among
from rsbd.learners import Linear
from rsbd.learners.undefended import predict_undefended
from rsbd.noises import Noise
from rsbd.recipes.planted import plant_attack
from rsbd.types import Points


def part_of(name: str, view: str, **parts: Mapping[str, Any]) -> Dataset:
    """Load the part of a data set that a lesson works on.

    Parameters
    ----------
    name : str
        What the reader chose: a key of ``parts``.
    view : str
        As in :func:`rsbd.load`.
    **parts
        For each data set of the lesson, the arguments of :func:`rsbd.load` that choose its part.

    Raises
    ------
    InputError
        If the lesson has no such data set.

    Examples
    --------
    >>> part_of("digits", "unit", digits={"classes": (0, 1), "points": 20})
    Dataset('digits enlarged to 28x28', 204 rows, 20 points, shape 28x28, classes 0/1, values=None)
    """
    check_among("data set", name, parts)
    return load(name, view=view, **parts[name])


def two_digits(name: str = "digits", view: str = "binary") -> Dataset:
    """Load two handwritten digits, few enough training images for live work.

    Parameters
    ----------
    name : str
        ``"digits"`` (0 and 1, in the package) or ``"mnist"`` (1 and 7, read from ``$RSBD_DATA``).
    view : str
        ``"binary"`` (black and white), ``"gray"`` or ``"unit"``, as in :func:`rsbd.load`.

    Examples
    --------
    >>> two_digits()
    Dataset('digits enlarged to 28x28', 204 rows, 156 points, shape 28x28, classes 0/1, values=2)
    """
    few = {"classes": (1, 7), "rows": 1000, "points": 500}
    return part_of(name, view, digits={"classes": (0, 1)}, mnist=few)


def ten_digits(name: str = "digits") -> Dataset:
    """Load all ten handwritten digits with continuous pixels, few enough training images for live work.

    Parameters
    ----------
    name : str
        ``"digits"`` (in the package) or ``"mnist"`` (read from ``$RSBD_DATA``).

    Examples
    --------
    >>> ten_digits()
    Dataset('digits enlarged to 28x28', 1000 rows, 797 points, shape 28x28, classes 0/1/2/3/4/5/6/7/8/9, values=None)
    """
    return part_of(name, "unit", digits={}, mnist={"rows": 3000, "points": 1000})


def noised(noise: Noise, x: Points, seed: int = 0) -> Points:
    """Draw one noised copy of some inputs.

    Examples
    --------
    >>> import numpy as np
    >>> from rsbd import Flip
    >>> noised(Flip(0), np.zeros((1, 2), np.float32))
    array([[1., 1.]], dtype=float32)
    """
    sample: Points = noise.sample(torch.tensor(x), torch.Generator().manual_seed(seed)).numpy()
    return sample


@dataclass(frozen=True)
class Watched:
    """What an attack did to an ordinary classifier.

    Attributes
    ----------
    poisoned_rows : int
        Number of poisoned training images.
    before, after : float
        Clean accuracy without and with the attack.
    success : float
        Attack success rate: triggered test images not of the target class that are called the target.
    """

    poisoned_rows: int
    before: float
    after: float
    success: float


@lru_cache  # notebooks ask again for a table
def watch(dataset: Dataset, attack: Poisoning, seed: int = 0) -> Watched:
    """Train an ordinary classifier on clean and on poisoned rows, and measure both.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> watch(two_digits(), Poisoning(BadPatch(3), target=0, rate=0.0)).poisoned_rows
    0
    """
    planted = plant_attack(dataset, attack, seed=seed)
    before = clean_accuracy(predict_undefended(dataset, Linear(), dataset.x_test, seed), dataset.y_test)
    after = planted.undefended
    return Watched(int(planted.mask.sum()), before, after.clean_accuracy, after.attack_success_rate)
