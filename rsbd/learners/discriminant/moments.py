"""Draws the statistics that linear discriminants need of noised training sets, for many models at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Generator, Tensor

from rsbd.learners.base import Problem, noised_at_once
from rsbd.learners.discriminant.pooling import Pooling
from rsbd.learners.discriminant.rotation import Rotation
from rsbd.noises import Gaussian
from rsbd.noises.base import check_drawn


@dataclass(frozen=True)
class Moments:
    """Products of a noised training set with its labels and with itself, one of each per model.

    Parameters
    ----------
    counts : Tensor
        Rows of each class, shape (models, classes).
    sums : Tensor
        Sum of the rows of each class, shape (models, classes, features).
    gram : Tensor
        Sum of the outer products of the rows, shape (models, features, features).
    """

    counts: Tensor
    sums: Tensor
    gram: Tensor

    @staticmethod
    def of(counts: Tensor, rows: Tensor, labels: Tensor) -> "Moments":
        """Compute moments of rows (models, rows, features), whose first rows carry labels (models, some, classes)."""
        return Moments(counts, labels.mT @ rows[:, : labels.shape[1]], rows.mT @ rows)


class MomentSampler:
    """Draws moments of the pooled training set, rows noised; ``rotate`` permits the rotation.

    Features with Gaussian noise or without noise, and labels with any noise, are drawn fast by
    :class:`~rsbd.learners.discriminant.rotation.Rotation`. Everything else is noised row by row.

    Attributes
    ----------
    fast : bool
        True if the rotation is used.
    """

    def __init__(self, problem: Problem, pooling: Pooling, rotate: bool = True) -> None:
        self.problem, self.pooling = problem, pooling
        features, rows = problem.smoothing.features, problem.smoothing.rows
        self.rotation = Rotation.of(pooling(problem.x))
        self.sigma = features.sigma if isinstance(features, Gaussian) else 0.0
        self.gaussian = features is None or isinstance(features, Gaussian)
        self.fast = rotate and self.gaussian and rows is None and self.rotation.fits(problem.num_classes)
        labels = self._onehot(problem.y[None])
        self.unflipped = labels.sum(-1), self.rotation.labels(labels)

    @cached_property
    def pooled(self) -> Problem:
        """The problem whose rows are sums of blocks, under Gaussian noise that has the law of theirs."""
        smoothing = self.problem.smoothing
        features = smoothing.features and Gaussian(self.pooling.widened(self.sigma))
        return replace(
            self.problem, x=self.pooling.sums(self.problem.x), smoothing=replace(smoothing, features=features)
        )

    def draw(self, generators: Sequence[Generator]) -> Moments:
        """Draw the moments of one noised training set per generator."""
        if self.fast:
            return self._rotated(generators)
        single = [
            self._row_by_row(generators[some.start : some.stop])
            for some in noised_at_once(self.pooled if self.gaussian else self.problem, len(generators))
        ]
        return Moments(*(torch.cat([getattr(one, name) for one in single]) for name in ("counts", "sums", "gram")))

    def _rotated(self, generators: Sequence[Generator]) -> Moments:
        problem, noise = self.problem, self.problem.smoothing.labels
        if noise is None:
            counts, labels = (part.expand(len(generators), *part.shape[1:]) for part in self.unflipped)
        else:
            y = problem.y.expand(len(generators), -1)
            drawn = self._onehot(check_drawn(noise, y, noise.sample_many(y, generators), problem.num_classes))
            counts, labels = drawn.sum(-1), self.rotation.labels(drawn)
        rows = self.rotation.features(self.sigma, problem.num_classes, generators)
        return Moments.of(counts, rows, labels)

    def _row_by_row(self, generators: Sequence[Generator]) -> Moments:
        if self.gaussian:
            x, y = self.pooled.noised_many(generators)
            pooled = (x / self.pooling.size).to(self.problem.x)
        else:
            x, y = self.problem.noised_many(generators)
            pooled = self.pooling(x.flatten(0, 1)).view(*x.shape[:2], -1)
        labels = self._onehot(y)
        return Moments.of(labels.sum(-1), pooled, labels.mT)

    def _onehot(self, y: Tensor) -> Tensor:
        # (models, rows) -> (models, classes, rows)
        classes = torch.arange(self.problem.num_classes, device=y.device)
        return (y[:, None, :] == classes[:, None]).to(self.problem.x)
