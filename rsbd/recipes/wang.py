"""Wang, Cao, Jia, Gong 2020: smooth the whole pipeline with discrete noise."""

from typing import Unpack

from rsbd import bounds, ensemble
from rsbd.certify import radius
from rsbd.data import Dataset
from rsbd.learners import Linear
from rsbd.noises import Keep, Smoothing
from rsbd.recipes.result import Certified
from rsbd.recipes.run import Run, split_run


def wang(
    dataset: Dataset,
    keep: Keep = 0.8,
    *,
    keep_features: Keep | None = None,
    keep_labels: Keep | None = None,
    keep_test: Keep | None = None,
    **run: Unpack[Run],
) -> Certified:
    """Certify predictions against changes of training features, training labels and the test input at once.

    Every model learns from its own noised training set and votes on its own noised test points, so votes are
    independent draws and Clopper-Pearson bounds the class probabilities of the smoothed classifier (theorem 1 of the
    paper turns them into a radius).

    Guarantee
    ---------
    For each point (for all of them at once with ``points="all"``), with confidence ``1 - alpha``: no data set that
    differs from ``dataset`` and the point in at most ``radius`` pixels and labels together changes the smoothed
    classifier's label.

    Parameters
    ----------
    dataset : Dataset
        Discrete features (its binary or gray view). The certificate is centred on it.
    keep : float, Fraction or str
        Probability that a pixel or label keeps its value, the same in every slot as in the paper.
    keep_features, keep_labels, keep_test : float, Fraction or str, optional
        Different noise in one slot, which the paper does not do and which certifies far more.
    **run
        Settings of the ensemble: ``learner``, the base learner (:class:`~rsbd.learners.linear.linear.Linear` unless
        given); ``num_models`` (1000); ``seed`` (0); and ``device``, ``executor``, ``progress``, ``cancel``, ``resume``,
        ``store``, as in :func:`rsbd.ensemble.collect`. Settings of the bounds: ``alpha``, the failure probability
        (0.001), and ``points``, what it speaks of: ``"each"`` point by itself (the default), or ``"all"`` of them at
        once (Bonferroni).

    Returns
    -------
    Certified
        ``certificate.accuracy(y, r)`` is the certified accuracy at radius ``r``; ``certify(Threat(...))`` answers
        for one threat.

    References
    ----------
    Wang, Cao, Jia, Gong, "On Certifying Robustness against Backdoor Attacks via Randomized Smoothing", 2020.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", classes=(0, 1), rows=200, points=50)
    >>> result = wang(digits, keep=0.9, num_models=200)
    >>> result.certificate.accuracy(digits.y_test, radius=1) > 0.5
    True
    """
    smoothing = Smoothing.flips(dataset, keep, features=keep_features, labels=keep_labels, test=keep_test)
    learner, settings, level = split_run(run, Linear())
    votes = ensemble.collect(dataset, smoothing, learner, dataset.x_test, **settings)
    evidence = bounds.simultaneous(votes.counts, **level)
    return Certified(smoothing, evidence, radius(evidence, smoothing), votes=votes)
