"""Trains linear discriminants in closed form, from sampled statistics of each noised training set."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Generator, Tensor

from rsbd.evasion.linear import forward_error
from rsbd.learners.base import Learner, LinearScores, Problem
from rsbd.learners.discriminant.moments import Moments, MomentSampler
from rsbd.learners.discriminant.pooling import Pooling
from rsbd.learners.shared_noise import MOST, noised_scores
from rsbd.noises import Gaussian, Noise
from rsbd.noises.base import Channel


@dataclass(frozen=True)
class LDA(Learner):
    """Linear discriminant analysis, made for Gaussian noise on the features.

    Images are pooled, so that 4 to 8 blocks a side are left. Where training features carry Gaussian noise, and labels
    carry none or there are 10,000 rows, the means of the classes and the root of a scatter carry the noise: see
    :mod:`rsbd.learners.discriminant.root`. Else the noised rows themselves are drawn, at most 1,000 of them at equal
    distances, and their scatter is computed; of all others the noised class sums alone, at once. All that follows the
    noise is post-processing, so the learner may use what it knows: it undoes label flips in the mean, and adds the
    variance by which the test noise exceeds the training noise.

    Notes
    -----
    What is drawn has exactly the certified law: see :mod:`rsbd.noises.lattice`. From a root, a model takes as long for
    any number of rows; from rows, some 10 ns for each block of those that are drawn.

    References
    ----------
    Chen, Wiesel, Eldar, Hero 2010, Shrinkage algorithms for MMSE covariance estimation, equation 23.
    """

    in_double: ClassVar[bool] = True

    def train(self, problem: Problem, generators: Sequence[Generator]) -> "Discriminants":
        """Train one discriminant per generator."""
        sampler = _sampler(problem, Pooling.choose(problem.shape))
        some, drawn = sampler.draw(generators)
        rows = sampler.some.num_rows
        freedom = max(1, rows - problem.num_classes)
        seen, asked = _channel(problem.smoothing.features), _channel(problem.smoothing.test)
        # Stretched, a point under the test noise looks like a training row. The variance by which its noise exceeds
        # that of a training row is added to the scatter. If it has less noise, the difference acts as shrinkage.
        stretch = asked.scale / seen.scale if asked.scale and seen.scale else 1.0
        extra = max(0.0, asked.variance / stretch**2 - seen.variance)

        # A floor keeps the scatter invertible in float32 if pixels are constant and carry no noise.
        floor = 1e-9 + 1e-6 / rows * _trace(some.gram)
        # In the square of a symmetric root, noise counts twice: it is as far off as the scatter of half as many rows.
        worth = freedom / (2 * sampler.root.wider**2 if sampler.root else 1)
        scatter = shrink_scatter(scatter_within_classes(some).div_(freedom), worth)
        scatter.diagonal(dim1=1, dim2=2).add_((floor + extra)[:, None])
        lower, failed = torch.linalg.cholesky_ex(scatter)
        # Root and sums have noises of their own, which can make a scatter indefinite: then all directions count alike.
        lower[failed > 0] = torch.eye(scatter.shape[1], dtype=scatter.dtype, device=scatter.device)
        counts, sums = undo_flips(drawn, problem.smoothing.labels)
        means = sums / counts.clamp(min=1)[..., None]
        weights = torch.cholesky_solve(means.mT, lower).mT.contiguous()
        # A class without rows gets log 0 and is never chosen.
        biases = counts.log() - (weights * means).sum(-1) / 2

        weights, shift = weights / stretch, sampler.pooling.size * (stretch * seen.offset - asked.offset)
        biases = biases + shift * weights.sum(-1)
        return Discriminants(weights.float(), biases.float(), sampler.pooling)

    def block_size(self, problem: Problem) -> int:
        """Return as many models as keep labels and scatters within about 100 MB."""
        blocks = len(Pooling.choose(problem.shape)(problem.x[:1])[0])
        labels = 0 if problem.smoothing.labels is None else problem.num_classes * problem.num_rows
        return max(1, min(64, 2**24 // (labels + 4 * blocks**2)))


# Blocks of one ensemble share it. Tensors hash by identity, so other data are never mistaken for these.
_sampler = lru_cache(maxsize=2)(MomentSampler)


def _channel(noise: Noise | None) -> Channel:
    return Channel() if noise is None else noise.channel()


def scatter_within_classes(drawn: Moments) -> Tensor:
    """Return the scatter of the rows about the means of their classes, shape (models, features, features)."""
    means = drawn.sums / drawn.counts.clamp(min=1)[..., None]
    return torch.baddbmm(drawn.gram, drawn.sums.mT, means, alpha=-1)


def shrink_scatter(scatter: Tensor, freedom: float) -> Tensor:
    """Replace a share of each scatter by a multiple of the identity: the oracle approximation."""
    features, trace = scatter.shape[-1], _trace(scatter)
    square = torch.linalg.vector_norm(scatter, dim=(1, 2)).square()
    above = (1 - 2 / features) * square + trace**2
    below = (freedom + 1 - 2 / features) * (square - trace**2 / features)
    shares = (above / below.clamp(min=1e-30)).clamp(0, 1)
    scatter = scatter * (1 - shares)[:, None, None]
    scatter.diagonal(dim1=1, dim2=2).add_((shares * trace / features)[:, None])
    return scatter


def _trace(matrices: Tensor) -> Tensor:
    return matrices.diagonal(dim1=1, dim2=2).sum(-1)


def undo_flips(drawn: Moments, noise: Noise | None) -> tuple[Tensor, Tensor]:
    """Estimate counts and sums by true label: noise mixes classes by a known matrix, which is inverted."""
    mixing = None if noise is None else noise.transition()
    if mixing is None or torch.linalg.cond(mixing) > 1e6:  # nothing to undo, or labels without information
        return drawn.counts, drawn.sums
    undo = torch.linalg.inv(mixing).to(drawn.sums)
    # Summed by hand: a product with one row rounds unlike a product with many.
    counts = (drawn.counts[:, :, None] * undo).sum(1)
    return counts.clamp(min=1), undo.T.expand(len(counts), -1, -1) @ drawn.sums


@dataclass(frozen=True)
class Discriminants(LinearScores):
    """Trained discriminants: the class of the largest ``weights @ pooled input + bias``.

    Parameters
    ----------
    weights : Tensor
        Shape (models, classes, blocks).
    biases : Tensor
        Shape (models, classes).
    pooling : Pooling
        Applied to an input first.
    """

    weights: Tensor
    biases: Tensor
    pooling: Pooling

    def scores(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Return the log-probability of each class up to a common term: shape (models, classes, points)."""
        weights, size, most = self.weights, self.pooling.size, MOST
        if noise is None or isinstance(noise, Gaussian):
            # The noise on the sums of blocks is Gaussian too.
            x, weights, most = self.pooling.sums(x), weights / size, most * size**2
            noise = noise and Gaussian(self.pooling.widened(noise.sigma))
        else:
            weights = self.pooling.spread(weights)
        return noised_scores(weights, self.biases, x, noise, generators, most)

    def linear(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return weights of pixels, biases and rounding errors, those of adding up a block included."""
        weights = self.pooling.spread(self.weights)
        terms = self.weights.shape[-1] + self.pooling.size**2 + 16
        # A class without rows never wins; a bias below all scores says so too, and is finite.
        bare = self.biases == -torch.inf
        others = self.biases.masked_fill(bare, 0).abs() + weights.abs().sum(-1)
        biases = self.biases.where(~bare, -1 - 4 * others.sum(1, keepdim=True))
        return weights, biases, forward_error(weights.abs().sum(-1) + biases.abs(), terms)

    def parameters(self) -> Tensor:
        """Return weights and biases, (models, numbers)."""
        return torch.cat([self.weights.flatten(1), self.biases], dim=1)
