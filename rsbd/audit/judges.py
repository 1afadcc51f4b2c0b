"""Judges of an attack: the defence, run again on the attacked data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any, Protocol

import numpy as np
import torch

from rsbd import ensemble
from rsbd.audit.changes import Change
from rsbd.bounds.nearest import neighbour_bounds
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import Learner, randomness
from rsbd.noises import ClassBagging, Flip, Partition, Smoothing
from rsbd.recipes.dpa import label_parts
from rsbd.recipes.least_squares import LeastSquares
from rsbd.types import Floats, Labels, NDArray, Points


class Judge(Protocol):
    """A defence that can be run on any data."""

    def __call__(self, dataset: Dataset, x: Points, num_models: int, seed: int) -> Floats:
        """Return the share of the models for each label of each point: (points, classes)."""

    def margin(self, num_models: int) -> float:
        """Return by how much one share must exceed another before chance cannot explain it.

        By default these are four standard deviations of a difference of shares.
        """
        return 4 / sqrt(num_models)


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
class PartitionVotes:
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


@dataclass(frozen=True)
class NoisedLabels(Judge):
    """Least squares on noised labels (Rosenfeld et al.), which are sampled here; the penalty stays the same."""

    noise: Flip
    penalty: float

    def __call__(self, dataset: Dataset, x: Points, num_models: int, seed: int) -> Floats:  # noqa: D102
        influence = torch.from_numpy(LeastSquares.fit(dataset.x, self.penalty).influence(x).T)
        stream, y = randomness.generators(seed, range(1))[0], torch.tensor(dataset.y)
        drawn = self.noise.sample(y.expand(num_models, -1), stream)
        if dataset.num_classes == 2:
            label = (drawn.double() @ influence > 0.5).long()
        else:
            scores = [(drawn == c).double() @ influence for c in range(dataset.num_classes)]
            label = torch.stack(scores).argmax(0)
        return torch.nn.functional.one_hot(label, dataset.num_classes).double().mean(0).numpy()

    def losses(
        self,
        dataset: Dataset,
        x: Points,
        labels: NDArray[np.int64],
        rivals: NDArray[np.int64],
        single: Sequence[Change],
    ) -> Floats:
        """Return by how much each change cuts each point's expected lead over the rival, exactly: (changes, points)."""
        # The largest loss of the lead is also the largest loss of votes. Take two rows that cost a > b: whichever of
        # them is changed, the noise shows none or both of the new labels equally often, but it shows the costly one
        # alone more often if that row is the changed one.
        sign = np.where(self.noise.keep * self.noise.values >= 1, 1.0, -1.0)
        rows, new = np.array([c.row for c in single]), np.array([int(c.value) for c in single])
        influence = LeastSquares.fit(dataset.x, self.penalty).influence(x).T[rows]

        def counts(y: Labels) -> Floats:
            return np.asarray((y[:, None] == labels) * 1.0 - (y[:, None] == rivals))

        return np.asarray(sign * influence * (counts(dataset.y[rows]) - counts(new)))


@dataclass(frozen=True)
class Nearest:
    """RAB's smoothed nearest neighbour, exact up to the width of its bounds."""

    sigma: float
    resolution: int = 100
    neighbours: int = 1

    def __call__(self, dataset: Dataset, x: Points, num_models: int, seed: int) -> Floats:  # noqa: D102
        rows, points = dataset.x.reshape(dataset.num_rows, -1), x.reshape(len(x), -1)
        classes, k = dataset.num_classes, self.neighbours
        found = neighbour_bounds(rows, dataset.y, points, self.sigma, classes, self.resolution, k)
        return np.asarray((1 - found.miss + found.upper) / 2)

    def margin(self, num_models: int) -> float:  # noqa: D102
        return 1e-3


def judge_of(defence: Smoothing | Partition, learner: Learner | Judge, options: Mapping[str, Any]) -> Judge:
    """Return the judge of a defence; a judge that is given in place of a learner is returned as it is."""
    if not isinstance(learner, Learner):
        return learner
    if isinstance(defence, Partition):
        if options:
            raise InputError(f"a partition takes no options, but {', '.join(options)} was given", "leave it out")
        return PartitionVotes(defence, learner)
    return Retrained(defence, learner, options)
