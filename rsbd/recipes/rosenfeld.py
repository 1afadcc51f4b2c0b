"""Rosenfeld, Winston, Ravikumar, Kolter 2020: label noise on least squares, certified without sampling."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from rsbd.bounds import Bounds
from rsbd.bounds.chernoff import Chances, lower_tail
from rsbd.certify import ABSTAIN, Certificate, radius
from rsbd.certify.allocation import FURTHEST
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.noises import Flip, Smoothing
from rsbd.recipes.result import LabelFlips
from rsbd.types import Floats, Ints, NDArray

_CELLS = 1 << 24  # most influences in memory at once


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
    def fit(cls, x: NDArray[np.floating], penalty: float | None = None, intercept: bool = True) -> "LeastSquares":
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


def label_flip_bounds(model: LeastSquares, x_test: NDArray[np.floating], y: Ints, noise: Flip) -> Bounds:
    """Bound the probability that flipped labels change a prediction of least squares.

    With two classes the score is ``sum_i a_i y_i``, labels are 0 and 1, and 1 is predicted above one half. With more,
    every class has the score of its own rows, the largest wins, and the top class is compared with each other one.

    Guarantee
    ---------
    The bounds hold with certainty: nothing is sampled, ``alpha`` is 0. They speak of the classifier with the computed
    influences, taken as exact numbers.

    Parameters
    ----------
    model : LeastSquares
        Fitted to the training features.
    x_test : ndarray
        Points, shape (points, *shape).
    y : array of int, shape (rows,)
        The labels that the defender holds.
    noise : Flip
        Noise on the labels; as many values as classes.
    """
    bound = _two if noise.values == 2 else _many
    size = max(1, _CELLS // len(model.rows))
    starts = range(0, max(1, len(x_test)), size)
    parts = [bound(model.influence(x_test[i : i + size]), y, noise) for i in starts]
    label, miss, runner_up = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return Bounds(label, miss, runner_up, alpha=0.0)


def closed_form_radius(miss: Floats, noise: Flip) -> Ints:
    """Return certified label flips by the paper's closed form, -1 for none; the exact ones are about twice.

    ``r`` flips move the laws apart by ``r`` times the divergence of one, ``(keep - away) log(keep / away)``, and to
    raise the other classes from ``miss`` to one half takes ``-log(4 miss (1 - miss)) / 2``.

    Parameters
    ----------
    miss : array of float, shape (points,)
        Upper bounds on ``1 - P(top class)``.
    noise : Flip
        Noise on the labels.

    References
    ----------
    Rosenfeld et al. 2020, for two classes; the same argument holds for more.

    Examples
    --------
    >>> closed_form_radius(np.array([1e-6, 1e-3, 0.4, 0.6]), Flip(0.8))
    array([ 7,  3,  0, -1])
    """
    keep, away = noise.keep, (1 - noise.keep) / (noise.values - 1)
    # Subtracted exactly: where the two are nearly equal, floats would lose the digits that count.
    apart, least = float(abs(keep - away)), float(min(keep, away))
    with np.errstate(divide="ignore", invalid="ignore"):
        one = apart * np.log1p(np.divide(apart, least))
        near = np.log1p(-((1 - 2 * miss) ** 2))  # log(4 miss (1 - miss)), in two ways that lose no digits
        far = np.log(4 * miss) + np.log1p(-miss)
        flips = -np.where(miss < 0.25, far, near) / (2 * one) * (1 - 1e-12)
    # If the two laws are equal, labels carry no information, and flips change nothing.
    whole = np.floor(np.clip(np.nan_to_num(flips, nan=0.0, posinf=FURTHEST), 0, FURTHEST)).astype(np.int64)
    return np.where(miss < 0.5, whole, -1)


def _two(influence: Floats, y: Ints, noise: Flip) -> tuple[Ints, Floats, Floats]:
    keep, away = float(noise.keep), float(1 - noise.keep)
    one, zero = np.where(y == 1, keep, away), np.where(y == 1, away, keep)
    label = (influence @ one > 0.5).astype(np.int64)
    side = np.where(label == 1, 1.0, -1.0)
    miss = lower_tail(side[:, None] * influence, Chances(one, zero, np.zeros(len(y))), side / 2)
    return label, miss, miss


def _many(influence: Floats, y: Ints, noise: Flip) -> tuple[Ints, Floats, Floats]:
    away = (1 - noise.keep) / (noise.values - 1)
    keep, move, neither = float(noise.keep), float(away), float(1 - noise.keep - away)
    truth = np.eye(noise.values)[y]
    label = (influence @ truth).argmax(axis=1)  # the same order as that of the expected scores, if keep > away
    if keep < move:
        label = (influence @ truth).argmin(axis=1)
    miss, runner_up = np.zeros(len(label)), np.zeros(len(label))
    for top in np.unique(label):
        points = np.flatnonzero(label == top)
        for other in np.delete(np.arange(noise.values), top):
            # Score of the top class less that of the other one: each row adds its influence, nothing, or takes it away.
            up, down = (np.where(y == one, keep, move) for one in (top, other))
            rest = np.where((y == top) | (y == other), neither, float(1 - 2 * away))
            tail = lower_tail(influence[points], Chances(up, rest, down), 0.0)
            miss[points] += tail
            runner_up[points] = np.maximum(runner_up[points], tail)
    miss = np.minimum(miss * (1 + noise.values * 2.0**-52), 1.0)
    return label, miss, np.minimum(miss, runner_up)


def rosenfeld(dataset: Dataset, keep: float | Fraction | str = 0.7, *, penalty: float | None = None) -> LabelFlips:
    """Certify predictions against flipped training labels.

    Every training label is kept with probability ``keep``, else replaced by another. Least squares is linear in the
    labels, so the probability that the noise turns a prediction is one tail of a sum of independent terms, and
    Chernoff's bound holds it for all test points at once, without drawing any noise.

    Guarantee
    ---------
    With certainty: no data set that differs from ``dataset`` in at most ``radius`` training labels changes the
    smoothed classifier's label of the point. Features are taken as they are: neither changed features nor a trigger on
    the test input are covered.

    Parameters
    ----------
    dataset : Dataset
        Any features. The certificate is centred on its labels.
    keep : float, Fraction or str
        Probability that a label keeps its value (the paper's ``1 - q``).
    penalty : float, optional
        Regularisation. It must not depend on the training labels; by default it is taken from the training features:
        see :class:`~rsbd.recipes.rosenfeld.LeastSquares`.

    References
    ----------
    Rosenfeld, Winston, Ravikumar, Kolter, "Certified Robustness to Label-Flipping Attacks via Randomized Smoothing",
    2020: the closed form, and Chernoff's bound for least squares.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", classes=(1, 7))
    >>> found = rosenfeld(digits, keep=0.8)
    >>> found.certificate.accuracy(digits.y_test, radius=3) > 0.5
    True
    >>> bool((found.certificate.radius >= found.closed_form.radius).all())
    True
    """
    noise = Flip(keep, dataset.num_classes)
    smoothing = Smoothing(labels=noise)
    model = LeastSquares.fit(dataset.x, penalty)
    bounds = label_flip_bounds(model, dataset.x_test, dataset.y, noise)
    exact = radius(bounds, smoothing)
    flips = closed_form_radius(bounds.miss, noise)
    label = np.where(flips < 0, ABSTAIN, bounds.label)
    closed_form = Certificate(label, flips, bounds.alpha, exact.norm, exact.slots, exact.max_radius)
    return LabelFlips(smoothing, bounds, exact, penalty=model.penalty, closed_form=closed_form)
