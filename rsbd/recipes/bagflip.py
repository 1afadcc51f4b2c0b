"""Zhang, Albarghouthi, D'Antoni 2022: bagging and flips together."""

from dataclasses import replace
from typing import Any

from rsbd import bounds, ensemble
from rsbd.certify import poisoned_rows
from rsbd.data import Dataset
from rsbd.learners import Learner, Linear
from rsbd.noises import Bagging, Keep, Smoothing, Threat
from rsbd.recipes.certified import Certified


def bagflip(
    dataset: Dataset,
    size: int = 30,
    keep: Keep = 0.9,
    *,
    trigger: int = 1,
    relabel: bool = True,
    on_test: bool = True,
    learner: Learner | None = None,
    num_models: int = 1000,
    alpha: float = 0.001,
    points: str = "each",
    seed: int = 0,
    **options: Any,
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
    learner, num_models, alpha, points, seed, **options
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
    votes = ensemble.collect(dataset, smoothing, learner or Linear(), dataset.x_test, num_models, seed, **options)
    evidence = bounds.simultaneous(votes.counts, alpha, points=points)
    threat = Threat(trigger=trigger, relabel=relabel, on_test=on_test)
    certificate = poisoned_rows(evidence, smoothing, threat, dataset.num_rows)
    return Certified(smoothing, evidence, certificate, dataset.num_rows, votes=votes)
