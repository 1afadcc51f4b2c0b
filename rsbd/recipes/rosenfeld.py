"""Rosenfeld, Winston, Ravikumar, Kolter 2020: label noise on least squares, certified without sampling."""

from fractions import Fraction

import numpy as np

from rsbd.certify import ABSTAIN, Certificate, radius
from rsbd.data import Dataset
from rsbd.noises import Flip, Smoothing
from rsbd.recipes.certified import LabelFlips
from rsbd.recipes.least_squares import LeastSquares, closed_form_radius, label_flip_bounds


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
        see :class:`~rsbd.recipes.least_squares.LeastSquares`.

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
