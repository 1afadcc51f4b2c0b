"""Partition: a hash deals the rows out to the models, so that each row reaches few of them."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rsbd.errors import InputError, is_whole
from rsbd.types import Labels, Points

_POINTS = 512  # points per block, which bounds the memory


@dataclass(frozen=True)
class Partition:
    """Deal rows into ``parts * spread`` buckets, and give every bucket to ``spread`` of as many models.

    Nothing is random: a row's bucket is a hash of its features, so an attacker who inserts or removes a row
    reaches the ``spread`` models of one bucket, and no others. With ``spread=1`` each model has one bucket of its own
    (DPA); with more, models see as many rows as before but buckets are smaller (Finite Aggregation).

    Guarantee
    ---------
    ``radius`` counts inserted or removed rows, exactly and without failure probability. A changed row counts twice,
    unless only its label changes: then it stays in its bucket and counts once.

    Parameters
    ----------
    parts : int
        A model learns from about ``1 / parts`` of the rows.
    spread : int
        Number of models that learn from each row.

    Raises
    ------
    InputError
        If ``parts`` or ``spread`` is not a whole number of at least 1.

    References
    ----------
    Levine, Feizi, "Deep Partition Aggregation", 2021, theorem 1; Wang, Levine, Feizi, "Improved Certified Defenses
    against Data Poisoning with (Deterministic) Finite Aggregation", 2022, theorem 2.

    Examples
    --------
    >>> votes = np.array([[0], [0], [0], [0], [1]])  # five models, one point
    >>> Partition(5).radius(votes, num_classes=2)
    (array([0]), array([1]))
    """

    parts: int
    spread: int = 1

    def __post_init__(self) -> None:
        for name, number in (("parts", self.parts), ("spread", self.spread)):
            if isinstance(number, bool) or not is_whole(number, 1):
                raise InputError(f"{name} is {number!r}", "give a whole number, at least 1")
            object.__setattr__(self, name, int(number))

    @property
    def num_models(self) -> int:
        """Number of models, and of buckets."""
        return self.parts * self.spread

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Steps round the circle from a bucket's number to the numbers of its models; the same in every process."""
        return tuple(random.Random(999999999 + 208).sample(range(self.num_models), self.spread))  # noqa: S311

    def members(self, x: Points, y: Labels) -> list[Labels]:
        """Return the numbers of the rows that each model learns from, in an order that their content determines.

        Parameters
        ----------
        x : float32 array (rows, ...)
        y : int64 array (rows,)
        """
        digests = [hashlib.sha256(row.astype("<f4").tobytes()).digest() for row in x]
        bucket = np.array([int.from_bytes(d[:8], "big") % self.num_models for d in digests], dtype=np.int64)
        order = np.array(sorted(range(len(x)), key=lambda i: (digests[i], int(y[i]))), dtype=np.int64)
        rows = [order[bucket[order] == b] for b in range(self.num_models)]
        return [
            np.concatenate([rows[(model - step) % self.num_models] for step in self.steps])
            for model in range(self.num_models)
        ]

    def radius(self, labels: Labels, num_classes: int) -> tuple[Labels, Labels]:
        """Return each point's most voted label (ties: the lowest) and the number of row edits that cannot change it.

        Parameters
        ----------
        labels : int64 array (models, points)
            Prediction of each model.
        num_classes : int

        Returns
        -------
        label, radius : int64 arrays (points,)
        """
        if labels.shape[0] != self.num_models:
            raise InputError(f"{labels.shape[0]} models voted", f"{self!r} has {self.num_models}")
        cuts = range(_POINTS, labels.shape[1], _POINTS)
        found = [self._radius(part, num_classes) for part in np.split(labels, cuts, axis=1)]
        label, radius = (np.concatenate([pair[i] for pair in found]) for i in (0, 1))
        return label, radius

    def _radius(self, labels: Labels, num_classes: int) -> tuple[Labels, Labels]:
        counts = np.stack([(labels == c).sum(0) for c in range(num_classes)])
        top = counts.argmax(0)
        votes_top = counts.max(0)
        radius = np.full(len(top), self.num_models)
        for rival in range(num_classes):
            lead = votes_top - counts[rival] - (rival < top)
            # A model that turns to the rival brings it 2 votes closer if it voted for the top label, else 1.
            model = 1 + (labels == top) - (labels == rival)
            bucket = np.sum([np.roll(model, -step, axis=0) for step in self.steps], axis=0)
            spent = np.cumsum(-np.sort(-bucket, axis=0), axis=0)  # buckets with the largest effect first
            radius = np.where(rival == top, radius, np.minimum(radius, (spent <= lead).sum(0)))
        return top.astype(np.int64), radius.astype(np.int64)
