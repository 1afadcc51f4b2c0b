"""The classifier that nobody defends: what the attack is measured against."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from rsbd.data import Dataset
from rsbd.learners import Learner, Problem
from rsbd.rng import generators
from rsbd.smoothing import Smoothing


def predict_undefended(
    dataset: Dataset, learner: Learner, x: NDArray[np.float32], seed: int = 0
) -> NDArray[np.int64]:
    """Train once, without noise, and label ``x``.

    Learners that undo a known noise are made for noise; in their place stands regularised least squares, which like
    them is linear and, like most classifiers that fit their data well, takes a trigger from a handful of rows.

    Parameters
    ----------
    dataset : Dataset
        Training rows, poisoned or not.
    learner : Learner
        The base learner of the defence; the undefended classifier is of its kind.
    x : ndarray
        Inputs, shape (points, *dataset.shape).
    seed : int
        For learners that start at random.

    Returns
    -------
    ndarray
        Labels, shape (points,), int64.
    """
    flat = dataset.x.reshape(dataset.num_rows, -1)
    if not learner.needs_noise:
        rows, y = torch.from_numpy(flat), torch.from_numpy(dataset.y)
        problem = Problem(rows, y, dataset.num_classes, dataset.values, dataset.shape, Smoothing())
        streams = generators(seed, range(1))
        points = torch.from_numpy(np.ascontiguousarray(x.reshape(len(x), -1)))
        return learner.train(problem, streams).predict(points, None, streams)[0].numpy()
    from sklearn.linear_model import RidgeClassifier

    def with_one(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.column_stack([rows, np.ones(len(rows), np.float32)])  # an intercept, shrunk like any weight

    model = RidgeClassifier(alpha=1.0, fit_intercept=False).fit(with_one(flat), dataset.y)
    labels: NDArray[np.int64] = model.predict(with_one(x.reshape(len(x), -1))).astype(np.int64)
    return labels
