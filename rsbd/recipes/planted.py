"""Plant a backdoor in a training set and measure what it does to an undefended classifier."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rsbd.attacks import Poisoning, attack_success_rate, clean_accuracy, stamp
from rsbd.data import Dataset
from rsbd.learners import Learner, Linear
from rsbd.learners.undefended import predict_undefended
from rsbd.types import Bools, Ints, Points


@dataclass(frozen=True)
class Rates:
    """Clean accuracy and attack success rate of a classifier.

    Parameters
    ----------
    clean_accuracy : float
        Share of the clean test points that it labels correctly.
    attack_success_rate : float
        Share of the triggered test points of other classes that it labels as the target; NaN if there are none.
    """

    clean_accuracy: float
    attack_success_rate: float

    @classmethod
    def of(cls, labels: Ints, y_test: npt.ArrayLike, target: int) -> Rates:
        """Return the rates of the labels of the clean test points, followed by those of the triggered ones."""
        y = np.asarray(y_test)
        clean, triggered = np.split(labels, 2)
        success = attack_success_rate(triggered, y, target) if (y != target).any() else float("nan")
        return cls(clean_accuracy(clean, y), success)


@dataclass(frozen=True, eq=False)
class PlantedAttack:
    """A poisoned training set, and what it does to an undefended classifier.

    Parameters
    ----------
    dataset : Dataset
        The poisoned training rows with the clean test points.
    mask : ndarray
        Which training rows are poisoned, bool (rows,).
    points : ndarray
        The clean test points, followed by the same points with the trigger, (2 points, *shape).
    undefended : Rates
        The rates of a classifier trained on the poisoned rows without noise.
    seconds : float
        Time that poisoning, training and measuring took.
    """

    dataset: Dataset
    mask: Bools
    points: Points
    undefended: Rates
    seconds: float


def plant_attack(
    dataset: Dataset, poisoning: Poisoning, learner: Learner | None = None, seed: int = 0
) -> PlantedAttack:
    """Poison the training rows, train an undefended classifier on them, and measure it.

    Parameters
    ----------
    dataset : Dataset
        Clean training rows and test points.
    poisoning : Poisoning
        The attack on the training rows; its trigger is put on the test points too.
    learner : Learner, optional
        The defence's base learner, as in :func:`~rsbd.learners.undefended.predict_undefended`;
        :class:`~rsbd.learners.linear.linear.Linear` unless given.
    seed : int
        Seed of the choice of rows, and of learners that start at random.

    Raises
    ------
    InputError
        The attack does not fit the data.

    Examples
    --------
    >>> from rsbd.attacks import BadPatch
    >>> from rsbd.data import load
    >>> planted = plant_attack(load("digits", classes=(0, 1)), Poisoning(BadPatch(3), target=0, rate=0.05))
    >>> int(planted.mask.sum()), planted.undefended
    (10, Rates(clean_accuracy=1.0, attack_success_rate=1.0))
    """
    began = time.perf_counter()
    poisoned, mask = poisoning.apply(dataset, seed)
    points = np.concatenate([dataset.x_test, stamp(poisoning.trigger, dataset, dataset.x_test)])
    labels = predict_undefended(poisoned, learner or Linear(), points, seed)
    rates = Rates.of(labels, dataset.y_test, dataset.label(poisoning.target))
    return PlantedAttack(poisoned, mask, points, rates, time.perf_counter() - began)
