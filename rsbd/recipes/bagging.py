"""Bags of rows against poisoned rows: Jia, Cao, Gong 2021; with flips, Zhang, Albarghouthi, D'Antoni 2022."""

from dataclasses import replace
from typing import Unpack

from rsbd import bounds, ensemble
from rsbd.certify import poisoned_rows, radius
from rsbd.data import Dataset
from rsbd.learners import LDA, Linear
from rsbd.noises import Bagging, Keep, Smoothing, Threat
from rsbd.recipes.result import Certified
from rsbd.recipes.run import Run, split_run


def bagging(dataset: Dataset, size: int = 30, **run: Unpack[Run]) -> Certified:
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
    **run
        As in :func:`rsbd.recipes.wang`. Unless a learner is given, it is ``Linear()``, or ``LDA()`` for a table of
        fewer features than ``size``, in which small bags show no single feature clearly enough for ``Linear``.

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
    learner, settings, level = split_run(run, LDA() if few else Linear())
    votes = ensemble.collect(dataset, smoothing, learner, dataset.x_test, **settings)
    evidence = bounds.simultaneous(votes.counts, runner_up=dataset.num_classes > 2, **level)
    certificate = radius(evidence, smoothing, num_rows=dataset.num_rows)
    return Certified(smoothing, evidence, certificate, dataset.num_rows, votes=votes)


def bagflip(
    dataset: Dataset,
    size: int = 30,
    keep: Keep = 0.9,
    *,
    trigger: int = 1,
    relabel: bool = True,
    on_test: bool = True,
    **run: Unpack[Run],
) -> Certified:
    """Certify predictions against a backdoor of few pixels in many rows: most bags miss them, flips hide the rest.

    Each model draws ``size`` rows, then flips their pixels and labels, each copy of a row anew. A bag holds ``j``
    poisoned rows with a binomial probability and shows ``j`` triggers and labels through the flips, so the trade-off
    is a mixture of trade-offs as in :func:`rsbd.recipes.wang`.

    Guarantee
    ---------
    For each point (for all of them at once with ``points="all"``), with confidence ``1 - alpha``: no attack that
    changes at most ``trigger`` pixels (and the label, with ``relabel``) in each of at most ``radius`` rows, and at most
    ``trigger`` pixels of the point (with ``on_test``), changes the smoothed classifier's label.

    Parameters
    ----------
    dataset : Dataset
        Discrete features (its binary or gray view). The certificate is centred on it.
    size : int
        Rows in a bag.
    keep : float, Fraction or str
        Probability that a pixel or label keeps its value.
    trigger, relabel, on_test
        The attack whose rows ``radius`` counts; labels are noised only where it changes them, the test input likewise.
    **run
        As in :func:`rsbd.recipes.wang`.

    Returns
    -------
    Certified
        ``certificate.accuracy(y, r)`` is the certified accuracy against ``r`` poisoned rows; ``certify(Threat(...))``
        answers for another threat.

    References
    ----------
    Zhang, Albarghouthi, D'Antoni, "BagFlip: A Certified Defense against Data Poisoning", 2022, sections 4 and 5.
    The mixture is computed in integers; only bags rarer than 2^-64 count as lost.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", classes=(0, 1), points=50)
    >>> result = bagflip(digits, size=30, keep=0.95)
    >>> result.certificate.accuracy(digits.y_test, radius=2) > 0.5
    True
    """
    attacked = {"features", *(("labels",) if relabel else ()), *(("test",) if on_test else ())}
    smoothing = replace(Smoothing.flips(dataset, keep, slots=attacked), rows=Bagging(size))
    learner, settings, level = split_run(run, Linear())
    votes = ensemble.collect(dataset, smoothing, learner, dataset.x_test, **settings)
    evidence = bounds.simultaneous(votes.counts, **level)
    threat = Threat(trigger=trigger, relabel=relabel, on_test=on_test)
    certificate = poisoned_rows(evidence, smoothing, threat, dataset.num_rows)
    return Certified(smoothing, evidence, certificate, dataset.num_rows, votes=votes)
