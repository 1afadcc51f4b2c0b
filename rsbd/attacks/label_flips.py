"""The strongest label flips against least squares: exact for one point, greedy for many at once.

This is the attack of someone who knows everything, without noise or certificate. It shows how close a certificate
against label flips comes to the truth, and how much a classifier without a certificate loses.
"""

import numpy as np

from rsbd.errors import InputError
from rsbd.types import Floats, Ints


def fewest_flips(influence: Floats, y: Ints, num_classes: int = 2) -> tuple[Ints, Ints]:
    """Count the label flips that turn the prediction of least squares at each point, exactly.

    Class ``c`` has the score ``sum_i a_i [y_i = c]`` and the largest score wins (ties: the lowest class). One new label
    closes the gap between class ``b`` and the predicted class by up to ``|a_i|`` minus what the old label contributed,
    whatever the other labels are. So the largest changes are taken until the gap is closed.

    Guarantee
    ---------
    No smaller number of flips raises any other score to that of the predicted class. The sums are rounded: where two
    scores meet exactly, the number can be off by one.

    Parameters
    ----------
    influence : ndarray
        Influence of every training label on every point, shape (points, rows):
        :meth:`rsbd.recipes.rosenfeld.LeastSquares.influence`.
    y : array of int, shape (rows,)
        Training labels.
    num_classes : int
        Number of classes.

    Returns
    -------
    label, flips : array of int, shape (points,)
        Prediction, and the number of flips that changes it; ``rows + 1`` if no number does.

    Examples
    --------
    Influences 1/2, 1/3 and 1/6, all labelled 1: one flip leaves a score of 1/2, which is no majority.

    >>> fewest_flips(np.array([[1 / 2, 1 / 3, 1 / 6]]), np.array([1, 1, 1]))
    (array([1]), array([1]))
    >>> fewest_flips(np.full((1, 5), 1 / 5), np.ones(5, int))
    (array([1]), array([3]))
    """
    scores = influence @ np.eye(num_classes)[y]
    label = scores.argmax(axis=1).astype(np.int64)
    flips = np.full(len(label), len(y) + 1, dtype=np.int64)
    size = np.abs(influence)
    for other in range(num_classes):
        for j in np.flatnonzero(label != other):
            given = influence[j] * ((y == other).astype(float) - (y == label[j]))
            reach = np.cumsum(np.sort(size[j] - given)[::-1])
            short = scores[j, label[j]] - scores[j, other]
            flips[j] = min(flips[j], np.searchsorted(reach, short * (1 - 1e-12)) + 1)
    return label, flips


def heaviest(influence: Floats, y: Ints, label: Ints) -> Ints:
    """Order the rows by how much flipping their label harms the given labels of the points, largest first: (rows,).

    For one point, the first ``m`` rows are the strongest ``m`` flips against it. For many points, they are one greedy
    attack on all of them, which need not be the strongest. For two classes.

    Examples
    --------
    >>> heaviest(np.array([[0.1, 0.7, 0.2]]), np.array([1, 1, 1]), np.array([1]))
    array([1, 2, 0])
    """
    side = np.where(np.asarray(label) == 1, 1.0, -1.0)
    loss = (side @ influence) * np.where(y == 1, 1.0, -1.0)
    return np.asarray(np.argsort(-loss, kind="stable"))


def carried_out(influence: Floats, y: Ints, rows: Ints) -> Ints:
    """Predict after 0, 1, 2, ... of the given rows are flipped, in this order: int array (rows + 1, points).

    Examples
    --------
    >>> carried_out(np.array([[0.1, 0.7, 0.2]]), np.array([1, 1, 1]), np.array([1, 2]))[:, 0]
    array([1, 0, 0])
    """
    if len(np.unique(y)) > 2 or np.max(y, initial=0) > 1:
        raise InputError(f"labels go up to {np.max(y)}", "this attack is for the two labels 0 and 1")
    steps = influence[:, rows] * np.where(y[rows] == 1, -1.0, 1.0)
    scores = np.cumsum(np.column_stack([influence @ y, steps]), axis=1)
    return (scores > 0.5).astype(np.int64).T
