"""Partition: deals rows (or pixels) out to the models, so that each of them reaches few models."""

import hashlib
import random
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from rsbd.errors import InputError, check_among, check_whole
from rsbd.types import Bools, Labels, Points

_POINTS = 512  # points per block, which bounds the memory
_SEED = 999999999 + 208
_DEALS = ("content", "position")


@dataclass(frozen=True)
class Partition:
    """Deal rows into ``parts * spread`` buckets, and give every bucket to ``spread`` of as many models.

    Nothing is random. Rows are dealt by their content, or by their position. A change in one bucket reaches its
    ``spread`` models, and no others. With ``spread=1`` each model has one bucket of its own (DPA); with more, models
    see as many rows as before but buckets are smaller (Finite Aggregation).

    Guarantee
    ---------
    ``radius`` counts buckets, exactly and without failure probability. With ``deal="content"`` a row's bucket is a hash
    of its features: an inserted or removed row counts once, and a changed row twice, unless only its label changes.
    With ``deal="position"`` the bucket depends on the row's number and on how many rows there are: a row that is
    changed in place counts once, and nothing is said about rows that are inserted, removed or reordered.

    Parameters
    ----------
    parts : int
        A model learns from about ``1 / parts`` of the rows.
    spread : int
        Number of models that learn from each row.
    deal : {"content", "position"}
        What decides a row's bucket.

    Raises
    ------
    InputError
        If ``parts`` or ``spread`` is not a whole number of at least 1, or ``deal`` is another word.

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
    deal: str = "content"

    def __post_init__(self) -> None:
        check_among("deal", self.deal, _DEALS)
        for name, number in (("parts", self.parts), ("spread", self.spread)):
            object.__setattr__(self, name, check_whole(name, number, 1))

    @property
    def num_models(self) -> int:
        """Number of models, and of buckets."""
        return self.parts * self.spread

    @property
    def norm(self) -> str:
        """What the radius counts."""
        return "rows in or out" if self.deal == "content" else "rows in place"

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Steps round the circle from a bucket's number to the numbers of its models; the same in every process."""
        return tuple(random.Random(_SEED).sample(range(self.num_models), self.spread))  # noqa: S311

    def members(self, x: Points, y: Labels) -> list[Labels]:
        """Return the numbers of the rows that each model learns from, in an order that what deals them determines.

        Parameters
        ----------
        x : float32 array (rows, ...)
        y : int64 array (rows,)
        """
        if self.deal == "position":
            return self.shares(len(x))
        digests = [hashlib.sha256(row.astype("<f4").tobytes()).digest() for row in x]
        bucket = np.array([int.from_bytes(d[:8], "big") % self.num_models for d in digests], dtype=np.int64)
        order = np.array(sorted(range(len(x)), key=lambda i: (digests[i], int(y[i]))), dtype=np.int64)
        return self._shares([order[bucket[order] == b] for b in range(self.num_models)])

    def shares(self, count: int) -> list[Labels]:
        """Deal out the numbers below ``count`` in a fixed order, shuffled once and for all; return those of each model.

        Rows whose labels alternate, and pixels of one line, therefore do not meet in one bucket.
        """
        order = np.array(random.Random(_SEED).sample(range(count), count), dtype=np.int64)  # noqa: S311
        return self._shares([order[b :: self.num_models] for b in range(self.num_models)])

    def _shares(self, buckets: list[Labels]) -> list[Labels]:
        k = self.num_models
        return [np.concatenate([buckets[(model - step) % k] for step in self.steps]) for model in range(k)]

    def radius(self, labels: Labels, num_classes: int, reached: Bools | None = None) -> tuple[Labels, Labels]:
        """Return each point's most voted label (ties: the lowest) and the number of buckets that cannot change it.

        The models of the attacked buckets may vote for anything, or for nothing. An attacker who can also put a trigger
        on the point makes any other model vote for one of the labels that the model reaches.

        Parameters
        ----------
        labels : int64 array (models, points)
            Prediction of each model, -1 where it abstains.
        num_classes : int
        reached : bool array (models, points, classes), optional
            The labels that some trigger, or none, makes each model give. Without it there is no trigger.

        Returns
        -------
        label, radius : int64 arrays (points,)
            The radius is -1 where a trigger alone may change the label.
        """
        if labels.shape[0] != self.num_models:
            raise InputError(f"{labels.shape[0]} models voted", f"{self!r} has {self.num_models}")
        cuts = [*range(0, labels.shape[1], _POINTS), labels.shape[1]]
        blocks = [slice(a, b) for a, b in pairwise(cuts)] or [slice(0)]
        found = [self._radius(labels[:, b], num_classes, None if reached is None else reached[:, b]) for b in blocks]
        label, radius = (np.concatenate([pair[i] for pair in found]) for i in (0, 1))
        return label, radius

    def _radius(self, labels: Labels, num_classes: int, reached: Bools | None) -> tuple[Labels, Labels]:
        if reached is None:
            reached = labels[..., None] == np.arange(num_classes)
        counts = np.stack([(labels == c).sum(0) for c in range(num_classes)])
        top = counts.argmax(0)
        kept = (labels == top) & (reached.sum(-1) == 1)  # a model gives its own label without a trigger
        radius = np.full(len(top), self.num_models)
        for rival in range(num_classes):
            # The rival gets every vote that it may get, and the label those that are certain.
            lead = kept.sum(0) - reached[..., rival].sum(0) - (rival < top)
            # A model that turns to the rival brings it 2 votes closer if it voted for the top label, else 1 or none.
            model = 1 + kept - reached[..., rival]
            bucket = np.sum([np.roll(model, -step, axis=0) for step in self.steps], axis=0)
            spent = np.cumsum(-np.sort(-bucket, axis=0), axis=0)  # buckets with the largest effect first
            held = np.where(lead < 0, -1, (spent <= lead).sum(0))
            radius = np.where(rival == top, radius, np.minimum(radius, held))
        return top.astype(np.int64), radius.astype(np.int64)
