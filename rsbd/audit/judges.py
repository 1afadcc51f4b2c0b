"""Judges of an attack: the defence, run again on the attacked data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any, Protocol

import numpy as np

from rsbd import ensemble
from rsbd.audit.changes import Change, apply_changes
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import Learner
from rsbd.noises import ClassBagging, Partition, Smoothing
from rsbd.recipes.dpa import label_parts
from rsbd.types import Floats, Labels, Points


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
        self,
        dataset: Dataset,
        x: Points,
        labels: Labels,
        rivals: Labels,
        single: Sequence[Change],
        models: int,
        seed: int,
    ) -> Floats:
        """Return the share of votes that each point loses by each single change: (changes, points)."""
        after = (self(*apply_changes(dataset, x, [change]), models, seed) for change in single)
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


def judge_of(defence: Smoothing | Partition, learner: Learner | Judge, options: Mapping[str, Any]) -> Judge:
    """Return the judge of a defence; a judge that is given in place of a learner is returned as it is."""
    if not isinstance(learner, Learner):
        return learner
    if isinstance(defence, Partition):
        if options:
            raise InputError(f"a partition takes no options, but {', '.join(options)} was given", "leave it out")
        return PartitionVotes(defence, learner)
    return Retrained(defence, learner, options)
