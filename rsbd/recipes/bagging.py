"""Jia, Cao, Gong 2021: bagging certifies against poisoned rows."""

from typing import Any

from rsbd import bounds, ensemble
from rsbd.certify import radius
from rsbd.data import Dataset
from rsbd.learners import LDA, Learner, Linear
from rsbd.noises import Bagging, Smoothing
from rsbd.recipes.certified import Certified


def bagging(
    dataset: Dataset,
    size: int = 30,
    *,
    learner: Learner | None = None,
    num_models: int = 1000,
    alpha: float = 0.001,
    points: str = "each",
    seed: int = 0,
    **options: Any,
) -> Certified:
    """Certify predictions against arbitrarily changed rows by training every model on few rows drawn at random.

    A bag of ``size`` rows holds no poisoned row, of ``r``, with probability ``(1 - r / rows)^size``; the votes of all
    other bags count as lost. The test input is not covered: if the certificate holds, a trigger there meets a
    classifier that never learned it.

    Guarantee
    ---------
    For each point (for all of them at once with ``points="all"``), with confidence ``1 - alpha``: no training set that
    comes from ``dataset`` by changing, inserting or removing at most ``radius`` rows changes the smoothed classifier's
    label.

    Parameters
    ----------
    dataset : Dataset
        The certificate is centred on it.
    size : int
        Rows in a bag. Fewer certify more rows and learn less.
    learner : Learner, optional
        The base learner. Unless given, ``Linear()``, or ``LDA()`` for a table of fewer features than ``size``, in
        which small bags show no single feature clearly enough for ``Linear``.
    num_models, alpha, points, seed, **options
        As in :func:`rsbd.recipes.wang`.

    Returns
    -------
    Certified
        ``certificate.accuracy(y, r)`` is the certified accuracy against ``r`` rows.

    References
    ----------
    Jia, Cao, Gong, "Intrinsic Certified Robustness of Bagging against Data Poisoning Attacks", 2021, theorem 1. The
    paper bounds top class and runner-up at ``alpha / classes`` each, which can fail up to twice as often.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", classes=(0, 1), points=50)
    >>> result = bagging(digits, size=20, num_models=200)
    >>> result.certificate.accuracy(digits.y_test, radius=4) > 0.9
    True
    """
    smoothing = Smoothing(rows=Bagging(size))
    few = len(dataset.shape) < 2 and dataset.num_features < size
    learner = learner or (LDA() if few else Linear())
    votes = ensemble.collect(dataset, smoothing, learner, dataset.x_test, num_models, seed, **options)
    evidence = bounds.simultaneous(votes.counts, alpha, runner_up=dataset.num_classes > 2, points=points)
    certificate = radius(evidence, smoothing, num_rows=dataset.num_rows)
    return Certified(smoothing, evidence, certificate, dataset.num_rows, votes=votes)
