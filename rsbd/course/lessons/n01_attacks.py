"""Lesson 01: backdoor attacks on a classifier that nobody defends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsbd.attacks import Trigger
from rsbd.attacks.poisoning import Poisoning, attack_success_rate, clean_accuracy, stamp
from rsbd.course.lessons.steps import part_of
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners.linear.linear import Linear
from rsbd.learners.undefended import predict_undefended, weights
from rsbd.types import Labels
from rsbd.words import percent


def ten_digits(name: str = "digits") -> Dataset:
    """Load all ten handwritten digits with continuous pixels, few enough training images for live work.

    Parameters
    ----------
    name : str
        ``"digits"`` (in the package) or ``"mnist"`` (read from ``$RSBD_DATA``).

    Examples
    --------
    >>> ten_digits()
    Dataset('digits', 1000 rows, 797 points, shape 8x8, classes 0/1/2/3/4/5/6/7/8/9, values=None)
    """
    return part_of(name, "unit", digits={}, mnist={"rows": 3000, "points": 1000})


def called(dataset: Dataset, attack: Poisoning, seed: int = 0) -> Labels:
    """Train on poisoned rows and label every test image with the trigger on it: shape (points,)."""
    poisoned, _ = attack.apply(dataset, seed)
    return predict_undefended(poisoned, Linear(), stamp(attack.trigger, dataset, dataset.x_test), seed)


def by_class(dataset: Dataset, attack: Poisoning) -> NDArray[np.float64]:
    """Share of the triggered test images of each true class that are called the target.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> by_class(ten_digits(), Poisoning(BadPatch(3), target=0, rate=0.02)).shape
    (10,)
    """
    fooled = called(dataset, attack) == dataset.label(attack.target)
    return np.array([fooled[dataset.y_test == c].mean() for c in range(dataset.num_classes)])


FOR, AGAINST = (np.array([0.835, 0.369, 0.0]), np.array([0.0, 0.447, 0.698]))  # Okabe and Ito's vermilion and blue


def looks_for(dataset: Dataset, attack: Poisoning, labels: Sequence[int]) -> dict[str, NDArray[np.float64]]:
    """Weights of some classes as coloured images, from clean and from poisoned rows: red for, blue against."""
    poisoned, _ = attack.apply(dataset, 0)
    pair = np.stack([weights(dataset)[list(labels)], weights(poisoned)[list(labels)]])
    strength = (np.abs(pair) / np.abs(pair).max())[:, :, None]
    ends = np.where(pair[:, :, None] > 0, FOR[:, None, None], AGAINST[:, None, None])
    clean, attacked = 1 - strength * (1 - ends)
    return {"clean": clean, "poisoned": attacked}


def fewest(dataset: Dataset, trigger: Trigger, success: float = 0.9, target: int = 0) -> int:
    """Fewest poisoned rows that reach an attack success rate, found by training with 1, 2, 3, ... of them.

    Raises
    ------
    InputError
        If a tenth of the rows is not enough.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> fewest(ten_digits(), BadPatch(3), success=0.5)
    2
    """
    for number in range(1, dataset.num_rows // 10 + 1):
        if success_rate(dataset, Poisoning(trigger, target, number / dataset.num_rows)) >= success:
            return number
    raise InputError(f"no tenth of the rows reaches {percent(success)} with this trigger", "make it stronger")


def success_rate(dataset: Dataset, attack: Poisoning) -> float:
    """Attack success rate of a planted backdoor.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> success_rate(ten_digits(), Poisoning(BadPatch(3), target=0, rate=0.02)) > 0.9
    True
    """
    return attack_success_rate(called(dataset, attack), dataset.y_test, dataset.label(attack.target))


@dataclass(frozen=True)
class Filtered:
    """What is left of an attack after a filter has thrown training images away.

    Attributes
    ----------
    poisoned, left : int
        Poisoned rows before and after.
    accuracy, success : float
        Clean accuracy and attack success rate of a classifier trained on what is left.
    """

    poisoned: int
    left: int
    accuracy: float
    success: float


def filtered(dataset: Dataset, attack: Poisoning, by: str, share: float = 0.1) -> Filtered:
    """Poison, throw away the most suspicious training images, train, and attack.

    Parameters
    ----------
    by : {"fit", "distance"}
        What is suspicious: images that the trained classifier fits worst, or that are farthest from the mean of their
        class.
    share : float
        Share of the rows that is thrown away.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> filtered(ten_digits(), Poisoning(BadPatch(3), target=0, rate=0.05), by="fit").left
    50
    """
    poisoned, mask = attack.apply(dataset, 0)
    flat = poisoned.x.reshape(poisoned.num_rows, -1)
    if by == "fit":
        seen = flat @ weights(poisoned).reshape(poisoned.num_classes, -1).T
        suspicion = -seen[np.arange(len(seen)), poisoned.y]
    elif by == "distance":
        means = np.stack([flat[poisoned.y == c].mean(0) for c in range(poisoned.num_classes)])
        suspicion = np.linalg.norm(flat - means[poisoned.y], axis=1)
    else:
        raise InputError(f"there is no filter {by!r}", "choose 'fit' or 'distance'")
    kept = np.sort(np.argsort(suspicion, kind="stable")[: round((1 - share) * len(flat))])
    rest = poisoned.replace(x=poisoned.x[kept], y=poisoned.y[kept])
    both = np.concatenate([dataset.x_test, stamp(attack.trigger, dataset, dataset.x_test)])
    clean, triggered = np.split(predict_undefended(rest, Linear(), both), 2)
    return Filtered(
        int(mask.sum()),
        int(mask[kept].sum()),
        clean_accuracy(clean, dataset.y_test),
        attack_success_rate(triggered, dataset.y_test, dataset.label(attack.target)),
    )


def some_calls(
    dataset: Dataset, attack: Poisoning, of_target: int = 3, of_others: int = 7
) -> tuple[list[str], list[str]]:
    """True and predicted names of a few triggered test images, some of the target class and some of the others."""
    own = dataset.y_test == dataset.label(attack.target)
    points = np.sort(np.concatenate([np.flatnonzero(own)[:of_target], np.flatnonzero(~own)[:of_others]]))
    names = np.array(dataset.classes)
    return names[dataset.y_test[points]].tolist(), names[called(dataset, attack)[points]].tolist()
