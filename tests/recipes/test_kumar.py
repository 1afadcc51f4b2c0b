"""Certified confidence: published values, exact laws on small worlds, coverage."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import beta, norm

from rsbd import ensemble
from rsbd.bounds import dkw
from rsbd.certify import confidence
from rsbd.certify.confidence import Confidence, expected, from_mean, measured, survival
from rsbd.data import Dataset, load
from rsbd.ensemble.one_model import FixedModel, stream_confidences
from rsbd.ensemble.workers import map_in_order
from rsbd.errors import InputError
from rsbd.learners import LDA, Learner, Linear, Models, Problem, ScoringModels, randomness
from rsbd.noises import Bagging, Flip, Gaussian, Noise
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes import certified_confidence, cohen, kumar
from rsbd.tradeoff import identity

VECTORS = os.environ.get("RSBD_VECTORS")


@pytest.mark.skipif(not VECTORS, reason="RSBD_VECTORS names no folder with reference values")
def test_published_values() -> None:
    for case in json.loads((Path(str(VECTORS)) / "papers.json").read_text())["kumar_confidence"]["cases"]:
        margin = case["measure"] == "margin"
        low = -1.0 if margin else 0.0
        if case["scores"] is None:
            rule = case["scores_rule"]
            scores = beta.ppf((np.arange(case["n"]) + 0.5) / case["n"], rule["a"], rule["b"])
            scores = 2 * scores - 1 if margin else scores
        else:
            scores = np.array(case["scores"])
        laws = [Gaussian(case["sigma"]).shift(r) for r in case["radii"]]
        found = expected(scores[None], laws, case["alpha"], low, thresholds=10_000)[0]
        assert found == pytest.approx(case["cdf_lower"], abs=1e-9)
        assert (found <= np.array(case["cdf_lower"]) + 1e-15).all()
        naive = from_mean(scores[None], laws, case["alpha"], low)[0]
        assert naive == pytest.approx(case["naive_lower"], abs=1e-9)
        # More thresholds than the published code's 10,000 bound the mean more tightly.
        assert (expected(scores[None], laws, case["alpha"], low)[0] >= found).all()


@pytest.mark.parametrize("draws", [10_001, 15_001, 29_999, 100_003])
def test_thresholds_that_do_not_divide_the_draws(draws: int) -> None:
    """The published code then over-estimates the share of scores above a threshold; ours is counted."""
    gap, band = ceil(draws / 10_000), dkw(draws, 0.5)
    thresholds = len(np.arange(draws)[::gap])
    published = (thresholds - np.arange(thresholds)) / thresholds - band
    counted = (draws - gap * np.arange(thresholds)) / draws - band
    rank, ours = survival(draws, 0.5, 10_000)
    assert (rank == gap * np.arange(len(rank))).all()
    assert (ours <= counted[: len(rank)]).all()
    assert ours == pytest.approx(counted[: len(rank)], abs=1e-14)
    excess = (published - counted).max()
    assert 0 < excess < 1.01e-4
    # Scores that are 0 below some rank and 1 from there on: the mean is the share above, and published exceeds it.
    at = int((published - counted)[counted > 0].argmax())
    scores = (np.arange(draws) >= gap * at).astype(float)
    mean = 1 - gap * at / draws
    assert published[at] + band > mean
    assert expected(scores[None], [identity()], 0.5, thresholds=10_000)[0, 0] <= mean - band


def world(bits: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A score of every outcome, and how many bits each pair of outcomes differs in."""
    every = np.array(list(itertools.product([0, 1], repeat=bits)))
    return np.random.default_rng(seed).random(len(every)), (every[:, None] != every).sum(axis=2)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("low", [0.0, -1.0])
def test_bound_is_below_the_mean_after_every_attack(seed: int, low: float) -> None:
    """Each outcome is drawn exactly as often as it is probable, so that only the band lies between."""
    bits, noise = 4, Flip("3/4")
    score, apart = world(bits, seed)
    score = score * (1 - low) + low
    law = 3.0 ** (bits - apart) / 4**bits  # [input, outcome]
    draws = np.repeat(score, (law[0] * 4**bits * 100).round().astype(int))
    laws = [noise.shift(r) for r in range(bits + 1)]
    worst = [(law @ score)[apart[0] <= r].min() for r in range(bits + 1)]
    for found in (
        expected(draws[None], laws, 0.5, low)[0],
        expected(draws[None], laws, 0.5, low, thresholds=7)[0],
        from_mean(draws[None], laws, 0.5, low)[0],
    ):
        assert (found <= worst).all()
        assert (np.diff(found) <= 0).all()


def test_bound_is_tight_for_the_worst_score() -> None:
    """A score that falls with the likelihood of the attacked input is the one that the trade-off has in mind."""
    bits, noise, draws = 3, Flip("3/4"), 640_000
    _, apart = world(bits, 0)
    score = 1 - apart[0] / bits  # the attacker's best move is to turn every bit
    law = 3.0 ** (bits - apart) / 4**bits
    scores = np.repeat(score, (law[0] * draws).round().astype(int))
    (found,) = expected(scores[None], [noise.shift(bits)], 0.5)[0]
    truth = law[-1] @ score
    assert truth - 3**bits * 2 * dkw(draws, 0.5) < found <= truth


def test_coverage() -> None:
    """Of uniform scores, with a mean of 1/2; a band fails as often as it may, nearly."""
    generator, runs, draws, alpha = np.random.default_rng(0), 20_000, 12, 0.2
    scores = generator.random((runs, draws))
    band = dkw(draws, alpha)
    share = np.arange(draws, 0, -1) / draws
    outside = ((1 - np.sort(scores, axis=1)) < share - band).any(axis=1).mean()
    assert 0.1 < outside <= alpha + 4 * np.sqrt(alpha / runs)
    wrong = (expected(scores, [identity()], alpha)[:, 0] > 0.5).mean()
    assert wrong <= alpha + 4 * np.sqrt(alpha / runs)
    assert (from_mean(scores, [identity()], alpha)[:, 0] > 0.5).mean() <= alpha


@dataclass(frozen=True)
class Slope(Learner):
    """Confidence in class 1 is a logistic function of the first feature, whatever the training set."""

    def train(self, problem: Problem, generators: Sequence[torch.Generator]) -> Models:
        return Logistic()


@dataclass(frozen=True)
class Logistic(ScoringModels):
    def scores(self, x: torch.Tensor, noise: Noise | None, generators: Sequence[torch.Generator]) -> torch.Tensor:
        assert noise is not None
        score = 4 * noise.sample_many(x.expand(len(generators), *x.shape), generators)[..., 0]
        return torch.stack([torch.zeros_like(score), score], dim=1)


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["score", "margin"])
def test_recipe_against_quadrature(measure: str) -> None:
    sigma, radii = 0.5, (0.0, 0.3, 0.8)
    x = np.random.default_rng(1).normal(0, 1, (40, 3)).astype(np.float32)
    data = Dataset("slope", x[:4], np.array([0, 1, 0, 1]), x, np.zeros(40), ("low", "high"))
    options = {"measure": measure, "learner": Slope(), "num_copies": 500, "alpha": 0.01}
    found = kumar(data, sigma, radii, **options, points="all")
    z, weight = np.polynomial.hermite_e.hermegauss(80)
    away = np.abs(x[:, :1]) - np.array(radii)  # the worst change is straight towards the other class
    sure = np.abs(x[:, 0]) > 0.1  # where 100 copies pick the right class
    score = 1 / (1 + np.exp(-4 * (away[..., None] + sigma * z))) @ weight / weight.sum()
    truth = score if measure == "score" else 2 * score - 1
    assert ((found.label == (x[:, 0] > 0)) | ~sure).all()
    assert (found.lower <= truth)[sure].all()
    assert (found.lower[:, 0] > truth[:, 0] - 2.1 * dkw(500, 0.01 / 40) * (1 if measure == "score" else 2))[sure].all()
    assert (found.naive <= truth)[sure].all()
    assert (found.lower >= found.naive - 1e-3).mean() > 0.95
    assert (found.certified <= (truth > (0.5 if measure == "score" else 0.0)))[sure].all()
    each = kumar(data, sigma, radii, **options)
    assert (each.lower > found.lower).mean() > 0.9
    assert (each.points, found.points, each.alpha, found.alpha) == ("each", "all", 0.01, 0.01)


def test_margin_is_the_published_one() -> None:
    soft = np.random.default_rng(0).dirichlet([1, 1, 1, 1], (5, 7)).astype(np.float32)
    label = np.array([0, 1, 2, 3, 0, 1, 2])
    ordered = np.sort(soft, axis=2)
    for point, c in enumerate(label):
        for draw in range(5):
            mine = soft[draw, point]
            top = mine.argmax() == c
            margin = ordered[draw, point, -1] - ordered[draw, point, -2] if top else mine[c] - mine.max()
            assert measured(soft, label, "margin")[point, draw] == pytest.approx(margin, abs=1e-7)
            assert measured(soft, label)[point, draw] == mine[c]


@pytest.mark.parametrize("learner", [LDA(), Linear()])
def test_an_ensembles_confidences_are_those_of_its_models(learner: Learner) -> None:
    data = load("digits", side=8, classes=(0, 1, 7), rows=90, points=30)
    noise = Smoothing(features=Flip(0.9), labels=Flip(0.9, 3), test=Flip(0.9))
    whole = np.concatenate(list(stream_confidences(data, noise, learner, data.x_test, range(200), seed=5)))
    part = np.concatenate(list(stream_confidences(data, noise, learner, data.x_test, range(10, 139), seed=5)))
    assert (part == whole[10:139]).all()
    votes = ensemble.collect(data, noise, learner, data.x_test, 200, seed=5)
    counts = np.stack([(whole.argmax(axis=2) == c).sum(axis=0) for c in range(3)], axis=1)
    assert np.abs(counts - votes.counts).sum() <= 2  # ties of rounded softmax


def test_confidence_of_the_backdoor_smoothed_pipeline() -> None:
    """One model's score can be anything in [0, 1]; what the whole threat does to it is one trade-off."""
    data = load("digits", side=8, classes=(0, 1), points=60)
    noise = Smoothing(features=Gaussian(1.0), labels=Flip(0.7), test=Flip(0.9))
    size = {"features": 0.1, "test": 1}
    threats = [Threat(), Threat(1, size, on_test=False), Threat(1, size), Threat(2, size)]
    found = certified_confidence(data, noise, threats, num_models=500, alpha=0.01)
    assert (np.diff(found.lower, axis=1) <= 0).all()
    accuracy = found.curve(data.y_test)
    assert accuracy[0] > 0.9
    assert 0.3 < accuracy[1] < accuracy[0]
    assert found.lower[:, 1].mean() > found.naive[:, 1].mean() + 0.03  # the distribution tells more than the mean
    models = stream_confidences(data, noise, LDA(), data.x_test, range(64, 564))
    scores = measured(np.concatenate(list(models)), found.label)
    by_hand = np.sort(scores, axis=1)
    reached = 1 - np.arange(500) / 500 - np.sqrt(np.log(100) / 1000)
    kept = noise.tradeoff(threats[1]).lower(reached.clip(0, 1))
    assert found.lower[:, 1] == pytest.approx(np.diff(by_hand, axis=1, prepend=0) @ kept, abs=1e-6)
    with pytest.raises(InputError, match="training labels"):
        certified_confidence(data, Smoothing(test=Flip(0.9)), [Threat(rows=1, trigger=0, on_test=False)])


def test_gaussian_law_is_cohens() -> None:
    """Scores of 0 and 1 are votes: the bound is Phi(Phi^-1(share - band) - r / sigma)."""
    scores = np.array([[1.0] * 900 + [0.0] * 100])
    found = expected(scores, [Gaussian(0.5).shift(r) for r in (0, 0.5)], 0.001)[0]
    known = 0.9 - dkw(1000, 0.001)
    assert found == pytest.approx([known, norm.cdf(norm.ppf(known) - 1)], abs=1e-9)


@pytest.mark.slow
def test_sums_are_rounded_down() -> None:
    """Against whole fractions, for many points: a sum that rounds by itself is too large for half of them."""
    draws = np.random.default_rng(0).random((16, 3000))
    rank, reached = survival(3000, 0.01, 3000)
    found = expected(draws, [identity()], 0.01, thresholds=3000)[:, 0]
    shares = [Fraction(share) for share in reached]
    for scores, bound in zip(np.sort(draws, axis=1)[:, rank], found, strict=True):
        steps = zip([Fraction(0), *map(Fraction, scores)], map(Fraction, scores), strict=False)
        exact = sum((to - at) * share for (at, to), share in zip(steps, shares, strict=True))
        assert exact * (1 - Fraction(1, 10**11)) <= bound <= exact
    mean = [sum(map(Fraction, scores)) / 3000 - Fraction(dkw(3000, 0.01)) for scores in draws]
    assert (from_mean(draws, [identity()], 0.01)[:, 0] <= mean).all()
    level = np.random.default_rng(1).random(500)  # equal scores: their sums round the same way again and again
    for number in (100, 1000, 8000):
        found = from_mean(np.repeat(level[:, None], number, axis=1), [identity()], 0.01)[:, 0]
        band = Fraction(dkw(number, 0.01))
        assert all(bound <= max(0, Fraction(at) - band) for bound, at in zip(found, level, strict=True))


@pytest.mark.parametrize("number", [0, -5, 1.5])
def test_draws_are_counted(number: int) -> None:
    data = load("digits", side=8, view="unit", classes=(0, 1), rows=30, points=6)
    smoothing = Smoothing(features=Gaussian(1.0))
    for recipe in (cohen, kumar):
        for name in ("num_selection", "num_copies"):
            with pytest.raises(InputError, match=f"{name} is {number}: give a whole number, at least 1"):
                recipe(data, **{name: number})
    with pytest.raises(InputError, match=f"num_selection is {number}"):
        certified_confidence(data, smoothing, [Threat()], num_selection=number)
    with pytest.raises(InputError, match=f"num_models is {number}"):
        certified_confidence(data, smoothing, [Threat()], num_models=number)


@pytest.mark.parametrize("numbers", [range(0, 20, 2), range(1, 20, 2), range(-1, 20)])
def test_numbers_with_gaps_are_refused(numbers: range) -> None:
    """Even and odd copies would be the same ones, and copy -1 has the noise that the model was trained with."""
    data = load("digits", side=8, view="unit", classes=(0, 1), rows=30, points=6)
    model, smoothing = FixedModel.train(data, Gaussian(1.0), LDA()), Smoothing(features=Gaussian(1.0))
    for draw in (
        lambda: model.votes(data.x_test, numbers),
        lambda: list(model.confidences(data.x_test, numbers)),
        lambda: list(stream_confidences(data, smoothing, LDA(), data.x_test, numbers)),
    ):
        with pytest.raises(InputError, match="give range"):
            draw()


def test_points_and_data_off_the_levels_of_a_flip_are_refused() -> None:
    """On other values its sampler means nothing, and the certificate would be silently wrong."""
    data, unit = (load("digits", side=8, view=view, classes=(0, 1), rows=30, points=6) for view in ("binary", "unit"))
    with pytest.raises(InputError, match="continuous"):
        FixedModel.train(unit, Flip(0.9), LDA())
    with pytest.raises(InputError, match="off the 2 levels"):
        FixedModel.train(data, Flip(0.9), LDA()).votes(unit.x_test, range(5))
    with pytest.raises(InputError, match="off the 2 levels"):
        list(stream_confidences(data, Smoothing(test=Flip(0.9)), LDA(), unit.x_test, range(5)))


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="no attack to certify against"):
        confidence.confidence_bounds([np.zeros((1, 2, 2))], [np.zeros((1, 2, 2))], [], 0.1)
    with pytest.raises(InputError, match=r"from 0\.5 to 1\.5"):
        from_mean(np.array([[0.5, 1.5]]), [identity()], 0.1)
    with pytest.raises(InputError, match="scores go from nan"):
        expected(np.array([[0.5, np.nan]]), [identity()], 0.1)
    with pytest.raises(InputError, match=r"scores go from -0\.5"):
        expected(np.array([[0.5, -0.5]]), [identity()], 0.1)
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        expected(np.zeros(3), [identity()], 0.1)
    with pytest.raises(InputError, match="measure is 'median'"):
        measured(np.zeros((1, 2, 2)), np.array([0, 1]), "median")
    with pytest.raises(InputError, match=r"alpha is 0\.7"):
        confidence.confidence_bounds([np.zeros((1, 2, 2))], [np.zeros((1, 2, 2))], [identity()], 0.7)


def test_copies_that_pick_the_class_do_not_bound_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    whole = FixedModel.confidences

    def spied(model: FixedModel, x: NDArray[np.float32], copies: range) -> Iterator[NDArray[np.float32]]:
        asked.append(copies)
        return whole(model, x, copies)

    monkeypatch.setattr(FixedModel, "confidences", spied)
    kumar(load("digits", side=8, view="unit", classes=(0, 1), points=5), num_copies=70, num_selection=30)
    assert asked == [range(30), range(30, 100)]


@pytest.mark.parametrize("seed", [0, 7])
def test_the_training_and_every_copy_draw_from_streams_of_their_own(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    seen: list[int] = []

    def spied(whole: Callable[..., object]) -> Callable[..., object]:
        def ask(*arguments: object) -> object:
            seen.extend(stream.initial_seed() for stream in arguments[-1])  # type: ignore[attr-defined]
            return whole(*arguments)

        return ask

    monkeypatch.setattr(Slope, "train", spied(Slope.train))
    monkeypatch.setattr(Logistic, "scores", spied(Logistic.scores))
    data = load("digits", side=8, view="unit", classes=(0, 1), rows=30, points=6)
    model = FixedModel.train(data, Gaussian(1.0), Slope(), seed, "cpu")
    soft_ones = list(model.confidences(data.x_test, range(70)))
    assert model.votes(data.x_test, range(70, 200)).counts.sum(axis=1).tolist() == [130] * 6
    assert sum(map(len, soft_ones)) == 70
    # Models of the user are asked the first eight copies of a range twice beforehand: do they repeat?
    numbers = [stream.initial_seed() for stream in randomness.generators(seed, range(201))]
    assert sorted(seen) == sorted(numbers + 2 * (numbers[1:9] + numbers[71:79]))


def test_results_come_in_order_and_few_are_made_ahead() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        return number**2

    with ThreadPoolExecutor(3) as pool:
        results = map_in_order(pool, work, range(100), in_hand=8)
        assert next(results) == 0
        assert max(begun) < 8
        assert list(results) == [number**2 for number in range(1, 100)]


def test_confidence_of_bags_needs_no_number_of_rows() -> None:
    data = load("digits", side=8, classes=(0, 1), rows=50, points=5)
    found = certified_confidence(
        data, Smoothing(rows=Bagging(10)), [Threat(), Threat(rows=1, on_test=False)], num_models=128
    )
    assert (found.lower[:, 0] > found.lower[:, 1]).all()
    assert (found.lower[:, 1] > 0).all()
    drawn = 1 - (1 - 1 / 50) ** 10  # bags that hold the poisoned row are lost
    assert found.naive[:, 0] - found.naive[:, 1] == pytest.approx(drawn, abs=1e-6)


def test_confidence_that_could_be_shared_equally_is_not_certified() -> None:
    level = np.array([[0.5, np.nextafter(0.5, 1)]])
    label = np.zeros(1, np.int64)
    assert Confidence(label, level, level, "score", 0.01).certified.tolist() == [[False, True]]
    assert Confidence(label, level - 0.5, level, "margin", 0.01).certified.tolist() == [[False, True]]


def test_a_certified_confidence_in_the_wrong_class_is_no_success() -> None:
    lower = np.array([[0.9, 0.6], [0.8, 0.3], [0.7, 0.7], [0.4, 0.4]])
    found = Confidence(np.array([0, 1, 1, 0]), lower, lower, "score", 0.01)
    assert found.curve(np.array([0, 1, 0, 0])).tolist() == [0.5, 0.25]
