"""Trains linear models that know their noise: class means, with the effect of the noise undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from rsbd.errors import InputError, is_between
from rsbd.evasion.linear import forward_error
from rsbd.learners.base import Learner, LinearScores, Problem
from rsbd.learners.linear import class_sums
from rsbd.learners.shared_noise import noised_labels, noised_scores
from rsbd.noises import Noise
from rsbd.noises.base import Channel

_PRIOR_SPREAD = 0.05  # expected distance of class shares from equal shares, before any data are seen


@dataclass(frozen=True)
class Linear(Learner):
    """Compare a point with the class means of the noised training set, after undoing the known effect of the noise.

    Training reads nothing but class sums, so a thousand models cost one matrix product and some thousand binomial
    draws each, for any number of rows. The steps are: take class means of the noised features under the noised labels;
    undo label noise by the inverse of its mixing matrix; undo feature noise by its known scale; smooth each class's
    difference from the mean of all classes over neighbouring pixels (strokes are wider than a pixel, noise is not);
    shrink to zero what stays within ``shrinkage`` standard errors of it. The decision boundary lies half way between
    the class means as they look under the noise of the test input.

    Parameters
    ----------
    smoothness : float
        Length over which neighbouring pixels are expected to agree, as a share of the image's side; 0 turns it off.
        Features that are not images are never smoothed.
    shrinkage : float
        Width of the soft threshold, in standard errors of a weight.

    Notes
    -----
    The two defaults were chosen on MNIST 1 against 7. They are settings of the base classifier: a certificate holds for
    any values that were fixed before looking at the data that it certifies.

    Examples
    --------
    >>> Linear()
    Linear(smoothness=0.054, shrinkage=1.5)
    """

    needs_noise: ClassVar[bool] = True
    in_double: ClassVar[bool] = True
    smoothness: float = 0.054
    shrinkage: float = 1.5

    def __post_init__(self) -> None:
        if not is_between(self.smoothness, 0, inf) or not is_between(self.shrinkage, 0, inf):
            raise InputError(repr(self), "both must be numbers from 0")

    def train(self, problem: Problem, generators: Sequence[Generator]) -> "LinearModels":
        """Train one model per generator."""
        noise = problem.smoothing.features
        channel = Channel() if noise is None else noise.channel()
        drawn = class_sums.sample_class_sums(problem, generators)
        sizes = drawn.sizes.clamp(min=1)
        means = drawn.sums / sizes.unsqueeze(-1)

        unmix = _unmix_labels(problem, drawn.sizes)
        scale = channel.scale if abs(channel.scale) > 1e-9 else float("inf")  # noise that hides everything: weights 0
        seen = means if (scale, channel.offset) == (1, 0) else (means - channel.offset).div_(scale)
        clean = seen if problem.smoothing.labels is None else (unmix @ means).sub_(channel.offset).div_(scale)
        centre = clean.mean(1, keepdim=True)
        away = clean - centre

        # Standard error of `away` per class, one figure for all pixels: a feature in [0, 1] of mean m varies by m(1-m)
        # at most, and the noise adds its own.
        room = 1 - seen.clamp_(0, 1)
        spread = room.mul_(seen).mean(-1) + channel.variance / scale**2
        mixing = unmix - unmix.mean(1, keepdim=True)
        error = (mixing.square() @ (spread / sizes).unsqueeze(-1)).sqrt()

        smoother, norms = (part.to(problem.x) for part in _smoother(problem.shape, self.smoothness))
        weights = away @ smoother
        threshold = torch.mul(self.shrinkage * error, norms, out=room)  # memory that is in the cache already
        small = torch.minimum(weights, threshold, out=seen)
        weights -= torch.maximum(small, threshold.neg_(), out=small)
        return LinearModels(weights.float(), away.div_(2).add_(centre).float())


@dataclass(frozen=True)
class LinearModels(LinearScores):
    """Trained weights, and for each class the clean point half way to it, both (models, classes, features)."""

    weights: Tensor
    halfway: Tensor

    def scores(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Score ``weights . (x - halfway)`` per class, with ``halfway`` seen through the noise of the test input."""
        return noised_scores(*self._seen(noise), x, noise, generators)

    def predict(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Label every point with the class of the largest score, shape (models, points)."""
        return noised_labels(*self._seen(noise), x, noise, generators)

    def _seen(self, noise: Noise | None) -> tuple[Tensor, Tensor]:
        channel = Channel() if noise is None else noise.channel()
        weights = self.weights if channel.scale >= 0 else -self.weights  # undo noise that inverts bits
        bare = (channel.scale, channel.offset) == (1, 0)
        bias = -(weights * (self.halfway if bare else channel.scale * self.halfway + channel.offset)).sum(-1)
        return weights, bias

    def linear(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return weights, biases and rounding errors; a bias is itself a sum, which may be rounded anew."""
        products = self.weights * self.halfway
        bias = -products.sum(-1)
        size = self.weights.abs().sum(-1) + 2 * products.abs().sum(-1) + bias.abs()
        return self.weights, bias, forward_error(size, self.weights.shape[-1] + 16)

    def parameters(self) -> Tensor:
        """Return weights and points half way, (models, numbers)."""
        return torch.cat([self.weights.flatten(1), self.halfway.flatten(1)], dim=1)


def _unmix_labels(problem: Problem, sizes: Tensor) -> Tensor:
    """Invert the matrix of the shares of noised class a that are truly of class b, (models, classes, classes)."""
    classes = problem.num_classes
    identity = torch.eye(classes, device=sizes.device, dtype=sizes.dtype)
    labels = problem.smoothing.labels
    transition = None if labels is None else labels.transition()
    if transition is None or torch.linalg.cond(transition) > 1e6:  # no noise, or labels without information
        return identity.expand(len(sizes), -1, -1)
    channel = transition.to(sizes)  # [true, noised]
    # Class shares from noised labels, drawn towards equal shares by as much as they are uncertain: with few rows a
    # wrong share would move the boundary more than it helps.
    rows, undo = sizes.sum(1, keepdim=True), torch.linalg.inv(channel)
    uncertain = undo[0, 0] ** 2 / (classes * rows)
    trust = _PRIOR_SPREAD**2 / (_PRIOR_SPREAD**2 + uncertain)
    prior = 1 / classes + trust * (sizes / rows @ undo - 1 / classes)
    prior = prior.clamp(min=0.25 / classes)
    joint = prior.unsqueeze(-1) * channel
    mixture = (joint / joint.sum(1, keepdim=True)).transpose(1, 2)  # [noised, true], rows sum to 1
    return torch.as_tensor(torch.linalg.inv(mixture))


@lru_cache(maxsize=16)
def _smoother(shape: tuple[int, ...], smoothness: float) -> tuple[Tensor, Tensor]:
    """Return the matrix of the posterior mean of a smooth image under white noise, and the norms of its columns.

    The noise has the variance of the image: the matrix is ``K (K + I)^-1``.

    ``K`` is the squared-exponential kernel over pixel positions. It is fixed before any data are seen.
    """
    filtered = np.eye(1)
    if smoothness > 0 and len(shape) >= 2:
        kernel: NDArray[np.floating] = np.ones((1, 1))
        for side in shape[-2:]:
            position = np.arange(side) / (side * smoothness)
            near: NDArray[np.float64] = np.exp(-0.5 * np.subtract.outer(position, position) ** 2)
            kernel = np.kron(kernel, near)
        filtered = kernel @ np.linalg.inv(kernel + np.eye(len(kernel)))
    matrix = torch.tensor(np.kron(np.eye(int(np.prod(shape)) // len(filtered)), filtered), dtype=torch.float32)
    return matrix, matrix.double().norm(dim=0)
