"""Trains classifiers without a defence, which attacks are measured on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from rsbd.data import Dataset
from rsbd.learners import Learner, Problem
from rsbd.learners.base import predict_labels, train_models
from rsbd.learners.randomness import generators
from rsbd.noises import Smoothing
from rsbd.types import Floats, Labels, Points

if TYPE_CHECKING:
    from sklearn.linear_model import RidgeClassifier


def predict_undefended(dataset: Dataset, learner: Learner, x: Points, seed: int = 0) -> Labels:
    """Train once, without noise, and label ``x``.

    Learners that undo a known noise need noise. They are replaced by regularised least squares, which is linear as they
    are and, like most classifiers that fit their data well, learns a trigger from a handful of rows.

    Parameters
    ----------
    dataset : Dataset
        Training rows, poisoned or not.
    learner : Learner
        The base learner of the defence, which also trains the undefended classifier.
    x : ndarray
        Inputs, shape (points, *dataset.shape).
    seed : int
        Seed of learners that start at random.

    Returns
    -------
    ndarray
        Labels, shape (points,), int64.
    """
    if not learner.needs_noise:
        streams = generators(seed, range(1))
        models = train_models(learner, Problem.of(dataset, Smoothing()), streams)
        return predict_labels(models, torch.tensor(x.reshape(len(x), -1)), None, streams)[0].numpy()
    model = _ridge(dataset)
    # Scores of a few binary rows are often equal up to rounding, which differs between machines.
    scores = model.decision_function(_with_one(x)).round(9)
    best = scores.argmax(1) if scores.ndim > 1 else (scores > 0).astype(np.int64)
    return np.asarray(model.classes_[best], np.int64)


def undefended_weights(dataset: Dataset) -> Floats:
    """Return the weights of the linear classifier of :func:`predict_undefended`, one for each input and class.

    Returns
    -------
    ndarray
        Shape (classes, *dataset.shape): positive weights speak for the class, negative weights against it.

    Examples
    --------
    >>> from rsbd.data import load
    >>> undefended_weights(load("digits", view="unit")).shape
    (10, 8, 8)
    """
    model = _ridge(dataset)
    rows = np.atleast_2d(model.coef_)[:, :-1]
    found = np.zeros((dataset.num_classes, dataset.num_features))  # a class with no row has no weight
    # For two classes there is one row of weights, for the second class and against the first.
    found[model.classes_] = np.concatenate([-rows, rows]) if len(rows) == 1 else rows
    return found.reshape(-1, *dataset.shape)


def _ridge(dataset: Dataset) -> RidgeClassifier:
    from sklearn.linear_model import RidgeClassifier

    return RidgeClassifier(alpha=1.0, fit_intercept=False).fit(_with_one(dataset.x), dataset.y)


def _with_one(x: Points) -> Floats:
    """Flatten the inputs and add a constant 1, so that the intercept is shrunk like any weight."""
    return np.column_stack([x.reshape(len(x), -1), np.ones(len(x))])
