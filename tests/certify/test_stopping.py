"""Stopping once every point is decided: honest whenever it stops, and at the same model wherever it runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from reversed_executor import Reversed
from scipy.optimize import brentq
from scipy.special import betaln

from rsbd import bounds
from rsbd.certify import certify, radius
from rsbd.certify.stopping import Decided
from rsbd.data import Dataset, load
from rsbd.ensemble import collect, stream
from rsbd.ensemble.votes import Votes
from rsbd.errors import InputError
from rsbd.learners import Linear
from rsbd.noises import Bagging, Flip, Gaussian
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes import bagflip, bagging, rab, wang

ON_TEST = Smoothing(test=Flip(0.8))
ONE = Threat(trigger=1)
NOISE = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.8))


def votes(counts: object) -> Votes:
    array = np.asarray(counts)
    return Votes(array, ((0, int(array[0].sum())),), {})


def false_certificates(alpha: float, careless: bool, runs: int = 2000, most: int = 3000) -> float:
    """Share of runs that certify a point which cannot be certified, when one looks after every 10 votes.

    The true probability of the top class lies exactly on the threshold, which is not certified.
    """
    chance = 1 - float(ON_TEST.tradeoff(ONE).threshold())
    random = np.random.default_rng(0)
    rule = Decided(ON_TEST, ONE, alpha)
    right, ever = np.zeros(runs, np.int64), np.zeros(runs, bool)
    for num in range(10, most + 1, 10):
        right += random.binomial(10, chance, runs)
        seen = votes(np.column_stack([right, num - right]))
        if careless:
            ever |= certify(bounds.clopper_pearson(seen.counts, alpha), ON_TEST, ONE)
        else:
            ever |= rule.certified(seen)
    return float(ever.mean())


def test_stopping_when_it_looks_good_breaks_clopper_pearson_and_not_the_anytime_bounds() -> None:
    alpha = 0.05
    assert false_certificates(alpha, careless=True) > 2 * alpha
    assert false_certificates(alpha, careless=False) < alpha + 3 * (alpha * (1 - alpha) / 2000) ** 0.5


def test_hopeless_is_seldom_said_of_a_point_that_can_be_certified() -> None:
    """The top class lies a hair above the threshold: certified, given votes enough."""
    alpha, runs = 0.05, 2000
    chance = 1 - float(ON_TEST.tradeoff(ONE).threshold()) + 1e-6
    random, rule = np.random.default_rng(1), Decided(ON_TEST, ONE, alpha)
    right, ever = np.zeros(runs, np.int64), np.zeros(runs, bool)
    for num in range(10, 3001, 10):
        right += random.binomial(10, chance, runs)
        ever |= rule.hopeless(votes(np.column_stack([right, num - right])))
    assert 0 < ever.mean() < alpha + 3 * (alpha * (1 - alpha) / runs) ** 0.5


@pytest.mark.parametrize("runner_up", [False, True])
@pytest.mark.parametrize("classes", [2, 4])
def test_every_point_off_the_threshold_is_decided_in_the_end_and_rightly(classes: int, runner_up: bool) -> None:
    rule = Decided(ON_TEST, ONE, runner_up=runner_up)
    shares = np.linspace(0.5, 0.99, 40)
    rest = np.outer(1 - shares, np.array([0.7, 0.2, 0.1][: classes - 1]) / sum([0.7, 0.2, 0.1][: classes - 1]))
    truth = np.column_stack([shares, rest])
    num = 10**8
    counts = np.round(truth * num).astype(np.int64)
    counts[:, 0] += num - counts.sum(axis=1)
    seen = votes(counts)
    exact = bounds.Bounds(np.zeros(40, np.int64), 1 - shares, truth[:, 1] if runner_up else 1 - shares, alpha=0.001)
    wanted = certify(exact, ON_TEST, ONE)
    assert 5 < wanted.sum() < 40
    assert np.array_equal(rule.certified(seen), wanted)
    assert np.array_equal(rule.hopeless(seen), ~wanted)
    assert rule(seen)
    few = votes(np.round(truth * 50).astype(np.int64) + np.eye(1, classes, dtype=np.int64))
    assert not (rule.certified(few) & rule.hopeless(few)).any()
    assert not rule(few)


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("top", [0, 1])
def test_hopeless_begins_where_the_threshold_leaves_the_interval(classes: int, top: int) -> None:
    """Robbins' set at level alpha, shared over three classes or more; of two, either says all."""
    alpha, num = 0.01, 1000
    border = float(ON_TEST.tradeoff(ONE).threshold())
    level = alpha if classes == 2 else alpha / classes
    for points in ("each", "all"):
        own = np.arange(500, num + 1)
        counts = np.zeros((len(own), classes), np.int64)
        counts[:, top], counts[:, 1 - top] = own, num - own
        share = level if points == "each" else level / len(own)
        inside = betaln(own + 0.5, num - own + 0.5) - betaln(0.5, 0.5) + np.log(share)
        outside = own * np.log(1 - border) + (num - own) * np.log(border) <= inside
        said = Decided(ON_TEST, ONE, alpha, points=points).hopeless(votes(counts))
        assert said.tolist() == (outside & (own < num * (1 - border))).tolist()
        assert 0 < said.sum() < len(own)


def test_a_rival_makes_hopeless_only_with_what_it_surely_has() -> None:
    """With bounds of the runner-up: the lower ends of both intervals, found by themselves."""
    alpha, num, law = 0.01, 1000, ON_TEST.tradeoff(ONE)

    def least(k: int) -> float:
        goal = betaln(k + 0.5, num - k + 0.5) - betaln(0.5, 0.5) + np.log(alpha / 4)
        return brentq(lambda p: k * np.log(p) + (num - k) * np.log1p(-p) - goal, 1e-300, k / num)

    counts = np.array([[rest // 10, num - rest, rest - rest // 10, 0] for rest in range(60, 400, 10)])
    hopeful = [(least(int(num - top)), least(int(rival))) for _, top, rival, _ in counts]
    wanted = [law.upper(miss) + law.upper(min(miss, second)) >= 1 for miss, second in hopeful]
    assert Decided(ON_TEST, ONE, alpha, runner_up=True).hopeless(votes(counts)).tolist() == wanted
    assert 5 < sum(wanted) < len(wanted) - 5


def test_its_evidence_is_the_anytime_bounds_and_its_verdict_the_certificate() -> None:
    seen = votes([[980, 20], [700, 300], [820, 180]])
    rule = Decided(ON_TEST, ONE, points="all")
    found = bounds.anytime(seen.counts, 0.001, points="all")
    assert np.array_equal(rule.bounds(seen).miss, found.miss)
    assert np.array_equal(rule.certified(seen), certify(found, ON_TEST, ONE))


@pytest.mark.parametrize(
    ("smoothing", "size"),
    [(NOISE, 2.0), (Smoothing(features=Gaussian(0.5), test=Gaussian(0.5)), 0.4)],
    ids=["L0", "L2"],
)
def test_a_radius_will_do_in_place_of_a_threat(smoothing: Smoothing, size: float) -> None:
    seen = votes([[999, 1], [970, 30], [600, 400]])
    rule = Decided(smoothing, size)
    reached = radius(bounds.anytime(seen.counts, 0.001), smoothing).radius >= size
    assert np.array_equal(rule.certified(seen), reached)
    assert 0 < reached.sum() < 3
    assert rule.hopeless(seen).tolist() == [False, False, True]


@pytest.mark.parametrize("threat", [Threat(rows=3, on_test=False), 3.0])
def test_bags_are_told_how_many_rows_there_are(threat: Threat | float) -> None:
    seen, bags = votes([[999, 1], [700, 300], [510, 490]]), Smoothing(rows=Bagging(10))
    rule = Decided(bags, threat, num_rows=100)
    assert rule.certified(seen).tolist() == [True, False, False]
    assert rule.hopeless(seen).tolist() == [False, False, True]
    assert Decided(bags, threat, num_rows=1000).certified(seen).tolist() == [True, True, False]


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", classes=(0, 1), rows=100, points=60)


def until_decided(data: Dataset, most: int = 20_000, **options: object) -> Votes:
    rule = Decided(NOISE, 1.0)
    return collect(data, NOISE, Linear(), data.x_test[:12], most, until=rule, **options)  # type: ignore[arg-type]


def test_a_run_stops_once_all_is_decided_and_says_after_how_many(digits: Dataset) -> None:
    rule = Decided(NOISE, 1.0)
    asked: list[int] = []

    def watched(seen: Votes) -> bool:
        asked.append(seen.num_models)
        return rule(seen)

    found = collect(digits, NOISE, Linear(), digits.x_test[:12], 20_000, until=watched)
    assert 64 <= found.num_models < 20_000
    assert found.models == ((0, found.num_models),)
    assert rule(found)
    assert asked == list(range(64, found.num_models + 1, 64))
    fixed = collect(digits, NOISE, Linear(), digits.x_test[:12], found.num_models)
    assert np.array_equal(fixed.counts, found.counts)


def test_where_it_stops_does_not_depend_on_who_computes_it(digits: Dataset, tmp_path: Path) -> None:
    """Blocks that overtake others wait for their turn: otherwise quick models would be heard first."""
    wanted = until_decided(digits)
    for executor in (ThreadPoolExecutor(1), ThreadPoolExecutor(3), Reversed()):
        with executor:
            found = until_decided(digits, executor=executor)
            assert found.models == wanted.models
            assert np.array_equal(found.counts, wanted.counts)
    stored = until_decided(digits, most=64, store=tmp_path)
    assert stored.num_models == 64
    for _ in range(2):  # going on, and finding it all done
        found = until_decided(digits, store=tmp_path)
        assert (found.models, found.counts.tolist()) == (wanted.models, wanted.counts.tolist())


def test_votes_with_a_gap_are_completed_before_they_are_looked_at(digits: Dataset) -> None:
    first, more = (collect(digits, NOISE, Linear(), digits.x_test, n) for n in (64, 128))
    gap = Votes(more.counts - first.counts, ((64, 128),), more.manifest)
    asked: list[tuple[tuple[int, int], ...]] = []

    def never(seen: Votes) -> bool:
        asked.append(seen.models)
        return False

    run = stream(digits, NOISE, Linear(), digits.x_test, 256, resume=gap, until=never)
    assert [seen.num_models for seen in run] == [64, 128, 192, 256]
    assert asked[0] == ((0, 128),)


def test_what_cannot_be_decided_runs_to_the_limit(digits: Dataset) -> None:
    found = collect(digits, NOISE, Linear(), digits.x_test, 200, until=lambda seen: False)
    assert found.num_models == 200


@pytest.mark.parametrize("recipe", [wang, bagging, bagflip, rab], ids=lambda recipe: recipe.__name__)
def test_recipes_whose_bounds_need_a_fixed_number_refuse_to_stop(recipe: Callable[..., object]) -> None:
    """Clopper-Pearson after a stop that the votes chose would err more often than alpha, silently."""
    data = load("digits", view="unit" if recipe is rab else "binary", classes=(0, 1), rows=20, points=5)
    with pytest.raises(InputError, match=r"rule\.bounds"):
        recipe(data, num_models=64, until=lambda seen: True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"threat": Threat(rows=1, trigger=1)}, "where there is no noise"),
        ({"threat": 1.5}, "whole number"),
        ({"threat": np.inf}, "give a finite number"),
        ({"alpha": 0.0}, "alpha"),
        ({"points": "some"}, "choose"),
    ],
)
def test_bad_settings_are_refused_before_any_model_is_trained(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Decided(ON_TEST, **{"threat": ONE, **settings})  # type: ignore[arg-type]
