"""Regularised least squares as a linear function of the training labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from rsbd.errors import InputError
from rsbd.types import Floats


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """Ridge regression on fixed features, as a function of the labels.

    The score of a point ``x`` is ``sum_i a_i y_i`` with ``a = X (X'X + penalty I)^-1 x``: the influence of each
    training label on that point. With an intercept, features are centred and each label also counts ``1 / rows``, so
    that the influences on a point add up to 1.

    Guarantee
    ---------
    Nothing here reads a label, and neither does the default penalty. An attacker who changes labels does not change the
    classifier as a function of the labels: certificates against label flips rely on that. A penalty chosen by the
    training labels (by leaving one out, for example) is under the attacker's control and makes the certificates void.
    A penalty chosen by labels that the attacker cannot reach, or before any labels were seen, does not.

    Parameters
    ----------
    rows : ndarray
        Training features, centred if there is an intercept, shape (rows, features).
    centre : ndarray
        Subtracted from each point, shape (features,).
    factor : tuple
        Cholesky factor of ``X'X + penalty I``, or of ``X X' + penalty I`` where there are fewer rows than features.
    penalty : float
        The regularisation.
    share : float
        Added to each influence by the intercept.
    """

    rows: Floats
    centre: Floats
    factor: tuple[Floats, bool]
    penalty: float
    share: float

    @classmethod
    def fit(cls, x: NDArray[np.floating], penalty: float | None = None, intercept: bool = True) -> LeastSquares:
        """Prepare for the training features ``x``, shape (rows, *shape).

        Parameters
        ----------
        x : ndarray
            Training features.
        penalty : float, optional
            By default the mean eigenvalue of ``X'X``, weighted by how much of the data lies along it: ``tr((X'X)^2) /
            tr(X'X)``. Directions in which the rows typically differ count about half, rarer ones vanish. That is a
            strong penalty, which spreads a prediction over many labels and so makes it hard to flip.
        intercept : bool
            Whether to centre the features and count every label a little. An intercept is not penalised.

        Raises
        ------
        InputError
            The penalty is negative, or too small for these features.
        """
        flat = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
        centre = flat.mean(axis=0) if intercept else np.zeros(flat.shape[1])
        rows = flat - centre
        gram = rows.T @ rows if rows.shape[1] <= len(rows) else rows @ rows.T  # the same nonzero eigenvalues
        if penalty is None:
            penalty = float((gram * gram).sum() / max(np.trace(gram), 1e-300)) or 1.0
        if not (np.isfinite(penalty) and penalty >= 0):
            raise InputError(f"penalty is {penalty!r}", "give a number from 0, or None for one from the features")
        gram[np.diag_indices_from(gram)] += penalty
        try:
            factor, lower = cho_factor(gram, overwrite_a=True)
        except LinAlgError:
            raise InputError(f"penalty {penalty!r} is too small for these features", "give a larger one") from None
        return cls(rows, centre, (factor, bool(lower)), float(penalty), 1 / len(rows) if intercept else 0.0)

    def influence(self, x: NDArray[np.floating]) -> Floats:
        """Return the influence of every training label on every point: shape (points, rows).

        Parameters
        ----------
        x : ndarray
            Points, shape (points, *shape).

        Examples
        --------
        >>> model = LeastSquares.fit(np.array([[0.0], [0.0], [1.0]]), penalty=0.0)
        >>> model.influence(np.array([[0.0], [1.0]])).round(3) + 0.0
        array([[0.5, 0.5, 0. ],
               [0. , 0. , 1. ]])
        """
        points = np.asarray(x, dtype=np.float64).reshape(len(x), len(self.centre)) - self.centre
        if self.rows.shape[1] <= len(self.rows):
            weights = cho_solve(self.factor, points.T).T @ self.rows.T
        else:
            weights = cho_solve(self.factor, self.rows @ points.T).T
        return np.asarray(weights + self.share)
