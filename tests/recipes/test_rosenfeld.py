"""Label flips on least squares: Chernoff's bound from both sides, and every attack on small worlds."""

from __future__ import annotations

import itertools
import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsbd.bounds import Bounds, chernoff
from rsbd.bounds.chernoff import Chances, lower_tail
from rsbd.certify import ABSTAIN, radius
from rsbd.data import Dataset, load
from rsbd.errors import InputError
from rsbd.noises import Flip
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes import rosenfeld
from rsbd.recipes.rosenfeld import LeastSquares, closed_form_radius, label_flip_bounds

VECTORS = os.environ.get("RSBD_VECTORS")
needs_vectors = pytest.mark.skipif(not VECTORS, reason="RSBD_VECTORS names no folder with reference values")


def cases(family: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((Path(str(VECTORS)) / "papers.json").read_text())[family]["cases"]
    return found


def exact_radii(misses: np.ndarray, keep: Flip) -> np.ndarray:
    bounds = Bounds(np.zeros(len(misses), np.int64), misses, misses, 0.0)
    return radius(bounds, Smoothing(labels=keep)).radius


@needs_vectors
def test_chernoff_values_of_the_reference() -> None:
    for case in cases("rosenfeld_binary"):
        model = LeastSquares.fit(np.array(case["X"]), case["lam"], intercept=False)
        point = np.array([case["x"]])
        assert model.influence(point)[0] == pytest.approx(case["alpha_vec"], abs=1e-12)
        noise = Flip(repr(1 - case["q"])) if case["q"] != 0.3 else Flip(0.7)
        found = label_flip_bounds(model, point, np.array(case["y"]), noise)
        assert found.label[0] == case["pred"]
        assert found.alpha == 0
        assert found.miss[0] >= case["exact_prob_other"]
        assert found.miss[0] == pytest.approx(case["chernoff_upper_on_other"], rel=1e-7)  # both minimise over t
        assert max(closed_form_radius(found.miss, noise)[0], 0) == case["kl_radius"]
        said = exact_radii(np.array([found.miss[0], case["exact_prob_other"]]), noise)
        assert np.maximum(said, 0).tolist() == [case["np_radius_from_chernoff"], case["np_radius_from_exact"]]


@needs_vectors
def test_radii_of_the_reference() -> None:
    by_noise: dict[str, list[dict[str, Any]]] = {}
    for case in cases("rosenfeld_radius"):
        by_noise.setdefault(repr(round(1 - case["q"], 12)), []).append(case)
    for keep, some in by_noise.items():
        others = np.array([case["pother"] for case in some])
        assert closed_form_radius(others, Flip(keep)).tolist() == [case["kl_radius"] for case in some]
        assert exact_radii(others, Flip(keep)).tolist() == [case["np_radius"] for case in some]


def whole(numbers: list[float]) -> tuple[list[int], int]:
    """Return floats as whole numbers over a common denominator."""
    one = max(number.as_integer_ratio()[1] for number in numbers)
    return [int(Fraction(number) * one) for number in numbers], one


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=7),
    st.floats(-4, 4),
)
@settings(max_examples=150, deadline=None)
def test_chernoff_is_above_the_tail(terms: list[tuple[float, ...]], at: float) -> None:
    """Against the exact sum over all outcomes."""
    weights = [term[0] for term in terms]
    chances = np.array([(up, rest + 1e-9, down) for _, up, rest, down in terms])
    chances /= chances.sum(axis=1, keepdims=True)
    found = lower_tail(np.array([weights]), Chances(*chances.T), at)[0]
    (*steps, border), _ = whole([*weights, at])
    outcomes, all_ = [(0, 1)], 1  # of the terms so far: their sum, and its chance; the sum of all chances
    for step, law in zip(steps, chances.tolist(), strict=True):
        shares, one = whole(law)
        moves = list(zip((step, 0, -step), shares, strict=True))
        outcomes = [(total + move, chance * more) for total, chance in outcomes for move, more in moves]
        all_ *= one
    tail = Fraction(sum(chance for total, chance in outcomes if total <= border), all_)
    # The chances are floats that add up to 1 only nearly.
    assert found >= tail * (1 - Fraction(1, 10**14))


@pytest.mark.parametrize("count", [1, 5, 100, 3001])
@pytest.mark.parametrize("up", [0.6, 0.9, 0.999])
def test_chernoff_is_at_its_minimum(count: int, up: float) -> None:
    """For equal weights the minimum over t has a closed form: exp(-n KL)."""
    ends = np.array([0.0, count * up * 0.5, count * up - 0.3, count * up, count + 1.0])
    law = Chances(np.full(count, up), np.full(count, 1 - up), np.zeros(count))
    found = lower_tail(np.ones((len(ends), count)), law, ends)
    with mpmath.workdps(60):
        for value, at in zip(found, ends, strict=True):
            share, p = mpmath.mpf(at) / count, mpmath.mpf(up)
            if share >= p:
                assert value == 1
                continue
            rest = mpmath.mpf(1 - up)  # the float that the bound was told
            best = (rest / (1 - share)) ** (count * (1 - share)) * ((p / share) ** (count * share) if share else 1)
            # The smallest float stands for what no float can hold. At the end of the support the best t is infinite,
            # and where the tail begins at the mean float32 finds it to few digits: that costs tightness only.
            assert best * (1 - mpmath.mpf(10) ** -15) <= value
            assert value <= best * (1 + (1e-3 if at == 0 else 1e-4)) + 5e-324


@pytest.mark.parametrize("rare", [1e-3, 1e-12, 1e-44, 1e-200])
@pytest.mark.parametrize("count", [16, 64, 1000])
def test_chernoff_of_rare_falls(count: int, rare: float) -> None:
    """Large exponents: terms of 1 that hardly ever fall to -1. One fall is enough, and its chance is not zero."""
    fall = np.full(count, rare)
    found = lower_tail(np.ones((1, count)), Chances(1 - fall, np.zeros(count), fall), count - 2.0)[0]
    with mpmath.workdps(250):
        assert found >= 1 - (1 - mpmath.mpf(rare)) ** count
    if rare == 1e-12:  # where t is not at its limit the bound is nearly e times the mean number of falls
        assert found == pytest.approx(count * rare * (count / (count - 1)) ** (count - 1), rel=1e-3)


def test_chernoff_is_rounded_up() -> None:
    """At any t, against 60 digits; equal factors round the same way each time."""
    count, random = 1600, np.random.default_rng(0)
    for _ in range(60):
        up, stay = random.uniform(0.5, 0.9), random.uniform(0, 0.1)
        chances, at, t = (up, stay, 1 - up - stay), random.uniform(0, count / 8), random.uniform(0, 1, 1)
        law = Chances(*(np.full(count, chance) for chance in chances))
        found = chernoff._bound(np.ones((1, count)), law, np.array([at]), t)[0]
        with mpmath.workdps(60):
            step = mpmath.exp(mpmath.mpf(t[0]))
            factor = chances[0] / step + chances[1] + chances[2] * step
            exact = mpmath.exp(mpmath.mpf(t[0]) * mpmath.mpf(at)) * factor**count
            assert min(exact, 1) <= found <= exact * (1 + mpmath.mpf(10) ** -8) + 5e-324


def test_one_batch_or_many() -> None:
    """Sums of every size, so that blocks and groups end everywhere."""
    rng = np.random.default_rng(0)
    for terms in (1, 15, 16, 17, 1000):
        weights = rng.normal(1, 1, (300, terms))
        up = rng.choice([0.8, 0.2], terms)
        law = Chances(up, 1 - up, np.zeros(terms))
        at = rng.normal(0, terms / 4, 300)
        one_by_one = [lower_tail(weights[i : i + 1], law, at[i])[0] for i in range(300)]
        assert lower_tail(weights, law, at) == pytest.approx(one_by_one, rel=1e-9)


def clusters(*sizes: int) -> Dataset:
    """Rows in clusters, a class each; points in them and between."""
    rng, centres = np.random.default_rng(3), np.array([[0.1, 0.1], [0.9, 0.2], [0.4, 0.9], [0.6, 0.5]])
    y = np.repeat(np.arange(len(sizes)), sizes)
    y_test = rng.integers(0, len(sizes), 60)
    spread = np.repeat([0.03, 0.2], 30)[:, None]
    x_test = centres[y_test] + spread * rng.normal(size=(60, 2))
    x = centres[y] + 0.03 * rng.normal(size=(len(y), 2))
    return Dataset("clusters", x, y, x_test, y_test, tuple("abcd"[: len(sizes)]))


def smoothed(data: Dataset, model: LeastSquares, noise: Flip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All label vectors, how many labels each pair differs in, and P(prediction | labels held) for all of them."""
    every = np.array(list(itertools.product(range(noise.values), repeat=data.num_rows)))
    influence = model.influence(data.x_test)
    if noise.values == 2:
        predicted = (influence @ every.T > 0.5).astype(int)
    else:
        predicted = np.stack([influence @ (every == c).T for c in range(noise.values)]).argmax(axis=0)
    apart = sum((every[:, None, i] != every[None, :, i]).astype(np.int8) for i in range(data.num_rows))
    keep, away = float(noise.keep), float((1 - noise.keep) / (noise.values - 1))
    law = keep ** (data.num_rows - apart) * away**apart  # [held, drawn]
    chance = np.stack([law @ (predicted == c).T for c in range(noise.values)], axis=-1)  # [held, points, classes]
    return every, apart, chance


@pytest.mark.parametrize(
    ("sizes", "keep"), [((6, 5), 0.9), ((6, 5), 0.97), ((8, 2), 0.7), ((5, 1, 1), 0.97), ((3, 2, 2), 0.999)]
)
@pytest.mark.parametrize("penalty", [None, 0.01])
def test_no_flips_inside_the_radius_change_a_prediction(
    sizes: tuple[int, ...], keep: float, penalty: float | None
) -> None:
    data = clusters(*sizes)
    noise = Flip(keep, len(sizes))
    found = rosenfeld(data, keep, penalty=penalty)
    every, apart, chance = smoothed(data, LeastSquares.fit(data.x, penalty), noise)
    held = int(np.flatnonzero((every == data.y).all(axis=1))[0])
    label = chance.argmax(axis=-1)
    points = np.arange(data.num_points)
    top = found.bounds.label
    sure = found.certificate.radius >= 0
    assert (1 - chance[held, points, top] <= found.bounds.miss + 1e-12).all()
    others = chance[held].copy()
    others[points, top] = 0
    assert (others.max(axis=1) <= found.bounds.runner_up + 1e-12).all()
    assert (top == label[held])[sure].all()
    assert found.certificate.radius.max() >= (0 if keep in (0.7, 0.999) else 1)
    for certificate in (found.certificate, found.closed_form):
        within = apart[held][:, None] <= certificate.radius
        assert (label == certificate.label)[within].all()
    # Not vacuous: some attack just as small changes other points, and larger ones those.
    assert (label[apart[held] <= max(1, found.certificate.radius.max())] != label[held]).any()


@pytest.mark.parametrize("sizes", [(5, 4), (4, 2), (3, 3, 2), (3, 1, 1), (2, 2, 1, 1), (4, 1, 1, 1)])
@pytest.mark.parametrize("keep", [0.05, 0.3, 0.5, 0.6, 0.8])
def test_bounds_hold_where_noise_moves_many_labels(sizes: tuple[int, ...], keep: float) -> None:
    data, noise = clusters(*sizes), Flip(keep, len(sizes))
    model = LeastSquares.fit(data.x, 0.01)
    found = label_flip_bounds(model, data.x_test, data.y, noise)
    drawn = np.array(list(itertools.product(range(noise.values), repeat=data.num_rows)))
    scores = np.stack([model.influence(data.x_test) @ (drawn == c).T for c in range(noise.values)])
    moved = (drawn != data.y).sum(axis=1)
    chance = keep ** (data.num_rows - moved) * ((1 - keep) / (noise.values - 1)) ** moved
    said = np.stack([(scores.argmax(axis=0) == c) @ chance for c in range(noise.values)], axis=1)
    top = np.arange(noise.values) == found.label[:, None]
    assert (1 - said[top] <= found.miss + 1e-12).all()
    assert (np.where(top, 0, said).max(axis=1) <= found.runner_up + 1e-12).all()


@pytest.mark.parametrize("keep", [0.8, 0.5])
def test_three_classes_are_at_the_minimum_of_their_bound(keep: float) -> None:
    """Each pair of classes by itself: three outcomes for every row, and the best of many exponents."""
    data = load("digits", side=8, classes=(0, 1, 7), rows=60, points=12)
    model, noise = LeastSquares.fit(data.x), Flip(keep, 3)
    found = label_flip_bounds(model, data.x_test, data.y, noise)
    move, t = (1 - keep) / 2, np.geomspace(1e-1, 3e2, 4000)[:, None]
    for i, influence in enumerate(model.influence(data.x_test)):
        top, tails = found.label[i], []
        for other in set(range(3)) - {int(top)}:
            up, down = (np.where(data.y == c, keep, move) for c in (top, other))
            factors = up * np.exp(-t * influence) + (1 - up - down) + down * np.exp(t * influence)
            tails.append(min(1.0, np.exp(np.log(factors).sum(axis=1).min())))
        assert found.miss[i] == pytest.approx(min(1.0, sum(tails)), rel=1e-4)
        assert found.runner_up[i] == pytest.approx(max(tails), rel=1e-4)


def test_misses_to_all_other_classes_add_up() -> None:
    """Seen from the middle, left and right are alike: either may win as easily, and both count."""
    x = np.repeat([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]], 8, axis=0)
    model = LeastSquares.fit(x, 0.1)
    found = label_flip_bounds(model, np.array([[0.0, 1.0]]), np.repeat([0, 1, 2], 8), Flip(0.9, 3))
    assert found.label[0] == 0
    assert 0 < found.miss[0] < 0.5
    assert found.miss == pytest.approx(2 * found.runner_up)


def test_influences_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    for rows, features in [(30, 5), (6, 20), (8, 8)]:
        x, points = rng.random((rows, features)), rng.random((4, features))
        centred, ones = x - x.mean(axis=0), np.ones((rows, 1))
        expected = centred @ np.linalg.solve(centred.T @ centred + 0.7 * np.eye(features), (points - x.mean(axis=0)).T)
        found = LeastSquares.fit(x, 0.7).influence(points)
        assert found == pytest.approx((expected + ones / rows).T, abs=1e-12)
        assert found.sum(axis=1) == pytest.approx(1, abs=1e-12)
        assert LeastSquares.fit(x, 0.7).penalty == 0.7
        default = LeastSquares.fit(x).penalty
        eigenvalues = np.linalg.eigvalsh(centred.T @ centred)
        assert default == pytest.approx((eigenvalues**2).sum() / eigenvalues.sum(), rel=1e-9)


def test_rows_that_are_all_alike_share_every_point() -> None:
    assert LeastSquares.fit(np.ones((4, 3))).influence(np.eye(3)).tolist() == [[0.25] * 4] * 3


def test_no_label_enters_the_classifier() -> None:
    data = load("digits", side=8, classes=(3, 8), rows=60, points=20)
    attacked = data.replace(y=1 - data.y)
    here, there = rosenfeld(data, 0.9), rosenfeld(attacked, 0.9)
    assert here.penalty == there.penalty
    assert (here.bounds.label == 1 - there.bounds.label).all()
    assert here.bounds.miss == pytest.approx(there.bounds.miss, rel=1e-6)  # by symmetry of 0 and 1


@pytest.mark.parametrize(("keep", "best"), [(1, 0), (0.5, -1), ("1/2", -1), (0, 0)])
def test_noise_at_its_ends(keep: float, best: int) -> None:
    """No noise proves nothing about flips, pure noise nothing at all; always flipping is no noise."""
    found = rosenfeld(load("digits", side=8, classes=(0, 1), points=30), keep)
    assert found.certificate.radius.max() == best
    assert found.closed_form.radius.max() == best
    assert (found.certificate.label[found.certificate.radius < 0] == ABSTAIN).all()


def test_closed_form_at_its_ends() -> None:
    misses = np.array([0.0, 5e-324, 1e-300, 0.2499999, 0.25, 0.4999999, 0.5, 1.0])
    assert closed_form_radius(misses, Flip(0.5)).tolist() == [65536] * 6 + [-1, -1]
    assert closed_form_radius(misses, Flip(1)).tolist() == [0] * 6 + [-1, -1]
    found = closed_form_radius(misses, Flip(0.6, 10))
    assert (np.diff(found) <= 0).all()
    assert found[2] > 100
    # -log(4 m (1 - m)) / 2 over (1 - 2 q) log((1 - q) / q), at a miss where it is 2 but for a hair
    q = 0.2
    goal = np.exp(-2 * 2 * (1 - 2 * q) * np.log((1 - q) / q))
    at = (1 - np.sqrt(1 - goal)) / 2
    radii = closed_form_radius(np.array([at * (1 - 1e-9), at * (1 + 1e-9)]), Flip(0.8))
    assert radii.tolist() == [2, 1]


@pytest.mark.parametrize(
    "noise", [Flip(0.6), Flip(0.99), Flip("1/3"), Flip(0.7, 10), Flip("1/2", 3), Flip("0.5000001")], ids=repr
)
def test_closed_form_is_never_above_the_formula(noise: Flip) -> None:
    """Within some ulps of every miss where one more flip begins, against 60 digits; also where noise hides most."""
    with mpmath.workdps(60):
        keep = mpmath.mpf(noise.keep.numerator) / noise.keep.denominator
        away = (1 - keep) / (noise.values - 1)
        one = (keep - away) * mpmath.log(keep / away)
        for flips in (1, 2, 5, 10, 37, 100, 1000, 30_000):
            border = float((1 - mpmath.sqrt(1 - mpmath.exp(-2 * flips * one))) / 2)
            if border < 1e-300:
                continue
            misses = border + np.arange(-30, 31) * np.spacing(border)
            formula = [-mpmath.log(4 * mpmath.mpf(m) * (1 - mpmath.mpf(m))) / (2 * one) for m in misses]
            found = closed_form_radius(misses, noise)
            assert all(radius <= truth for radius, truth in zip(found.tolist(), formula, strict=True))
            assert closed_form_radius(np.array([border * (1 - 1e-9)]), noise)[0] >= flips


def test_the_recipe_holds_the_closed_form_beside_the_exact_one() -> None:
    data = load("digits", side=8, view="unit", classes=(3, 8, 9), points=60)
    found = rosenfeld(data, keep=0.8)
    shorter = found.closed_form
    assert np.array_equal(shorter.radius, closed_form_radius(found.bounds.miss, Flip(0.8, 3)))
    assert np.array_equal(shorter.label, np.where(shorter.radius < 0, -1, found.bounds.label))
    assert (shorter.radius < found.certificate.radius).any()
    assert (shorter.radius < 0).any()


def test_what_is_not_covered_is_said() -> None:
    found = rosenfeld(load("digits", side=8, classes=(0, 1), points=30), 0.9)
    held = found.certify(Threat(rows=2, relabel=True, on_test=False))
    assert (held == (found.certificate.radius >= 2)).all()
    with pytest.raises(InputError, match="training features"):
        found.certify(Threat(rows=1, trigger=1, on_test=False))
    with pytest.raises(InputError, match="penalty is -1"):
        LeastSquares.fit(np.eye(3), -1)
    with pytest.raises(InputError, match="penalty is inf"):
        LeastSquares.fit(np.eye(3), np.inf)
    with pytest.raises(InputError, match="too small"):
        LeastSquares.fit(np.ones((5, 2)), 0.0)


@pytest.mark.mnist
def test_mnist_one_against_seven() -> None:
    data = load("mnist", classes=(1, 7))
    assert (data.num_rows, data.num_points) == (13_007, 2_163)
    data = data.replace(x_test=data.x_test[::16], y_test=data.y_test[::16])
    found = rosenfeld(data, keep=0.7)
    assert found.certificate.accuracy(data.y_test, radius=100) > 0.9
    assert found.certificate.accuracy(data.y_test, radius=200) > 0.8
    sure = found.certificate.radius >= 10
    assert np.median(found.certificate.radius[sure] / found.closed_form.radius[sure]) > 1.5
