"""Judges of recipes that sample no ensemble: examples of a judge of one's own for :func:`rsbd.audit.attack`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rsbd.audit import Change, Judge
from rsbd.bounds.nearest import neighbour_bounds
from rsbd.data import Dataset
from rsbd.learners import randomness
from rsbd.noises import Flip
from rsbd.recipes.rosenfeld import LeastSquares
from rsbd.types import Floats, Labels, NDArray, Points


@dataclass(frozen=True)
class NoisedLabels(Judge):
    """Least squares on noised labels (Rosenfeld et al.), which are sampled here; the penalty stays the same."""

    noise: Flip
    penalty: float

    def __call__(self, dataset: Dataset, x: Points, num_models: int, seed: int) -> Floats:
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
        num: int,
        seed: int,
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
class Nearest(Judge):
    """RAB's smoothed nearest neighbour, exact up to the width of its bounds."""

    sigma: float
    resolution: int = 100
    neighbours: int = 1

    def __call__(self, dataset: Dataset, x: Points, num_models: int, seed: int) -> Floats:
        rows, points = dataset.x.reshape(dataset.num_rows, -1), x.reshape(len(x), -1)
        classes, k = dataset.num_classes, self.neighbours
        found = neighbour_bounds(rows, dataset.y, points, self.sigma, classes, self.resolution, k)
        return np.asarray((1 - found.miss + found.upper) / 2)

    def margin(self, num_models: int) -> float:
        return 1e-3
