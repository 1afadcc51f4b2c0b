"""One certified point under attack, and what the attacker knows of the models that vote on it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from rsbd.audit.judges import Judge, Retrained
from rsbd.data import Dataset
from rsbd.learners import Problem, ScoringModels, randomness
from rsbd.learners.checked import train_models
from rsbd.noises import Partition, Smoothing, Threat
from rsbd.types import Floats, Ints, NDArray

_NUM_SCORED = 16  # models whose scores are averaged


@dataclass(frozen=True, eq=False)
class Target:
    """A point under attack.

    Parameters
    ----------
    dataset : Dataset
        The data set on which the certificate is centred.
    defence : Smoothing or Partition
        The noise or partition that certified it.
    judge : Judge
        Runs the defence again.
    x : ndarray
        The point, (1, *shape).
    label, rival : int
        Certified label, and the label that the attacker wants.
    norm, slots, size
        How much may change, in which norm and in which slots.
    threat : Threat or None
        What may happen to each of ``size`` rows; anything if None.
    """

    dataset: Dataset
    defence: Smoothing | Partition
    judge: Judge
    x: NDArray[np.float32]
    label: int
    rival: int
    norm: str
    slots: tuple[str, ...]
    size: float
    threat: Threat | None = None

    @property
    def flat(self) -> Floats:
        """Training features, (rows, features)."""
        return self.dataset.x.reshape(self.dataset.num_rows, -1).astype(np.float64)

    @property
    def point(self) -> Floats:
        """The point, (features,)."""
        return self.x.ravel().astype(np.float64)

    @cached_property
    def away(self) -> Floats:
        """Direction in which a test input loses the label fastest, (features,).

        It is measured by the differences of the models' scores as each feature grows by a small step: for linear models
        that gives minus their weights, the exact worst direction. Without scores it goes from one class mean to the
        other.
        """
        weights = self._weights()
        if weights is None:
            means = [self.flat[self.dataset.y == c].mean(axis=0) for c in (self.label, self.rival)]
            weights = means[0] - means[1]
        return -weights

    def nearest(self, label: int) -> Ints:
        """Return the rows of a class, the nearest to the point first."""
        members = np.flatnonzero(self.dataset.y == label)
        order = np.square(self.flat[members] - self.point).sum(axis=1).argsort(kind="stable")
        return np.asarray(members[order])

    def attacked(
        self, x: Floats | None = None, y: Ints | None = None, point: Floats | None = None
    ) -> tuple[Dataset, NDArray[np.float32]]:
        """Return the data set and point with these features, labels and point in place of their own."""
        new_x = self.dataset.x if x is None else x.reshape(-1, *self.dataset.shape).astype(np.float32)
        new_y = self.dataset.y if y is None else y
        data = self.dataset if x is None and y is None else self.dataset.replace(x=new_x, y=new_y)
        return data, self.x if point is None else point.reshape(self.x.shape).astype(np.float32)

    def _weights(self) -> Floats | None:
        if not isinstance(self.judge, Retrained):
            return None
        problem = Problem.of(self.dataset, self.judge.smoothing)
        step = 1.0 if self.dataset.values == 2 else 0.1
        around = np.vstack([self.point, self.point + step * np.eye(len(self.point))]).astype(np.float32)
        streams = randomness.generators(1, range(_NUM_SCORED))
        models = train_models(self.judge.learner, problem, streams)
        if not isinstance(models, ScoringModels):
            return None
        scores = models.scores(torch.from_numpy(around), None, streams).double().mean(0).numpy()
        lead = scores[self.label] - scores[self.rival]
        weights: Floats = (lead[1:] - lead[0]) / step
        return weights if weights.any() else None
