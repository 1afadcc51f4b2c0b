"""RAB's experiments as settings with names: which data, attack, noise and models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsbd.attacks import Pixels, Trigger
from rsbd.attacks.poisoning import Poisoning
from rsbd.data import Dataset, load
from rsbd.learners import CNN, Learner, ResNet
from rsbd.recipes.rab import rab
from rsbd.recipes.rab_knn import Exact, rab_knn
from rsbd.recipes.wang import Certified


@dataclass(frozen=True)
class Setting:
    """One experiment.

    Parameters
    ----------
    dataset : str
        Name for :func:`rsbd.load`.
    classes : tuple of str
        The two classes; the first is the attacker's target.
    trigger : callable
        From the shape of an input to the trigger.
    learner : Learner or None
        The base learner; None for the exact nearest neighbour.
    sigma : float
        Standard deviation of the noise on training features, in input units.
    poison_rate : float
        Poisoned rows / rows.
    num_models : int
        Models of the ensemble; the nearest neighbour needs none.
    alpha : float
        Failure probability.

    Examples
    --------
    >>> table = SETTINGS["tabular"]
    >>> data, mask = table.poison(table.load(points=20))
    >>> int(mask.sum()), table.run(data, sigma=0.25).certificate.norm
    (8, 'L2')
    >>> SETTINGS["cifar10"].learner, SETTINGS["cifar10"].sigma
    (ResNet(blocks=3, width=16, epochs=10, batch=64, learning_rate=0.001, ...), 1.0)
    """

    dataset: str
    classes: tuple[str, ...]
    trigger: Callable[[tuple[int, ...]], Trigger]
    learner: Learner | None
    sigma: float = 1.0
    poison_rate: float = 0.02
    num_models: int = 1000
    alpha: float = 0.001

    def load(self, **sizes: Any) -> Dataset:
        """Load the data, clean: ``rows``, ``points`` and more as for :func:`rsbd.load`."""
        return load(self.dataset, view="unit", classes=self.classes, **sizes)

    def poison(self, data: Dataset, seed: int = 0) -> tuple[Dataset, NDArray[np.bool_]]:
        """Plant the experiment's backdoor: the poisoned data, and which rows they are."""
        return Poisoning(self.trigger(data.shape), target=0, rate=self.poison_rate).apply(data, seed)

    def run(self, data: Dataset, **changes: Any) -> Certified | Exact:
        """Certify ``data``; ``changes`` go to :func:`~rsbd.recipes.rab` or :func:`~rsbd.recipes.rab_knn`."""
        if self.learner is None:
            return rab_knn(data, **{"sigma": self.sigma, **changes})
        own = {"learner": self.learner, "num_models": self.num_models, "alpha": self.alpha}
        return rab(data, **{"sigma": self.sigma, **own, **changes})


def _four(shape: tuple[int, ...]) -> Trigger:
    return Pixels.four(shape, 0.1)


def _one(shape: tuple[int, ...]) -> Trigger:
    return Pixels.one(shape, 0.1)


SETTINGS = {
    "mnist": Setting("mnist", ("0", "1"), _four, CNN(epochs=20, learning_rate=0.001)),
    "cifar10": Setting(
        "cifar10", ("bird", "airplane"), _four, ResNet(blocks=3, epochs=10, batch=64, learning_rate=0.001)
    ),
    "tabular": Setting("breast_cancer", ("malignant", "benign"), _one, None),
}
"""The settings by name, after the published code of Weber et al. ("RAB", 2023): classes, 1,000 models, alpha 0.001,
epochs, step sizes and the noise, attack and norm of its examples. Not the same: networks are this library's (without
batch normalisation), and the table is one that comes with the package in place of Spambase."""
