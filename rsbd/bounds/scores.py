"""Bounds on expected scores, such as average confidences, in place of vote counts."""

import numpy as np

from rsbd.bounds.base import Bounds
from rsbd.types import Floats


def hoeffding_scores(scores: Floats, num_models: int, alpha: float) -> Bounds:
    """Bound expected scores from averages of scores in [0, 1] that sum to 1 over the classes.

    The level is shared as in :func:`rsbd.bounds.hoeffding`: one bound for each of two classes, two for each of more.

    Parameters
    ----------
    scores : array, shape (points, classes)
        Averages over the models.
    num_models : int
        Number of models.
    alpha : float
        Failure probability for each point.

    Examples
    --------
    >>> hoeffding_scores(np.array([[0.9, 0.1]]), num_models=1000, alpha=0.001).miss.round(4)
    array([0.1616])
    """
    classes, label = scores.shape[1], scores.argmax(axis=1)
    level = alpha / (classes if classes == 2 else 2 * classes)
    # Scores are float32, so averages are off by up to about 1e-6. The share of the others is summed, not subtracted.
    width = np.sqrt(-np.log(level) / (2 * num_models)) + 1e-6
    others = np.where(np.arange(classes) == label[:, None], 0.0, scores)
    miss = np.minimum(others.sum(axis=1) + width, 1.0)
    return Bounds(label, miss, np.minimum(miss, others.max(axis=1) + width), alpha)
