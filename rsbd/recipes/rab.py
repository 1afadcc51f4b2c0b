"""RAB (Weber et al. 2023): noise on the training features, and a deterministic answer of each trained model."""

from math import sqrt
from typing import Any

import numpy as np

from rsbd import bounds, ensemble
from rsbd.certify import radius
from rsbd.data import Dataset
from rsbd.errors import InputError, is_whole
from rsbd.learners import LDA, HashedTestNoise, Learner
from rsbd.noises import Gaussian, Noise, Smoothing
from rsbd.recipes.certified import Certified
from rsbd.types import ArrayLike, Floats

BOUNDS = {"hoeffding": bounds.hoeffding, "clopper-pearson": bounds.clopper_pearson}


def rab(
    dataset: Dataset,
    sigma: float = 1.0,
    *,
    noise: Noise | None = None,
    learner: Learner | None = None,
    num_models: int = 1000,
    alpha: float = 0.001,
    bound: str = "clopper-pearson",
    points: str = "each",
    seed: int = 0,
    **options: Any,
) -> Certified:
    """Certify predictions against changed training features by training every model on its own noised copy of them.

    Each model draws its noise once and keeps it through training; at test time it adds noise that a hash of its
    parameters decides (:class:`~rsbd.learners.hashed.HashedTestNoise`), so that a trained model gives one answer. The
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
    learner : Learner, optional
        The base learner; :class:`~rsbd.learners.discriminant.lda.LDA` unless given (the paper: convolutional networks).
    num_models, alpha, points, seed, **options
        As in :func:`rsbd.recipes.wang`. The paper: 1,000 models, alpha 0.001.
    bound : str
        ``"clopper-pearson"``, or ``"hoeffding"`` as in the paper, which is wider. Where all of 1,000 models agree on
        one of two classes, the radius grows from 1.54 to 2.43 sigma; at 80 % from 0.64 to 0.69 sigma. Both share
        alpha over the classes. The paper's evaluation does not: it spends the whole of alpha on each of two bounds.

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
    if bound not in BOUNDS:
        raise InputError(f"bound is {bound!r}", f"choose {' or '.join(map(repr, BOUNDS))}")
    noise = Gaussian(sigma) if noise is None else noise
    smoothing = Smoothing(features=noise)
    models = HashedTestNoise(learner or LDA(), noise)
    votes = ensemble.collect(dataset, smoothing, models, dataset.x_test, num_models, seed, **options)
    evidence = BOUNDS[bound](votes.counts, alpha, runner_up=dataset.num_classes > 2, points=points)
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
    return np.asarray(np.nextafter(length / sqrt(_positive(rows)) * (1 - 2.0**-51), -np.inf))


def total(trigger: ArrayLike, rows: int) -> Floats:
    """Return the total L2 length of a trigger of the given L2 length in each of ``rows`` rows: sqrt(m) t. Rounded up.

    Examples
    --------
    >>> float(total(0.5, rows=16).round(12))
    2.0
    """
    length = np.asarray(trigger, np.float64)
    return np.asarray(np.nextafter(length * sqrt(_positive(rows)) * (1 + 2.0**-51), np.inf))


def _positive(rows: int) -> int:
    if not is_whole(rows, 1):
        raise InputError(f"rows is {rows!r}", "give the number of poisoned rows, at least 1")
    return int(rows)
