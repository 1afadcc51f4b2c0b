"""RAB on soft scores (Weber et al. 2023): the average of the models' confidences in place of their votes."""

from __future__ import annotations

import numpy as np

from rsbd.bounds import Bounds, over_points
from rsbd.bounds.scores import hoeffding_scores
from rsbd.certify import radius
from rsbd.data import Dataset
from rsbd.ensemble import confidences
from rsbd.learners import LDA, HashedTestNoise, Learner, randomness
from rsbd.noises import Gaussian, Noise, Smoothing
from rsbd.recipes.certified import Scored


def rab_soft(
    dataset: Dataset,
    sigma: float = 1.0,
    *,
    noise: Noise | None = None,
    learner: Learner | None = None,
    num_models: int = 1000,
    alpha: float = 0.001,
    points: str = "each",
    seed: int = 0,
    device: str = "auto",
) -> Scored:
    """Certify the class of the largest expected confidence against changed training features.

    :func:`rsbd.recipes.rab` with softmax scores in place of votes. A score in [0, 1] is the probability of a vote
    that a coin decides, so the same trade-off holds for its expectation. Clopper-Pearson needs votes, Hoeffding not.

    Guarantee
    ---------
    As for :func:`rsbd.recipes.rab`, about the class of the largest expected confidence.

    Parameters
    ----------
    dataset, sigma, noise, num_models, alpha, points, seed
        As in :func:`rsbd.recipes.rab`.
    learner : Learner, optional
        A learner with scores; :class:`~rsbd.learners.discriminant.lda.LDA` unless given.
    device : str
        As in :func:`rsbd.ensemble.collect`.

    References
    ----------
    Weber, Xu, Karlaš, Zhang, Li, "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023, on smoothed deep
    networks.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", view="unit", classes=(0, 1), points=50)
    >>> result = rab_soft(digits, sigma=1.0, num_models=200)
    >>> result.certificate.accuracy(digits.y_test, radius=0.25) > 0.8
    True
    """
    noise = Gaussian(sigma) if noise is None else noise
    smoothing = Smoothing(features=noise)
    models = HashedTestNoise(learner or LDA(), noise)
    sums = np.zeros((dataset.num_points, dataset.num_classes))
    (every,) = randomness.disjoint_ranges(num_models=num_models)
    for block in confidences.stream_confidences(dataset, smoothing, models, dataset.x_test, every, seed, device):
        sums += block.sum(axis=0, dtype=np.float64)
    evidence = hoeffding_scores(sums / num_models, num_models, over_points(alpha, dataset.num_points, points))
    evidence = Bounds(evidence.label, evidence.miss, evidence.runner_up, alpha, points)
    return Scored(smoothing, evidence, radius(evidence, smoothing), scores=sums / num_models)
