"""Hammoudeh and Lowd 2024: partition the pixels among many models, and count votes; and the same beside bagging."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Unpack

import numpy as np
import torch

from rsbd import bounds, ensemble, tradeoff
from rsbd.certify import ABSTAIN, Certificate
from rsbd.certify.allocation import largest_certified
from rsbd.certify.certificate import DistinctPairs
from rsbd.data import Dataset
from rsbd.errors import InputError, check_whole
from rsbd.learners import LDA, Columns, Learner, Problem
from rsbd.learners.checked import predict_confidences, predict_labels, train_models
from rsbd.learners.determinism import reproducible
from rsbd.learners.randomness import generators
from rsbd.noises import Bagging, Partition, Smoothing, Threat
from rsbd.noises.smoothing import RowNoise
from rsbd.recipes.dpa import Dealt, ask_twice, count_votes
from rsbd.recipes.result import Certified
from rsbd.recipes.run import Run, split_run
from rsbd.types import Bools, Floats, Ints, Labels

# Chosen on held-out rows of MNIST 1 against 7; they are settings, and a certificate holds for any.
_UNEVEN, _PRICE = 0.3, 0.15


def fpa(
    dataset: Dataset,
    groups: int | None = None,
    *,
    spread: int = 1,
    odds: float | None = None,
    learner: Learner | None = None,
    seed: int = 0,
) -> Dealt:
    """Certify predictions against one trigger on any number of rows and on the test image: one model per pixel group.

    A model sees some pixels of every row, and the same pixels of the test image. Pixels that an attacker changes
    everywhere reach only the models of their groups, whatever else happens there. A lead of ``d`` votes therefore
    withstands ``floor(d / 2)`` pixels, one less if a tie would go to the rival; more where models abstain. The groups
    are dealt out in a fixed order, before any data are seen. A model may abstain, and decides that by what it sees.

    Guarantee
    ---------
    For each point, with certainty: take any ``radius`` pixels (all channels of each). However they are changed in any
    number of training rows, and in the test image, the label stays the same. Rows keep their labels and their order;
    none is inserted or removed.

    Parameters
    ----------
    dataset : Dataset
        The certificate is centred on it.
    groups : int, optional
        Each model sees about ``1 / groups`` of the pixels; every pixel is a group of its own unless given.
    spread : int
        Models that see a pixel, as in :func:`rsbd.recipes.dpa`.
    odds : float, optional
        A model abstains unless its first class is at least this many times as probable as its second; 1 for learners
        that give labels only. Unless given it is 2, or, with two classes, each model chooses by its own training rows
        how sure of either class it must be. A model whose pixels are the same in all rows always abstains.
    learner : Learner, optional
        The base learner; :class:`~rsbd.learners.discriminant.lda.LDA` unless given.
    seed : int
        For learners that start at random.

    Raises
    ------
    InputError
        There are more groups than pixels, or ``odds`` is below 1.

    References
    ----------
    Hammoudeh, Lowd, "Provable Robustness against a Union of L0 Adversarial Attacks", AAAI 2024.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", classes=(0, 1), points=50)
    >>> result = fpa(digits)
    >>> result.certificate.norm, result.certificate.accuracy(digits.y_test, radius=2) > 0.9
    ('pixels', True)
    """
    pixels = dataset.num_features // dataset.channels
    partition = Partition(-(-pixels // spread) if groups is None else groups, spread, "position")
    if partition.parts > pixels:
        raise InputError(f"{partition.parts} groups of {pixels} pixels", "give at most one group for each pixel")
    if odds is not None and not odds >= 1:
        raise InputError(f"odds is {odds!r}", "give a number from 1, or None")
    shares, base = partition.shares(pixels), learner or LDA()

    @reproducible()
    def ask(some: Sequence[int]) -> Labels:
        return np.stack([_group_labels(_seen(dataset, shares[i]), base, odds, seed + i) for i in some])

    labels = ask_twice(base, range(len(shares)), ask)
    certificate = count_votes(partition, labels, dataset.num_classes, "pixels", "features", "test")
    return Dealt(partition, labels, certificate)


def _seen(dataset: Dataset, own: Labels) -> Dataset:
    """Return the data with some of the pixels alone, each with all its channels: inputs of one axis."""
    whole = (np.moveaxis(x.reshape(len(x), dataset.channels, -1), 1, 2) for x in (dataset.x, dataset.x_test))
    x, x_test = (pixels[:, own].reshape(len(pixels), -1) for pixels in whole)
    return dataset.replace(x=x, x_test=x_test)


def _group_labels(part: Dataset, learner: Learner, odds: float | None, seed: int) -> Labels:
    """Return the labels by a model of some pixels, -1 where it abstains."""
    if (part.x == part.x[:1]).all() or not part.num_points:
        return np.full(part.num_points, ABSTAIN, dtype=np.int64)
    streams, x = generators(seed, range(1)), torch.tensor(part.x_test)
    models = train_models(learner, Problem.of(part, Smoothing()), streams)
    if odds == 1:
        return predict_labels(models, x, None, streams)[0].numpy()
    sure = predict_confidences(models, x, None, streams)[0].numpy()
    if odds is None and part.num_classes == 2:
        known = predict_confidences(models, torch.tensor(part.x), None, streams)[0].numpy()
        below, above = choose_thresholds(known[:, 1], part.y)
        return np.where(sure[:, 1] > above, 1, np.where(sure[:, 1] < below, 0, ABSTAIN))
    second, first = np.sort(sure, axis=1).T[-2:]
    return np.where(first >= (odds or 2) * second, sure.argmax(1), ABSTAIN)


def choose_thresholds(sure: Floats, y: Labels) -> tuple[float, float]:
    """Return below which confidence in class 1 a model votes for class 0, and above which for class 1.

    Of all pairs the one is taken with the most right less wrong votes in the two classes, less a price for each vote
    (the attacker gains twice by turning one) and for being right in one class more often than in the other.

    Examples
    --------
    >>> choose_thresholds(np.array([0.1, 0.1, 0.5, 0.5, 0.9, 0.9]), np.array([0, 0, 0, 1, 1, 1]))
    (0.12, 0.5)
    """
    cuts = np.linspace(0, 1, 51)
    own = [np.sort(sure[y == c]) for c in (0, 1)]
    below = [np.searchsorted(some, cuts, "left")[:, None] / max(1, len(some)) for some in own]
    above = [1 - np.searchsorted(some, cuts, "right") / max(1, len(some)) for some in own]
    gain = [below[0] - above[0], above[1] - below[1]]
    votes = below[0] + below[1] + above[0] + above[1]
    worth = gain[0] + gain[1] - _UNEVEN * np.abs(gain[0] - gain[1]) - _PRICE * votes
    low, high = np.unravel_index(np.triu(worth + 9).argmax(), worth.shape)  # the first is not above the second
    return float(cuts[low]), float(cuts[high])


def rows_beside(pixels: int, evidence: bounds.Bounds, smoothing: Smoothing, groups: int, num_rows: int) -> Certificate:
    """Return how many rows may change at will while ``pixels`` pixels change in all others and the test image."""
    pairs = DistinctPairs.of(evidence)
    unseen = tradeoff.overlap(Fraction(max(0, groups - check_whole("pixels", pixels)), groups))

    def certified(rows: int, who: Ints) -> Bools:
        return pairs.some(who).certified(smoothing.tradeoff(Threat(rows, on_test=False), num_rows) * unseen)

    found = largest_certified(certified, len(pairs.miss), num_rows)[pairs.back]
    label, slots = np.where(found < 0, ABSTAIN, evidence.label), ("rows", "features", "test") if pixels else ("rows",)
    return Certificate(label, found, evidence.alpha, "rows", slots, num_rows, evidence.points)


def fpa_bagging(
    dataset: Dataset, groups: int = 30, bag: int | RowNoise = 10, *, pixels: int = 1, **run: Unpack[Run]
) -> Certified:
    """Certify predictions against rows changed at will, and one trigger on all others and on the test image.

    Every model learns from a bag of rows and from one of ``groups`` groups of pixels. With ``m`` of ``n`` rows changed
    at will and ``t`` pixels changed everywhere, a model with a plain bag of ``s`` rows sees nothing of either with
    probability ``(1 - m / n)^s * (1 - t / groups)`` at least, and the votes of all other models count as lost.

    Guarantee
    ---------
    For each point (for all of them at once with ``points="all"``), with confidence ``1 - alpha``: change, insert or
    remove at most ``radius`` rows of ``dataset``, and then change any ``pixels`` pixels (all channels of each) in any
    number of rows, which keep their labels, and in the test image: the smoothed classifier's label stays the same.

    Parameters
    ----------
    dataset : Dataset
        The certificate is centred on it.
    groups : int
        More groups hide more pixels; models learn less.
    bag : int or RowNoise
        Rows in a bag, or a noise that draws rows, such as :class:`~rsbd.noises.ClassBagging`. Fewer rows hide more.
    pixels : int
        Pixels of the trigger.
    **run
        As in :func:`rsbd.recipes.wang`; the base learner is :class:`~rsbd.learners.discriminant.lda.LDA` unless given.

    References
    ----------
    Hammoudeh, Lowd 2024, and Jia, Cao, Gong 2021, as in :func:`fpa` and :func:`rsbd.recipes.bagging`; that both
    together multiply is ours.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", classes=(0, 1), points=50)
    >>> result = fpa_bagging(digits, groups=8, num_models=200)
    >>> result.certificate.accuracy(digits.y_test, radius=1) > 0.5
    True
    """
    smoothing = Smoothing(rows=Bagging(bag) if isinstance(bag, int) else bag)
    learner, settings, level = split_run(run, LDA())
    votes = ensemble.collect(dataset, smoothing, Columns(learner, groups), dataset.x_test, **settings)
    evidence = bounds.simultaneous(votes.counts, runner_up=dataset.num_classes > 2, **level)
    certificate = rows_beside(pixels, evidence, smoothing, groups, dataset.num_rows)
    return Certified(smoothing, evidence, certificate, dataset.num_rows, votes=votes)
