"""Draws the statistics that linear discriminants need of noised training sets, for many models at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from rsbd.learners.base import Problem, noised_at_once
from rsbd.learners.discriminant.pooling import Pooling
from rsbd.learners.discriminant.root import RootSampler
from rsbd.learners.linear.class_sums import sample_class_sums
from rsbd.noises import Gaussian

ROWS = 1000  # whose products are added up, where rows carry noise


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
    def of(rows: Tensor, y: Tensor, num_classes: int) -> "Moments":
        """Compute the moments of rows (models, rows, features) with labels (models, rows)."""
        members = torch.nn.functional.one_hot(y, num_classes).to(rows)
        return Moments(members.sum(1), members.mT @ rows, rows.mT @ rows)


class MomentSampler:
    """Draws moments of a noised and pooled training set.

    Where :class:`RootSampler` fits, it draws the moments of all rows. With other noise on the features, rows are noised
    one by one: all of them, or ``ROWS`` of them at equal distances. Of the others, class sums are drawn.
    """

    def __init__(self, problem: Problem, pooling: Pooling) -> None:
        smoothing, self.pooling, self.kind, self.divide = problem.smoothing, pooling, problem.x.dtype, False
        self.clean = smoothing.features is None and smoothing.rows is None
        if smoothing.features is None or isinstance(smoothing.features, Gaussian):
            # Sums of blocks under Gaussian noise that has the law of theirs.
            features = smoothing.features and Gaussian(pooling.widened(smoothing.features.sigma))
            smoothing, self.divide = replace(smoothing, features=features), True
            problem = replace(problem, x=pooling.sums(problem.x), smoothing=smoothing)
        self.some, self.others, rows = problem, None, len(problem.x)
        self.root, noise = None, smoothing.features
        if isinstance(noise, Gaussian) and RootSampler.fits(problem, noise.sigma, pooling.size):
            self.root = RootSampler(problem, noise.sigma, pooling.size, self.kind)
        if self.root is None and smoothing.rows is None and not self.clean and rows > ROWS:
            chosen = torch.zeros(rows, dtype=torch.bool, device=problem.x.device)
            chosen[torch.linspace(0, rows - 1, ROWS).long()] = True
            self.some, self.others = (replace(problem, x=problem.x[own], y=problem.y[own]) for own in (chosen, ~chosen))

    def draw(self, generators: Sequence[Generator]) -> tuple[Moments, Moments]:
        """Draw one noised training set per generator; return the moments of the noised rows, and with all class sums.

        Guarantee
        ---------
        All numbers are functions of rows that were noised once, one by one, and of sums that have exactly the law of
        sums of such rows; or of numbers that :class:`RootSampler` noised once, which have the trade-off of such rows.
        """
        if self.clean:
            drawn = sample_class_sums(self.some, generators)
            x = self._pool(self.some.x)
            found = Moments(drawn.sizes.to(x), self._pool(drawn.sums), (x.T @ x).expand(len(generators), -1, -1))
        elif self.root is not None:
            found = Moments(*self.root.draw(generators))
        else:
            blocks = noised_at_once(self.some, len(generators))
            parts = [self._of_rows(generators[numbers.start : numbers.stop]) for numbers in blocks]
            found = Moments(*(torch.cat([getattr(one, name) for one in parts]) for name in ("counts", "sums", "gram")))
        if self.others is None:
            return found, found
        more = sample_class_sums(self.others, generators)
        return found, Moments(found.counts + more.sizes.to(self.kind), found.sums + self._pool(more.sums), found.gram)

    def _of_rows(self, generators: Sequence[Generator]) -> Moments:
        (x, y), size = self.some.noised_many(generators), self.pooling.size
        if not self.divide:
            return Moments.of(self._pool(x), y, self.some.num_classes)
        sums = Moments.of(x.to(self.kind), y, self.some.num_classes)
        return Moments(sums.counts, sums.sums / size, sums.gram / size**2)

    def _pool(self, x: Tensor) -> Tensor:
        """Pool noised rows or sums of them, shape (..., features)."""
        if self.divide:
            # Rounded before it is divided, or drawn numbers would tell in which type clean sums are exact.
            return x.to(self.kind) / self.pooling.size
        return self.pooling(x.flatten(0, -2)).view(*x.shape[:-1], -1)
