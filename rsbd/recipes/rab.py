"""RAB (Weber et al. 2023): noise on the training features; votes of trained models, or nearest neighbours exactly."""

from math import sqrt
from typing import Unpack

import numpy as np

from rsbd import bounds, ensemble
from rsbd.bounds import Bounds
from rsbd.bounds.nearest import neighbour_bounds
from rsbd.certify import radius
from rsbd.data import Dataset
from rsbd.errors import check_among, check_whole
from rsbd.learners import LDA, HashedTestNoise
from rsbd.noises import Gaussian, Noise, Smoothing
from rsbd.recipes.result import Certified, Proof
from rsbd.recipes.run import Run, split_run
from rsbd.types import ArrayLike, Floats

BOUNDS = {"hoeffding": bounds.hoeffding, "clopper-pearson": bounds.clopper_pearson}


def rab(
    dataset: Dataset,
    sigma: float = 1.0,
    *,
    noise: Noise | None = None,
    bound: str = "clopper-pearson",
    **run: Unpack[Run],
) -> Certified:
    """Certify predictions against changed training features by training every model on its own noised copy of them.

    Each model draws its noise once and keeps it through training; at test time it adds noise that a hash of its
    parameters decides (:class:`~rsbd.learners.wrapping.HashedTestNoise`), so that a trained model gives one answer. The
    vote of a model is then a function of its noised training features, and the Gaussian trade-off turns the
    probability of the top vote into a radius.

    Guarantee
    ---------
    For each point (for all of them at once with ``points="all"``), with confidence ``1 - alpha``: no training set
    whose features differ from ``dataset`` by an L2 length of at most ``radius``, all rows together, changes the
    smoothed classifier's label of the point.

    Covered: ``Threat(rows=m, trigger=t, relabel=False, on_test=False)`` for ``sqrt(m) t <= radius``, in any rows. Not
    covered: labels, which are the same on both sides (with poisoned labels in ``dataset`` the statement is that the
    trigger in the features has no effect beyond theirs), and the point itself. A point may carry the trigger, and then
    carries it on both sides; to let the attacker add it, noise the test input too:
    ``Smoothing(features=..., test=...)``.

    Parameters
    ----------
    dataset : Dataset
        The certificate is centred on it. The paper: MNIST 0 against 1, CIFAR-10 airplane against bird, tabular data.
    sigma : float
        Standard deviation of the noise, in input units (pixels in [0, 1]). The paper: 0.5 to 2 on MNIST.
    noise : Noise, optional
        Other noise on the training features, such as the paper's second one, ``Uniform(width)``; its norm is that of
        the radius.
    bound : str
        ``"clopper-pearson"``, or ``"hoeffding"`` as in the paper, which is wider. Where all of 1,000 models agree on
        one of two classes, the radius grows from 1.54 to 2.43 sigma; at 80 % from 0.64 to 0.69 sigma. Both share
        alpha over the classes. The paper's evaluation does not: it spends the whole of alpha on each of two bounds.
    **run
        As in :func:`rsbd.recipes.wang`; the base learner is :class:`~rsbd.learners.discriminant.lda.LDA` unless given.
        The paper: convolutional networks, 1,000 models, alpha 0.001.

    Returns
    -------
    Certified
        ``certificate.accuracy(y, r)`` is the certified accuracy at total length ``r``; :func:`per_row` divides it.

    References
    ----------
    Weber, Xu, Karlaš, Zhang, Li, "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023, theorem 1,
    corollary 1 (Gaussian) and its section on smoothed deep networks.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", view="unit", classes=(0, 1), points=50)
    >>> result = rab(digits, sigma=1.0, num_models=200)
    >>> result.certificate.accuracy(digits.y_test, radius=total(0.1, rows=16)) > 0.8
    True
    """
    check_among("bound", bound, BOUNDS)
    noise = Gaussian(sigma) if noise is None else noise
    smoothing = Smoothing(features=noise)
    learner, settings, level = split_run(run, LDA())
    votes = ensemble.collect(dataset, smoothing, HashedTestNoise(learner, noise), dataset.x_test, **settings)
    evidence = BOUNDS[bound](votes.counts, runner_up=dataset.num_classes > 2, **level)
    return Certified(smoothing, evidence, radius(evidence, smoothing), votes=votes)


def per_row(radius: ArrayLike, rows: int) -> Floats:
    """Return the largest L2 trigger that each of ``rows`` poisoned rows may carry in a total radius: R / sqrt(m).

    Negative radii (nothing certified) stay negative. Rounded down.

    Examples
    --------
    >>> float(per_row(2.0, rows=16).round(12))
    0.5
    """
    length = np.asarray(radius, np.float64)
    return np.asarray(np.nextafter(length / sqrt(check_whole("rows", rows, 1)) * (1 - 2.0**-51), -np.inf))


def total(trigger: ArrayLike, rows: int) -> Floats:
    """Return the total L2 length of a trigger of the given L2 length in each of ``rows`` rows: sqrt(m) t. Rounded up.

    Examples
    --------
    >>> float(total(0.5, rows=16).round(12))
    2.0
    """
    length = np.asarray(trigger, np.float64)
    return np.asarray(np.nextafter(length * sqrt(check_whole("rows", rows, 1)) * (1 + 2.0**-51), np.inf))


def rab_knn(dataset: Dataset, sigma: float = 1.0, *, neighbours: int = 1, resolution: int = 500) -> Proof:
    """Certify the nearest-neighbour classifier under Gaussian noise on the training features, exactly.

    The base classifier gives a point the label of its nearest noised training row, or the one that most of the nearest
    ``neighbours`` have. The rows' distances are independent and their law is known (non-central chi-square). A class
    has ``m`` of ``k`` votes if and only if its ``m``-th row is nearer than the ``(k - m + 1)``-th of the others: a race
    of two independent distances, whose odds are an integral, bounded from both sides (:mod:`rsbd.bounds.nearest`).
    The paper computes a bucketised neighbour, whose value can lie on either side of this one.

    Guarantee
    ---------
    Without any chance of failure: no training set whose features differ from ``dataset`` by an L2 length of at most
    ``radius``, all rows together, changes the smoothed classifier's label of the point. Labels and the point itself
    are the same on both sides (see :func:`rsbd.recipes.rab`). Misses below about 1e-20 can hardly be distinguished, so
    that radii end slightly beyond 9 sigma.

    This holds for any rule of breaking ties. For one neighbour, and for two classes with an odd number of neighbours,
    the bounds are tight; else a vote without a majority counts against every class. With ten classes of digits and
    three neighbours this costs little where one class leads clearly (3 % of probability at ``sigma`` 0.3) and much
    where none does (33 % at 0.6).

    Parameters
    ----------
    dataset : Dataset
        Its unit view, or any other. The certificate is centred on it.
    sigma : float
        Standard deviation of the noise, in input units.
    neighbours : int
        How many of the nearest rows vote.
    resolution : int
        Number of radii at which the integral is taken; the bounds' distance falls about as its inverse.

    Returns
    -------
    Proof
        ``certificate.radius`` is the total L2 length; ``rsbd.recipes.rab.per_row`` divides it among poisoned rows.

    References
    ----------
    Weber, Xu, Karlaš, Zhang, Li, "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023, section on K-NN.

    Examples
    --------
    >>> from rsbd import Threat, load
    >>> digits = load("digits", side=8, view="unit", classes=(0, 1), rows=200, points=20)
    >>> result = rab_knn(digits, sigma=0.5)
    >>> result.certificate.accuracy(digits.y_test, radius=0.75)
    1.0
    >>> float(result.certify(Threat(rows=4, trigger=0.5, relabel=False, on_test=False)).mean())
    0.85
    >>> wider = rab_knn(digits, sigma=0.5, neighbours=3)
    >>> bool(wider.certificate.radius.mean() > result.certificate.radius.mean())
    True
    """
    smoothing = Smoothing(features=Gaussian(sigma))
    x, points = (each.reshape(len(each), dataset.num_features) for each in (dataset.x, dataset.x_test))
    found = neighbour_bounds(x, dataset.y, points, sigma, dataset.num_classes, resolution, neighbours)
    label = found.miss.argmin(axis=1)
    rows = np.arange(len(label))
    others = found.upper.copy()
    others[rows, label] = 0.0
    miss = found.miss[rows, label]
    evidence = Bounds(label, miss, np.minimum(miss, others.max(axis=1)), alpha=0.0)
    return Proof(smoothing, evidence, radius(evidence, smoothing))
