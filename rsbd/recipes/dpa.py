"""Levine and Feizi 2021, Wang, Levine and Feizi 2022: partition the rows among many models, and count votes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rsbd.certify import Certificate
from rsbd.data import Dataset
from rsbd.learners import Learner, Linear
from rsbd.learners.undefended import predict_undefended
from rsbd.noises import Partition
from rsbd.types import Labels


@dataclass(frozen=True)
class Parted:
    """The votes of the models of a partition, and what they prove.

    Parameters
    ----------
    partition : Partition
        How the rows were partitioned.
    labels : ndarray
        Label of each point by each model, (models, points).
    certificate : Certificate
        Rows inserted or removed.
    """

    partition: Partition
    labels: Labels
    certificate: Certificate

    @property
    def changed(self) -> Certificate:
        """The certificate in changed rows: each is one row removed and one inserted."""
        found = self.certificate
        return replace(found, radius=found.radius // 2, norm="rows")


def dpa(dataset: Dataset, parts: int = 50, *, spread: int = 1, learner: Learner | None = None, seed: int = 0) -> Parted:
    """Certify predictions against inserted and removed rows, without noise: one model per part, and a vote.

    A row reaches only the models of its part, so it moves one vote (``spread`` votes). A lead of ``d`` votes therefore
    withstands ``floor(d / 2)`` rows, one less if a tie would go to the rival.

    Guarantee
    ---------
    For each point, with certainty: no training set that comes from ``dataset`` by inserting and removing at most
    ``radius`` rows in all changes the label. A changed row counts twice, or once if only its label changes.

    Parameters
    ----------
    dataset : Dataset
        The certificate is centred on it.
    parts : int
        Each model learns from about ``1 / parts`` of the rows. More certify more rows and learn less.
    spread : int
        Models that learn from a row: 1 for DPA, more for Finite Aggregation, which certifies more and trains
        ``spread`` times as many models.
    learner : Learner, optional
        The base learner; regularised least squares unless given, also in place of a learner that is made for noise.
    seed : int
        For learners that start at random.

    References
    ----------
    Levine, Feizi, "Deep Partition Aggregation: Provable Defense against General Poisoning Attacks", 2021, theorem 1;
    Wang, Levine, Feizi, "Improved Certified Defenses against Data Poisoning with (Deterministic) Finite
    Aggregation", 2022, theorem 2.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", classes=(0, 1), points=50)
    >>> result = dpa(digits, parts=30)
    >>> result.certificate.accuracy(digits.y_test, radius=5) > 0.9
    True
    """
    partition = Partition(parts, spread)
    members = partition.members(dataset.x, dataset.y)
    labels = np.stack([
        part_labels(dataset, rows, learner or Linear(), seed + model) for model, rows in enumerate(members)
    ])  # fmt: skip
    label, radius = partition.radius(labels, dataset.num_classes)
    return Parted(partition, labels, Certificate(label, radius, 0.0, "rows in or out", ("rows",)))


def part_labels(dataset: Dataset, rows: Labels, learner: Learner, seed: int) -> Labels:
    """Return the labels by a model trained on some of the rows; with one class there, or no row, that class or 0."""
    y = dataset.y[rows]
    if len(np.unique(y)) < 2 or not dataset.num_points:
        return np.full(dataset.num_points, y[0] if len(y) else 0, dtype=np.int64)
    part = dataset.replace(x=dataset.x[rows], y=y, x_test=dataset.x_test[:0], y_test=dataset.y_test[:0])
    return predict_undefended(part, learner, dataset.x_test, seed)
