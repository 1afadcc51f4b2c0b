"""Trains classifiers without a defence, which attacks are measured on."""

from functools import lru_cache

import numpy as np
import torch

from rsbd.data import Dataset
from rsbd.errors import check_kind
from rsbd.learners import HashedTestNoise, Learner, Problem
from rsbd.learners.checked import check_repeats, predict_labels, train_models
from rsbd.learners.determinism import reproducible
from rsbd.learners.randomness import generators
from rsbd.noises import Smoothing
from rsbd.types import Floats, Labels, Points


def predict_without_noise(dataset: Dataset, learner: Learner, x: Points, seed: int = 0, check: bool = True) -> Labels:
    """Train the learner once, without noise, and label ``x`` without noise.

    Parameters
    ----------
    dataset : Dataset
        Training rows, poisoned or not.
    learner : Learner
        The base learner of the defence.
    x : ndarray
        Inputs, shape (points, *dataset.shape).
    seed : int
        Seed of learners that start at random.
    check : bool
        Ask code of the user twice, see :func:`rsbd.learners.checked.check_repeats`.

    Returns
    -------
    ndarray
        Labels, shape (points,), int64.
    """
    check_kind("learner", learner, Learner)

    def ask() -> torch.Tensor:
        streams = generators(seed, range(1))
        with reproducible():
            models = train_models(learner, Problem.of(dataset, Smoothing()), streams)
            points = torch.tensor(np.array(x, np.float32).reshape(len(x), -1))
            return predict_labels(models, points, None, streams)[0]

    found = ask()
    if check:
        check_repeats(learner, ask, found)
    return found.numpy()


def predict_undefended(dataset: Dataset, learner: Learner, x: Points, seed: int = 0, check: bool = True) -> Labels:
    """Train once, without noise, and label ``x``, as somebody would who does not think of an attack.

    Learners that undo a known noise need noise. They are replaced by regularised least squares, which is linear as they
    are and, like most classifiers that fit their data well, learns a trigger from a handful of rows. To see what noise
    does, compare with :func:`predict_without_noise`, which replaces no learner.

    Parameters
    ----------
    dataset, learner, x, seed, check
        As in :func:`predict_without_noise`.

    Returns
    -------
    ndarray
        Labels, shape (points,), int64.
    """
    check_kind("learner", learner, Learner)
    if not learner.needs_noise:
        return predict_without_noise(dataset, learner, x, seed, check)
    classes, weights = _ridge(dataset)
    # Scores of a few binary rows are often equal up to rounding, which differs between machines.
    return np.asarray(classes[(_with_one(x) @ weights).round(9).argmax(1)], np.int64)


def unwrap(learner: Learner) -> Learner:
    """Return the learner inside a :class:`~rsbd.learners.wrapping.HashedTestNoise`, else the learner."""
    return learner.learner if isinstance(learner, HashedTestNoise) else learner


def undefended_name(learner: Learner) -> str:
    """Name the learner that :func:`predict_undefended` trains in place of a defence's learner.

    Examples
    --------
    >>> from rsbd.learners import LDA, Linear
    >>> undefended_name(Linear()), undefended_name(LDA())
    ('regularised least squares', 'the same learner')
    """
    return "regularised least squares" if unwrap(learner).needs_noise else "the same learner"


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
    (10, 28, 28)
    """
    classes, weights = _ridge(dataset)
    found = np.zeros((dataset.num_classes, dataset.num_features))  # a class with no row has no weight
    found[classes] = weights[:-1].T
    return found.reshape(-1, *dataset.shape)


@lru_cache(maxsize=4)  # a data set never changes
def _ridge(dataset: Dataset) -> tuple[Labels, Floats]:
    """Fit 1 to the rows of each class and -1 to all others; return the classes that have rows, and their weights."""
    classes = np.unique(dataset.y)
    x, sides = _with_one(dataset.x), np.where(dataset.y[:, None] == classes, 1.0, -1.0)
    rows, width = x.shape
    if rows < width:  # the same weights, from the smaller system
        return classes, x.T @ np.linalg.solve(x @ x.T + np.eye(rows), sides)
    return classes, np.asarray(np.linalg.solve(x.T @ x + np.eye(width), x.T @ sides))


def _with_one(x: Points) -> Floats:
    """Flatten the inputs and add a constant 1, so that the intercept is shrunk like any weight."""
    return np.column_stack([x.reshape(len(x), -1), np.ones(len(x))])
