"""Smoothed 1-NN: the bounds hold the truth, closely: closed forms, quadrature, sampling, published values."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from scipy.stats import ncx2

from rsbd.attacks import Pixels, Poisoning
from rsbd.bounds.nearest import neighbour_bounds
from rsbd.bounds.nearest.distance import Counts, Nodes, hazards
from rsbd.bounds.nearest.race import Arrival, arrives_first
from rsbd.data import load
from rsbd.errors import InputError
from rsbd.noises.smoothing import Threat
from rsbd.recipes import rab_knn


def vectors() -> list[dict[str, Any]]:
    folder = os.environ.get("RSBD_VECTORS")
    if folder is None:
        pytest.skip("no reference values here: set RSBD_VECTORS to the folder that holds papers.json")
    cases: list[dict[str, Any]] = json.loads((Path(folder) / "papers.json").read_text())["rab_knn1"]["cases"]
    return cases


@pytest.mark.slow
def test_published_values() -> None:
    """Independent bounds at 6,000 radii hold ours; the bucketised value is near, and not always within."""
    outside = 0
    for case in vectors():
        found = neighbour_bounds(case["X"], case["y"], [case["x"]], case["sigma"], num_classes=2)
        low, high = 1 - found.miss[0, 1], found.upper[0, 1]
        assert case["independent_p1_lower"] <= high
        assert low <= case["independent_p1_upper"]
        assert case["independent_p1_lower"] - 1e-9 <= low <= high <= case["independent_p1_upper"] + 1e-9
        assert high - low < 2e-4
        assert abs(high - case["official_p"][1]) < 0.05
        outside += not low <= case["official_p"][1] <= high
    assert outside > 20


def marcum(a: float, b: float) -> float:
    """Marcum's Q function of order 1: P(a Rice variable is beyond b)."""
    return float(ncx2.sf(b**2, 2, a**2)) if a else float(np.exp(-(b**2) / 2))


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(st.floats(0, 6), st.floats(0, 6), st.floats(0, 6.28), st.floats(0.5, 3))
def test_two_rows_in_the_plane(near: float, far: float, angle: float, sigma: float) -> None:
    """Against Stein's closed form (1964) for two Rice variables."""
    rows = [[near * np.cos(angle), near * np.sin(angle)], [0.0, far]]
    found = neighbour_bounds(rows, [0, 1], [[0.0, 0.0]], sigma, num_classes=2, resolution=1000)
    a, b = near / sigma / np.sqrt(2), far / sigma / np.sqrt(2)
    truth = (1 - marcum(a, b) + marcum(b, a)) / 2
    assert 1 - found.miss[0, 0] - 1e-12 <= truth <= found.upper[0, 0] + 1e-12
    assert found.upper[0, 0] + found.miss[0, 0] - 1 < 2e-4


@pytest.mark.parametrize("dim", [1, 2, 3, 64])
@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_several_classes_against_quadrature(dim: int, sigma: float) -> None:
    random = np.random.default_rng(dim)
    x, y, point = random.random((12, dim)), random.integers(0, 3, 12), random.random((1, dim))
    found = neighbour_bounds(x, y, point, sigma, num_classes=4)
    # P(class c) is the integral of H times the sum of its rows' hazard rates, H = P(no row within r).
    away = ((x - point) ** 2).sum(axis=1) / sigma**2
    ends = np.linspace(0, np.sqrt(away.max() + dim) + 9, 81)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    half = np.diff(ends)[:, None] / 2
    r = (ends[:-1, None] + half * (nodes + 1)).ravel()
    survival, density = (f(r[:, None] ** 2, dim, away) for f in (ncx2.sf, ncx2.pdf))
    rate = 2 * r[:, None] * density / np.maximum(survival, 1e-300) * (half * weights).reshape(-1, 1)
    truth = [(survival.prod(axis=1) * rate[:, y == c].sum(axis=1)).sum() for c in range(4)]
    assert sum(truth) == pytest.approx(1, abs=1e-9)
    assert (1 - found.miss[0] <= np.array(truth) + 1e-9).all()
    assert (truth <= found.upper[0] + 1e-9).all()
    # In one dimension hazards need not be convex, and the bounds are the plain sums.
    assert (found.upper + found.miss - 1 < (5e-3 if dim == 1 else 3e-4)).all()
    assert found.upper[0, 3] < 1e-15  # a class without rows


def test_sampling_agrees() -> None:
    random = np.random.default_rng(1)
    x, y, points = random.random((12, 5)), random.integers(0, 3, 12), random.random((4, 5))
    found = neighbour_bounds(x, y, points, 0.4, num_classes=3)
    draws = 50_000
    noised = x + 0.4 * random.standard_normal((draws, *x.shape))
    for i, point in enumerate(points):
        nearest = y[((noised - point) ** 2).sum(axis=2).argmin(axis=1)]
        share = np.bincount(nearest, minlength=3) / draws
        error = 5 * np.sqrt(share * (1 - share) / draws) + 1e-4
        assert (share + error >= 1 - found.miss[i]).all()
        assert (share - error <= found.upper[i]).all()


def test_equal_rows_share_alike_and_ties_do_no_harm() -> None:
    found = neighbour_bounds(np.zeros((10, 7)), [0] * 3 + [1] * 7, np.zeros((1, 7)), 1.0, num_classes=2)
    assert 1 - found.miss[0, 0] <= 0.3 <= found.upper[0, 0]
    assert found.upper[0, 0] + found.miss[0, 0] - 1 < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("gap", [2.0, 4.0, 8.0, 12.0])
def test_rare_misses_keep_their_digits(gap: float) -> None:
    """Two rows in the plane, far out: their distances differ almost like Gaussian numbers."""
    found = neighbour_bounds([[100.0, 0.0], [0.0, 100.0 + gap]], [0, 1], [[0.0, 0.0]], 1.0, num_classes=2)
    assert 1 < found.miss[0, 0] / ndtr(-gap / np.sqrt(2)) < 1.05


@pytest.mark.parametrize("dim", [1, 2, 56, 784])
def test_the_table_holds_the_truth(dim: int) -> None:
    """Cumulative hazards against 320 digits, from hopelessly near to hopelessly far, and their bend in between."""
    root = np.sqrt(dim)
    nodes = np.array([0.0, 0.3, 40.0, 41.0, 900.0])
    radii = np.array([0.1, 0.7 * root, root, root + 3, root + 9, 30 + root])
    table = hazards(dim, nodes, radii)
    worst = 0.0
    for k, r in enumerate(radii):
        for i, node in enumerate(nodes):
            truth = exact_hazard(dim, node, r)
            assert table.low[i, k] <= truth <= table.high[i, k]
            if 1e-40 < truth < 100:
                worst = max(worst, float((table.high[i, k] - table.low[i, k]) / truth))
        for i in (0, 2):
            for part in (0.1, 0.5, 0.8):
                truth = exact_hazard(dim, (1 - part) * nodes[i] + part * nodes[i + 1], r)
                high = (1 - part) * table.high[i, k] + part * table.high[i + 1, k]
                low = (1 - part) * table.low[i, k] + part * table.low[i + 1, k]
                assert low - part * (1 - part) * table.bend[i, k] <= truth <= high
    assert worst < 1e-8


def exact_hazard(dim: int, node: float, r: float) -> mpmath.mpf:
    """-log P(distance > r), by the Poisson mixture with 320 digits."""
    with mpmath.workdps(320):
        x, mean, term = mpmath.mpf(r) ** 2 / 2, mpmath.mpf(node) / 2, None
        inside = outside = mpmath.mpf(0)
        last = int(mean + 20 * mpmath.sqrt(mean) + 60)
        below = mpmath.gammainc(mpmath.mpf(dim) / 2 + last, 0, x, regularized=True)
        chances = [mpmath.exp(-mean)]
        for j in range(1, last + 1):
            chances.append(chances[-1] * mean / j)
        s = mpmath.mpf(dim) / 2 + last
        term = x**s * mpmath.exp(-x) / mpmath.gamma(s + 1)
        for j in range(last, -1, -1):
            inside += chances[j] * below
            outside += chances[j] * (1 - below)
            term *= s / x
            s -= 1
            below += term
        return -mpmath.log1p(-inside) if inside < 0.5 else -mpmath.log(outside)


def test_a_race_of_exponentials() -> None:
    """Constant rates 1 and 3: the runner with rate 1 is first with probability 1/4, and the bound is nearly exact."""
    radii = np.linspace(0, 20, 200)
    slow, fast = (Arrival.first(rate * radii, rate * radii, radii, convex=True) for rate in (1.0, 3.0))
    assert arrives_first(slow, fast) == pytest.approx(0.25, abs=0.02)
    assert arrives_first(slow, fast) >= 0.25
    plain = Arrival.first(3 * radii, 3 * radii, radii, convex=False)
    assert arrives_first(slow, plain) > arrives_first(slow, fast)


def test_the_recipe_certifies_with_certainty() -> None:
    digits = load("digits", side=8, view="unit", classes=(0, 1, 7), rows=150, points=30)
    result = rab_knn(digits, sigma=1.0)
    bounds, certificate = result.bounds, result.certificate
    assert bounds.alpha == certificate.alpha == 0
    assert (certificate.norm, certificate.slots) == ("L2", ("features",))
    sure = certificate.radius > 0
    assert sure.mean() > 0.8
    assert (certificate.label == digits.y_test)[sure].mean() > 0.9
    # The paper's formula, from the same bounds.
    radius = -(ndtri(bounds.miss) + ndtri(bounds.runner_up)) / 2
    assert certificate.radius[sure] == pytest.approx(radius[sure], rel=1e-9)
    rows, trigger = 4, certificate.radius[sure].min() / 2 * (1 - 1e-9)
    assert result.certify(Threat(rows, trigger, relabel=False, on_test=False))[sure].all()
    with pytest.raises(InputError, match="relabel"):
        result.certify(Threat(rows, trigger, relabel=True, on_test=False))


def test_distances_that_are_hardly_known_cost_tightness_only() -> None:
    """Features so large that the distance is lost in rounding: the bounds are wide and still hold."""
    x = np.array([[1e8, 0.0], [1e8 + 2, 0.0]])
    found = neighbour_bounds(x, [0, 1], [[1e8, 0.0]], 1.0, num_classes=2)
    near = neighbour_bounds([[0.0, 0.0], [2.0, 0.0]], [0, 1], [[0.0, 0.0]], 1.0, num_classes=2)
    assert found.upper[0, 0] >= near.upper[0, 0] - 1e-4
    assert found.miss[0, 0] >= near.miss[0, 0] - 1e-4


def test_more_radii_are_tighter_and_agree() -> None:
    random = np.random.default_rng(2)
    x, y, points = random.random((40, 20)), random.integers(0, 2, 40), random.random((3, 20))
    coarse, fine = (neighbour_bounds(x, y, points, 0.5, 2, resolution) for resolution in (100, 1000))
    assert (fine.upper + fine.miss < coarse.upper + coarse.miss).all()
    assert (1 - coarse.miss <= fine.upper).all()
    assert (1 - fine.miss <= coarse.upper).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sigma": 0.0}, "sigma is 0.0"),
        ({"y": [0]}, "one label per row"),
        ({"y": [0, 5]}, "labels from 0 to 5"),
        ({"y": [0.0, 1.0]}, "float64 labels"),
        ({"x": [[0.0], [np.nan]]}, "finite"),
        ({"points": [[0.0, 1.0]]}, "must agree"),
        ({"resolution": 3}, "resolution is 3"),
        ({"neighbours": 0}, "neighbours is 0"),
        ({"neighbours": 3}, "from 1 to 2, the number of rows"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], says: str) -> None:
    good = {"x": [[0.0], [1.0]], "y": [0, 1], "points": [[0.0]], "sigma": 1.0, "num_classes": 2}
    with pytest.raises(InputError, match=says):
        neighbour_bounds(**{**good, **change})


@pytest.mark.slow
def test_far_from_the_origin_distances_are_rounded_outward() -> None:
    """The same rows and points, moved: at 3e6 a squared distance is off by up to 0.1, and that must be allowed for."""
    rng = np.random.default_rng(0)
    x, y, points = rng.integers(0, 8, (12, 3)) / 4, rng.integers(0, 2, 12), rng.integers(0, 8, (200, 3)) / 4
    near = neighbour_bounds(x, y, points, 0.3, 2)
    for away in (1e6, 3e6):
        moved = neighbour_bounds(x + away, y, points + away, 0.3, 2)
        assert (moved.upper >= 1 - near.miss).all()
        assert (moved.miss >= 1 - near.upper).all()


@pytest.mark.parametrize("off", [-0.75, 0.75])
def test_distances_count_as_near_and_as_far_as_they_may_be(off: float) -> None:
    """Wherever in its error a distance is off, the hazard lies between the two sides, for one row and for many."""
    nodes, radii = Nodes.between(3, np.sqrt(1.5), 8.0, 0.3), np.array([1.0, 2.0, 4.0, 6.0])
    table = hazards(3, nodes.squares, radii)
    last = nodes.squares[-1]
    truly = np.array([[0.8, 3.0, 7.0, 20.0, last + 0.6]])
    exact = np.array([[[float(exact_hazard(3, a, r)) for r in radii] for a in row] for row in truly])
    measured, error = truly + off, np.array([[0.75]])
    for i in range(truly.shape[1]):
        low, high = nodes.single(measured[:, i], error[:, 0], table)
        assert (low <= exact[:, i]).all()
        assert (exact[:, i] <= high).all()
    counts = Counts.of(measured, error, nodes, np.array([0, 0, 1, 1, 2]), 3)
    truth = np.stack([exact[:, :2].sum(axis=1), exact[:, 2:4].sum(axis=1), exact[:, 4]], axis=1)
    assert (counts.low(table) <= truth).all()
    assert (truth <= counts.high(table)).all()


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 8, 64, 784])
def test_two_rows_in_closed_form_into_the_far_tail(dim: int) -> None:
    """One row on the point, one at a distance: how often the far one is nearer, with 90 digits.

    Halved squared distances are Gamma(dim / 2) and, for the far row, Gamma(dim / 2 + J) with J Poisson; for an even
    dimension the survival function of the first is a Poisson sum, and its mean over the second a binomial one.
    """
    for distance in (1.0, 3.0, 6.0, 10.0, 14.0, 20.0, 26.0):
        with mpmath.workdps(90):
            rate, half, exact = mpmath.mpf(distance) ** 2 / 2, dim // 2, mpmath.mpf(0)
            # The binomial sums of one J after the other differ by one term: I(a + 1, b) from I(a, b) at one half.
            chance, ways = mpmath.exp(-rate), mpmath.mpf(1) / 2
            term = mpmath.binomial(2 * half - 1, half) / mpmath.mpf(4) ** half
            for j in range(int(rate + 20 * mpmath.sqrt(rate) + 60)):
                exact += chance * ways
                chance *= rate / (j + 1)
                ways -= term
                term *= mpmath.mpf(2 * half + j) / (2 * (half + j + 1))
        rows = np.zeros((2, dim))
        rows[1, 0] = distance
        found = neighbour_bounds(rows, [0, 1], np.zeros((1, dim)), 1.0, 2).miss[0, 0]
        assert found >= exact
        assert exact < 1e-19 or found <= 1.05 * exact  # what is left at last is an absolute 1e-21


@pytest.mark.slow
def test_a_table_with_a_planted_backdoor() -> None:
    """RAB's experiment on tabular data, on the table that comes with the package in place of Spambase."""
    data = load("breast_cancer", view="unit")
    poisoned, mask = Poisoning(Pixels.one(data.shape, 0.1), target=0, rate=0.02).apply(data, seed=0)
    assert mask.sum() == 8
    assert (poisoned.y[mask] == 0).all()
    assert np.count_nonzero((poisoned.x != data.x).any(axis=0)) == 1  # one feature
    found = rab_knn(poisoned, sigma=0.25)
    assert found.certificate.norm == "L2"
    assert found.certificate.accuracy(data.y_test, radius=0.05) > 0.7
