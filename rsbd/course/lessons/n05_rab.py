"""Notebook 05: two small experiments on RAB, and the self-checks."""

import math
from typing import Any

import numpy as np
import torch

from rsbd import bounds
from rsbd.certify import radius
from rsbd.course.lessons.self_check import HINTS, Verdict, fewest_that, is_number, judge_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.learners import LDA, HashedTestNoise, Learner, Problem
from rsbd.learners.randomness import generators
from rsbd.noises import Gaussian, Smoothing
from rsbd.recipes.rab import per_row, rab
from rsbd.types import Ints
from rsbd.words import percent

_MOST_MODELS = 10**9
_MODELS = 1000  # of an answer that is tried out
_MOST_SIGMA = 1e6


def asked_twice(dataset: Dataset, sigma: float, num_models: int = 50) -> tuple[float, float]:
    """Ask trained models about every test point twice, and return how many answers change.

    Returns
    -------
    fresh, hashed : float
        Share of the answers that change with new test noise each time, and with test noise that a hash of the model's
        parameters determines.

    Examples
    --------
    >>> from rsbd import load
    >>> fresh, hashed = asked_twice(load("digits", view="unit", classes=(0, 1), points=50), sigma=1.0)
    >>> fresh > 0, hashed
    (True, 0.0)
    """
    noise = Gaussian(sigma)
    fresh = _changed(dataset, LDA(), Smoothing(features=noise, test=noise), num_models)
    hashed = _changed(dataset, HashedTestNoise(LDA(), noise), Smoothing(features=noise), num_models)
    return fresh, hashed


def _changed(dataset: Dataset, learner: Learner, smoothing: Smoothing, num_models: int) -> float:
    points = torch.tensor(dataset.x_test.reshape(dataset.num_points, -1))
    models = learner.train(Problem.of(dataset, smoothing), generators(0, range(num_models)))
    first, second = (models.predict(points, smoothing.test, generators(s, range(num_models))) for s in (1, 2))
    return float((first != second).double().mean())


def sampled_nearest(dataset: Dataset, sigma: float, draws: int, seed: int = 0) -> Ints:
    """Count the votes of the nearest neighbour under noise on the training rows, drawn ``draws`` times.

    Returns
    -------
    array of int, shape (points, classes)

    Examples
    --------
    >>> from rsbd import load
    >>> digits = load("digits", view="unit", classes=(0, 1), rows=50, points=2)
    >>> sampled_nearest(digits, sigma=0.1, draws=20).sum(axis=1)
    array([20, 20])
    """
    stream, everyone = np.random.default_rng(seed), np.arange(dataset.num_points)
    x, points = (each.reshape(len(each), -1) for each in (dataset.x, dataset.x_test))
    counts = np.zeros((dataset.num_points, dataset.num_classes), np.int64)
    for _ in range(draws):
        noised = x + np.float32(sigma) * stream.standard_normal(x.shape, dtype=np.float32)
        distance = (noised**2).sum(axis=1) - 2 * points @ noised.T  # but for a term that all rows share
        counts[everyone, dataset.y[distance.argmin(axis=1)]] += 1
    return counts


def check_per_image(answer: Any, length: float, rows: int) -> Verdict:
    """Check how large a trigger each of some poisoned images may carry within a total L2 length.

    Examples
    --------
    >>> check_per_image(0.2, length=2.0, rows=10)
    Not yet. Lengths of different images add in squares, not one by one: 10 of them make only sqrt(10) times one.
    """
    mistakes = {
        "not_squared": length / rows,
        "single": length,
        "multiplied": length * math.sqrt(rows),
        "square": length**2 / rows,
    }
    truth, texts = float(per_row(length, rows)), HINTS["check_per_image"]
    return judge_number(answer, truth, texts, mistakes, {"rows": rows, "length": length})


@self_check
def check_models(answer: Any, sigma: float, length: float, alpha: float) -> Verdict:
    """Check the number of unanimous models that Hoeffding's bound needs for a radius, within 2 % above the smallest.

    Examples
    --------
    >>> check_models(1000, sigma=1.0, length=2.0, alpha=0.001)
    Not yet. Too few: 1,000 unanimous votes reach a length of 1.54 by Hoeffding's bound.
    """
    hints = HINTS["check_models"]
    if not is_number(answer) or not 1 <= answer < _MOST_MODELS or answer != int(answer):
        return verdict(hints, "no_number", answer=answer, most=_MOST_MODELS)
    best, exact = (fewest_votes(name, sigma, length, alpha) for name in ("hoeffding", "clopper_pearson"))
    if best <= answer <= 1.02 * best:
        return verdict(hints, "right", best=best, exact=exact)
    if exact <= answer <= 1.02 * exact:
        return verdict(hints, "clopper_pearson")
    case = "too_many" if answer > best else "nearly" if answer > 0.85 * best else "too_few"
    return verdict(hints, case, number=int(answer), reach=_reach("hoeffding", int(answer), sigma, alpha))


def fewest_votes(bound: str, sigma: float, length: float, alpha: float) -> int:
    """Return the smallest number of unanimous votes, of two classes, that certifies a total L2 length.

    Examples
    --------
    >>> fewest_votes("clopper_pearson", sigma=1.0, length=1.0, alpha=0.001)
    44
    """
    return fewest_that(lambda num_models: _reach(bound, num_models, sigma, alpha) >= length)


def _reach(bound: str, num_models: int, sigma: float, alpha: float) -> float:
    evidence = getattr(bounds, bound)([[num_models, 0]], alpha)
    return float(radius(evidence, Smoothing(features=Gaussian(sigma))).radius[0])


@self_check
def check_sigma(answer: Any, dataset: Dataset, length: float = 1.0, share: float = 0.7) -> Verdict:
    """Check that a sigma certifies enough points at a total L2 length, by training the ensemble.

    Parameters
    ----------
    answer : float
        Standard deviation of the noise, in input units.
    dataset : Dataset
        With continuous features.
    length : float
        Total L2 length to withstand.
    share : float
        Certified accuracy to reach.
    """
    hints = HINTS["check_sigma"]
    if is_number(answer) and answer > _MOST_SIGMA:
        return verdict(hints, "drowned", answer=answer, most=_MOST_SIGMA)
    result = rab(dataset, answer, num_models=_MODELS)
    held = result.certificate.accuracy(dataset.y_test, length)
    words = {"found": percent(held), "length": length}
    if held >= share:
        return verdict(hints, "right", **words)
    reach = _reach("clopper_pearson", _MODELS, answer, result.bounds.alpha)
    case = "too_little" if reach < length else "little" if reach < 1.75 * length else "too_much"
    return verdict(hints, case, reach=reach, least=float(np.median(1 - result.bounds.miss)), **words)
