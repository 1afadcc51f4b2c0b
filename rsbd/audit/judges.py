"""Judges of an attack, which run the defence again, and a point under attack with what the attacker knows of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import sqrt
from typing import Any, Protocol

import numpy as np
import torch

from rsbd import ensemble
from rsbd.audit.changes import Change, apply_changes
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import Learner, Problem, ScoringModels, randomness
from rsbd.learners.checked import train_models
from rsbd.noises import ClassBagging, Partition, Smoothing, Threat
from rsbd.recipes.dpa import label_parts
from rsbd.types import Floats, Ints, Labels, NDArray, Points


class Judge(Protocol):
    """A defence that can be run on any data."""

    def __call__(self, dataset: Dataset, x: Points, num_models: int, seed: int) -> Floats:
        """Return the share of the models for each label of each point: (points, classes)."""

    def margin(self, num_models: int) -> float:
        """Return by how much one share must exceed another before chance cannot explain it.

        By default these are four standard deviations of a difference of shares.
        """
        return 4 / sqrt(num_models)

    def losses(
        self, dataset: Dataset, x: Points, labels: Labels, rivals: Labels, single: Sequence[Change], num: int, seed: int
    ) -> Floats:
        """Return the share of votes that each point loses by each single change: (changes, points)."""
        after = (self(*apply_changes(dataset, x, [change]), num, seed) for change in single)
        return -np.array([shares[np.arange(len(x)), labels] for shares in after]).reshape(len(single), len(x))


@dataclass(frozen=True)
class Retrained(Judge):
    """An ensemble on noised data, trained again."""

    smoothing: Smoothing
    learner: Learner
    options: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, dataset: Dataset, x: Points, num_models: int, seed: int) -> Floats:  # noqa: D102
        smoothing, rows = self.smoothing, self.smoothing.rows
        if isinstance(rows, ClassBagging) and sum(rows.sizes) != dataset.num_rows:
            # Bags are drawn by the labels as they are; the sizes only say on what certificates are centred.
            sizes = (dataset.num_rows + 1 - len(rows.sizes), *[1] * (len(rows.sizes) - 1))
            smoothing = replace(smoothing, rows=replace(rows, sizes=sizes))
        votes = ensemble.collect(dataset, smoothing, self.learner, x, num_models, seed, **self.options)
        return np.asarray(votes.counts / votes.num_models)


@dataclass(frozen=True)
class PartitionVotes(Judge):
    """One model per part of the rows (DPA, Finite Aggregation): nothing is random, and ties go to the lowest label."""

    partition: Partition
    learner: Learner

    def __call__(self, dataset: Dataset, x: Points, num_models: int, seed: int) -> Floats:  # noqa: D102
        asked = dataset.replace(x_test=x, y_test=np.zeros(len(x), np.int64))
        said = label_parts(asked, self.partition, self.learner, seed)
        counts = np.stack([(said == c).sum(0) for c in range(dataset.num_classes)], axis=1)
        return np.asarray(counts / len(said) - 1e-9 * np.arange(dataset.num_classes))

    def margin(self, num_models: int) -> float:  # noqa: D102
        return 0.0


def judge_of(defence: Smoothing | Partition, learner: Learner | Judge, options: Mapping[str, Any]) -> Judge:
    """Return the judge of a defence; a judge that is given in place of a learner is returned as it is."""
    if not isinstance(learner, Learner):
        return learner
    if isinstance(defence, Partition):
        if options:
            raise InputError(f"a partition takes no options, but {', '.join(options)} was given", "leave it out")
        return PartitionVotes(defence, learner)
    return Retrained(defence, learner, options)


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
