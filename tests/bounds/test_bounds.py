"""Bounds hold with the promised probability: exact coverage by enumeration, not by simulation."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from fractions import Fraction
from math import comb, nextafter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom, ksone, multinomial

from rsbd import bounds
from rsbd.bounds import Bounds, anytime, binomial, clopper_pearson, dkw, hoeffding, over_points, simultaneous
from rsbd.errors import InputError

VECTORS = os.environ.get("RSBD_VECTORS")
needs_vectors = pytest.mark.skipif(not VECTORS, reason="RSBD_VECTORS names no folder with reference values")
CHANCES = [0.001, 0.02, 0.1, 0.3, 0.45, 0.49, 0.5, 0.51, 0.6, 0.9, 0.99]


def failures(found: Bounds, truth: np.ndarray) -> np.ndarray:
    """Which bounds do not hold, for one vector of true class probabilities."""
    top = truth[found.label]
    rest = np.where(np.arange(len(truth)) == found.label[:, None], -1.0, truth).max(axis=1)
    return (1 - top > found.miss) | (rest > found.runner_up)


def all_votes(num: int, classes: int) -> np.ndarray:
    if classes == 1:
        return np.array([[num]])
    return np.concatenate(
        [np.insert(all_votes(num - first, classes - 1), 0, first, axis=1) for first in range(num + 1)]
    )


def test_values_are_the_textbook_ones() -> None:
    found = clopper_pearson([[865, 135], [1000, 0], [135, 865]], 0.001)
    expected = 1 - beta.ppf(0.0005, [865, 1000, 865], [136, 1, 136])
    assert found.label.tolist() == [0, 0, 1]
    assert found.miss == pytest.approx(expected, rel=1e-7)
    assert found.runner_up is found.miss
    assert found.alpha == 0.001
    three = simultaneous([[800, 150, 50]], 0.001, runner_up=True)
    assert three.miss == pytest.approx(1 - beta.ppf(0.001 / 6, 800, 201), rel=1e-7)
    assert three.runner_up == pytest.approx(beta.ppf(1 - 0.001 / 6, 151, 850), rel=1e-7)
    chosen = clopper_pearson([[800, 150, 50]], 0.001, selection=[[5, 9, 1]])
    assert chosen.label.tolist() == [1]
    assert chosen.miss == pytest.approx(1 - beta.ppf(0.001, 150, 851), rel=1e-7)


@given(st.integers(1, 60), st.data(), st.floats(-12, -0.05).map(lambda x: 10**x))
@settings(max_examples=100, deadline=None)
def test_clopper_pearson_is_rounded_outward(num: int, data: st.DataObject, alpha: float) -> None:
    top = data.draw(st.integers((num + 1) // 2, num))
    miss = float(clopper_pearson([[top, num - top]], alpha).miss[0])

    def tail(p: Fraction) -> Fraction:
        return sum((comb(num, k) * p**k * (1 - p) ** (num - k) for k in range(num - top + 1)), Fraction(0))

    assert tail(Fraction(miss)) <= Fraction(alpha) / 2
    below = Fraction(nextafter(miss, 0))  # next to 1, one step of a float is a large share of what is left
    assert tail(below) >= Fraction(alpha) / 2 * (1 - Fraction(1, 10**6)) or miss == 1


@pytest.mark.parametrize("num", [1_000, 100_000, 10_000_000])
def test_clopper_pearson_with_many_votes(num: int) -> None:
    for wrong in (0, 1, num // 100, num // 3):
        miss = clopper_pearson([[num - wrong, wrong]], 0.001).miss[0]
        assert binom.cdf(wrong, num, miss) == pytest.approx(0.0005, rel=1e-6)


@pytest.mark.parametrize("method", [simultaneous, hoeffding, anytime])
@pytest.mark.parametrize("alpha", [0.3, 0.05])
def test_two_classes_cover(method: Callable[..., Bounds], alpha: float) -> None:
    for num in (1, 7, 40):
        votes = all_votes(num, 2)
        found = method(votes, alpha)
        for p in CHANCES:
            missed = binom.pmf(votes[:, 0], num, p)[failures(found, np.array([p, 1 - p]))].sum()
            assert missed <= alpha


@pytest.mark.parametrize("method", [simultaneous, hoeffding, anytime])
@pytest.mark.parametrize("runner_up", [False, True])
def test_three_classes_cover(method: Callable[..., Bounds], runner_up: bool) -> None:
    votes = all_votes(25, 3)
    found = method(votes, 0.2, runner_up=runner_up)
    assert (found.runner_up <= found.miss).all()
    for truth in [(1, 1, 1), (5, 5, 1), (8, 1, 1), (4, 3, 3), (50, 1, 1), (6, 5, 0)]:
        p = np.array(truth) / sum(truth)
        assert multinomial.pmf(votes, 25, p)[failures(found, p)].sum() <= 0.2


def test_one_level_for_the_class_picked_by_the_same_votes_misses_too_often() -> None:
    """The known error: the votes that pick the class also bound it, at the full alpha."""
    num, alpha = 40, 0.05
    votes = all_votes(num, 2)
    careless = clopper_pearson(votes, alpha, selection=votes)
    missed = [binom.pmf(votes[:, 0], num, p)[failures(careless, np.array([p, 1 - p]))].sum() for p in CHANCES]
    assert max(missed) > 1.3 * alpha


def test_separate_selection_votes_cover_at_the_full_level() -> None:
    num, alpha = 40, 0.05
    votes, picks = all_votes(num, 2), all_votes(9, 2)
    for p in CHANCES:
        missed = 0.0
        for pick, chance in zip(picks, binom.pmf(picks[:, 0], 9, p), strict=True):
            found = clopper_pearson(votes, alpha, selection=np.broadcast_to(pick, votes.shape))
            missed += chance * binom.pmf(votes[:, 0], num, p)[failures(found, np.array([p, 1 - p]))].sum()
        assert missed <= alpha


def crossing(found: Callable[[np.ndarray], Bounds], p: float, most: int) -> float:
    """Probability that a bound fails at some number of votes up to `most`, by exact dynamic programming."""
    alive, missed = np.array([1.0]), 0.0
    for num in range(1, most + 1):
        alive = np.append(alive * (1 - p), 0) + np.append(0, alive * p)
        votes = np.stack([np.arange(num + 1), num - np.arange(num + 1)], axis=1)
        failed = failures(found(votes), np.array([p, 1 - p]))
        missed += alive[failed].sum()
        alive[failed] = 0
    return float(missed)


@pytest.mark.parametrize("p", [0.02, 0.3, 0.5, 0.9])
def test_anytime_holds_at_every_number_of_votes_at_once(p: float) -> None:
    assert crossing(lambda votes: anytime(votes, 0.05), p, 300) <= 0.05


def test_watching_clopper_pearson_breaks_its_level() -> None:
    assert crossing(lambda votes: simultaneous(votes, 0.05), 0.5, 300) > 0.1


def test_anytime_with_three_classes_holds_at_every_number_of_votes_at_once() -> None:
    for p in ([0.4, 0.3, 0.3], [0.8, 0.1, 0.1]):
        alive, missed = np.ones((1, 1)), 0.0  # indexed by the votes of the first two classes
        for num in range(1, 41):
            grown = np.zeros((num + 1, num + 1))
            grown[:-1, :-1] += alive * p[2]
            grown[1:, :-1] += alive * p[0]
            grown[:-1, 1:] += alive * p[1]
            first, second = np.indices(grown.shape)
            possible = first + second <= num
            votes = np.stack([first, second, num - first - second], axis=2)[possible]
            failed = np.zeros(grown.shape, dtype=bool)
            failed[possible] = failures(anytime(votes, 0.2, runner_up=True), np.array(p))
            missed += grown[failed].sum()
            alive = np.where(failed, 0.0, grown)
        assert missed <= 0.2


@given(st.integers(1, 10**7), st.floats(0, 1), st.floats(-9, -0.05).map(lambda x: 10**x))
@settings(max_examples=100, deadline=None)
def test_anytime_solves_its_equation(num: int, share: float, alpha: float) -> None:
    """The value is in the complement of the confidence set, and a little further in it is not."""
    from mpmath import log, log1p, loggamma, mp, mpf

    mp.dps = 40
    wrong = int(share * num / 2)
    miss = mpf(float(anytime([[num - wrong, wrong]], alpha).miss[0]))

    def log_beta(a: mpf, b: mpf) -> mpf:
        return loggamma(a) + loggamma(b) - loggamma(a + b)

    half = mpf(1) / 2
    goal = log(mpf(alpha)) + log_beta(wrong + half, num - wrong + half) - log_beta(half, half)
    height = wrong * log(miss) + (num - wrong) * log1p(-miss)
    assert height <= goal <= height + mpf("1e-5")


def test_wider_where_more_is_asked() -> None:
    votes = [[900, 60, 40]]
    exact = simultaneous(votes, 0.01)
    assert exact.miss < hoeffding(votes, 0.01).miss
    assert exact.miss < anytime(votes, 0.01).miss
    assert exact.miss < simultaneous(votes, 0.01, runner_up=True).miss
    assert clopper_pearson(votes, 0.01, selection=votes).miss < exact.miss
    assert hoeffding(votes, 0.01).miss == pytest.approx(0.1 + np.sqrt(np.log(300) / 2000), rel=1e-12)


@pytest.mark.parametrize("selected", [False, True])
@pytest.mark.parametrize("runner_up", [False, True])
def test_alpha_is_shared_over_all_bounds_that_may_fail(selected: bool, runner_up: bool) -> None:
    """One for the top class where other votes picked it, else one for each; upper bounds of the others come on top."""
    votes = np.array([[60, 25, 15]])
    picked = votes if selected else None
    one_sided = {(False, False): 3, (False, True): 6, (True, False): 1, (True, True): 3}
    for method, upper, shares in (
        (clopper_pearson, binomial.clopper_pearson_upper, one_sided),
        (hoeffding, binomial.hoeffding_upper, one_sided),
        (anytime, binomial.anytime_upper, {**one_sided, (False, True): 3}),
    ):
        found = method(votes, 0.06, picked, runner_up=runner_up)
        both = upper(np.array([40, 25]), np.array([100, 100]), 0.06 / shares[selected, runner_up])
        assert found.miss[0] == both[0]
        assert found.runner_up[0] == both[1 if runner_up else 0]


@pytest.mark.parametrize("method", [simultaneous, hoeffding, anytime])
def test_ties_and_no_votes(method: Callable[..., Bounds]) -> None:
    found = method([[5, 5, 0], [0, 7, 7], [0, 0, 0]], 0.1, runner_up=True)
    assert found.label.tolist() == [0, 1, 0]
    assert (found.miss[:2] >= 0.5).all()
    assert found.miss[2] == found.runner_up[2] == 1.0
    assert method(np.zeros((0, 3), int), 0.1).miss.shape == (0,)


def test_dkw_against_the_exact_law() -> None:
    for num in (1, 5, 40, 1000):
        for alpha in (0.5, 0.05, 1e-3, 1e-6):
            exact = ksone.sf(min(dkw(num, alpha), 1.0), num)
            assert exact <= alpha
    assert ksone.sf(dkw(1000, 0.05) * 0.95, 1000) > 0.05


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: simultaneous([[3, -1]], 0.1), "counts holds -1"),
        (lambda: simultaneous([[3.0, np.nan]], 0.1), "counts holds float64"),
        (lambda: simultaneous([3, 1], 0.1), r"counts has shape \(2,\)"),
        (lambda: simultaneous([[3]], 0.1), r"counts has shape \(1, 1\)"),
        (lambda: simultaneous([[3, 1]], 0), "alpha is 0,"),
        (lambda: simultaneous([[3, 1]], 1.0), "alpha is 1.0"),
        (lambda: simultaneous([[3, 1]], float("nan")), "alpha is nan"),
        (lambda: clopper_pearson([[3, 1]], 0.1, selection=[[1, 2, 3]]), "selection has shape"),
        (lambda: clopper_pearson([[3, 1]], 0.1, selection=[[0.5, 1]]), "selection holds float64"),
        (lambda: dkw(0, 0.1), "0 scores"),
        (lambda: dkw(10, 0.7), "alpha is 0.7"),
        (lambda: simultaneous([[5, 5]], 0.1, points="some"), "points is 'some'"),
        (lambda: over_points(2.0, 10), "alpha is 2.0"),
    ],
)
def test_bad_input_is_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("method", [clopper_pearson, hoeffding, anytime])
def test_all_points_at_once(method: Callable[..., Bounds]) -> None:
    """Points 30 times over: exact chance that a bound fails somewhere, were the points independent."""
    num, points, alpha = 40, 30, 0.05
    votes = all_votes(num, 2)
    every = np.repeat(votes, points, axis=0)  # each outcome, seen by as many points as are certified together
    for p in (0.5, 0.7, 0.9):
        chance = binom.pmf(votes[:, 0], num, p)
        each = method(votes, alpha)
        together = method(every, alpha, points="all")
        assert together.points == "all"
        assert together.alpha == alpha
        wrong = failures(method(votes, over_points(alpha, points)), np.array([p, 1 - p]))
        assert 1 - (1 - chance @ wrong) ** points <= alpha
        assert (together.miss >= np.repeat(each.miss, points)).all()
    again = method(every, alpha / len(every))
    assert together.miss == pytest.approx(again.miss, rel=1e-9)
    assert together.runner_up == pytest.approx(again.runner_up, rel=1e-9)


def test_bounds_of_each_point_fail_somewhere_among_many() -> None:
    votes, p = all_votes(100, 2), 0.7
    wrong = failures(clopper_pearson(votes, 0.05), np.array([p, 1 - p]))
    assert 1 - (1 - binom.pmf(votes[:, 0], 100, p) @ wrong) ** 100 > 0.5


@needs_vectors
def test_published_values() -> None:
    reference = json.loads((Path(str(VECTORS)) / "papers.json").read_text())
    for case in reference["cohen_clopper_pearson"]["cases"]:
        found = clopper_pearson([[case["nA"], case["n"] - case["nA"]]], case["alpha"], selection=[[1, 0]])
        assert 1 - found.miss[0] == pytest.approx(case["pABar"], abs=1e-8)
    for case in reference["bagging"]["cases"]:
        classes = len(case["counts"])
        # The published code gives alpha / classes to each side; ours gives that for twice the alpha.
        alpha = case["alpha"] * (2 if classes > 2 else 1)
        found = simultaneous([case["counts"]], alpha, runner_up=True)
        assert found.label[0] == case["label"]
        assert 1 - found.miss[0] == pytest.approx(case["pl"], abs=1e-8)
        assert found.runner_up[0] == pytest.approx(min(case["ps"], 1 - case["pl"]), abs=1e-8)
    for case in reference["rab_radius_gaussian_hoeffding"]["cases"]:
        assert bounds.dkw(case["N_m"], case["alpha"]) == pytest.approx(case["heof"], rel=1e-12)


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("limit", [0.5, 0.3, 1 / 8, 1 / 128, 1e-3])
def test_fewest_votes_are_enough_and_one_vote_less_never_is(limit: float, classes: int) -> None:
    number = bounds.fewest_votes(limit, alpha=0.01, shares=classes)
    others = [0] * (classes - 1)
    assert bounds.simultaneous([[number, *others]], alpha=0.01).miss[0] < limit
    assert not bounds.simultaneous([[number - 1, *others]], alpha=0.01).miss[0] < limit


def test_no_number_of_votes_is_enough_where_nothing_is_certified() -> None:
    assert bounds.fewest_votes(0.0, alpha=0.01) == np.inf
    assert 5.29e60 < bounds.fewest_votes(1e-60, alpha=0.01) < 5.3e60
    assert len(str(bounds.fewest_votes(Fraction(1, 10**400), alpha=0.01))) == 401
    with pytest.raises(InputError, match="alpha"):
        bounds.fewest_votes(0.1, alpha=1.0)
