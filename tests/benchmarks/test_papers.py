"""Certificates of papers, side by side with a straightforward implementation of what each published.

Run ``pytest tests/benchmarks/test_papers.py --benchmark-enable``; ``ms_a_point`` is in the extra information (add
``--benchmark-json``). Set RSBD_DATA for the 13,007 rows of MNIST 1 against 7.
"""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.optimize import minimize_scalar
from scipy.stats import beta, norm

from rsbd.bounds import clopper_pearson, dkw
from rsbd.certify import radius
from rsbd.certify.confidence import expected
from rsbd.data import Dataset, load
from rsbd.noises import Flip, Gaussian
from rsbd.noises.smoothing import Smoothing
from rsbd.recipes import rosenfeld
from rsbd.recipes.rosenfeld import LeastSquares, label_flip_bounds

KEEP, SIGMA, ALPHA = 0.7, 0.5, 0.001
RADII = np.arange(8) * 0.25
DRAWS, FEW = 100_000, 10


@pytest.fixture(scope="module")
def ones_and_sevens() -> Dataset:
    return load("mnist", classes=(1, 7))


@pytest.fixture(scope="module")
def scores() -> np.ndarray:
    return np.random.default_rng(0).beta(18, 2, DRAWS)


def in_ms_a_point(benchmark: BenchmarkFixture, points: int) -> None:
    if benchmark.stats:  # not there where benchmarks are disabled
        benchmark.extra_info["ms_a_point"] = 1000 * benchmark.stats.stats.median / points


def chernoff_of_one_point(influence: np.ndarray, y: np.ndarray) -> float:
    """The paper's bound as written: a scalar convex minimisation."""
    one = np.where(y == 1, KEEP, 1 - KEEP)
    side = 1 if influence @ one > 0.5 else -1

    def exponent(t: float) -> float:
        return t * side / 2 + np.log(1 - one + one * np.exp(-t * side * influence)).sum()

    return float(np.exp(minimize_scalar(exponent, bounds=(0, 40 / np.abs(influence).max()), method="bounded").fun))


@pytest.mark.mnist
def test_rosenfeld_point_by_point(benchmark: BenchmarkFixture, ones_and_sevens: Dataset) -> None:
    benchmark.group = "Rosenfeld et al., MNIST 1 against 7, 13,007 rows"
    data = ones_and_sevens
    x = data.x.reshape(data.num_rows, -1).astype(float)
    x -= x.mean(axis=0)
    inverse = np.linalg.inv(x.T @ x + LeastSquares.fit(data.x).penalty * np.eye(x.shape[1]))
    points = data.x_test.reshape(data.num_points, -1)[:FEW] - data.x.reshape(data.num_rows, -1).mean(axis=0)

    def run() -> list[float]:
        return [chernoff_of_one_point(x @ (inverse @ point) + 1 / len(x), data.y) for point in points]

    found = benchmark.pedantic(run, rounds=1)
    in_ms_a_point(benchmark, FEW)
    ours = label_flip_bounds(LeastSquares.fit(data.x), data.x_test[:FEW], data.y, Flip(KEEP)).miss
    assert ours == pytest.approx(found, rel=1e-4)


@pytest.mark.mnist
def test_rosenfeld_all_points_at_once(benchmark: BenchmarkFixture, ones_and_sevens: Dataset) -> None:
    benchmark.group = "Rosenfeld et al., MNIST 1 against 7, 13,007 rows"
    found = benchmark.pedantic(rosenfeld, (ones_and_sevens, KEEP), rounds=3)
    in_ms_a_point(benchmark, ones_and_sevens.num_points)
    assert len(found.certificate.radius) == 2163


def test_kumar_as_published(benchmark: BenchmarkFixture, scores: np.ndarray) -> None:
    """One radius of the eight, threshold by threshold."""
    benchmark.group = f"Kumar et al., {DRAWS:,} scores (as published: one radius; ours: eight)"

    def run() -> float:
        thresholds, band, total = np.sort(scores)[:: DRAWS // 10_000], dkw(DRAWS, ALPHA), 0.0
        for i, threshold in enumerate(thresholds):
            reached = max((len(thresholds) - i) / len(thresholds) - band, 0)
            kept = norm.cdf(norm.ppf(reached, scale=SIGMA), loc=RADII[2], scale=SIGMA)
            total += (threshold - (thresholds[i - 1] if i else 0)) * kept
        return total

    found = benchmark.pedantic(run, rounds=1)
    laws = [Gaussian(SIGMA).shift(RADII[2])]
    assert expected(scores[None], laws, ALPHA, thresholds=10_000)[0, 0] == pytest.approx(found, abs=1e-9)


def test_kumar_eight_radii(benchmark: BenchmarkFixture, scores: np.ndarray) -> None:
    benchmark.group = f"Kumar et al., {DRAWS:,} scores (as published: one radius; ours: eight)"
    laws = [Gaussian(SIGMA).shift(r) for r in RADII]
    found = benchmark(expected, scores[None], laws, ALPHA)
    assert (np.diff(found[0]) < 0).all()


def test_kumar_a_thousand_points(benchmark: BenchmarkFixture) -> None:
    benchmark.group = "Kumar et al., 1,000 points of 1,000 scores, eight radii"
    scores = np.random.default_rng(0).beta(18, 2, (1000, 1000)).astype(np.float32)
    laws = [Gaussian(SIGMA).shift(r) for r in RADII]
    assert benchmark(expected, scores, laws, ALPHA).shape == (1000, 8)


@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "at once"])
def test_cohen(benchmark: BenchmarkFixture, one_by_one: bool) -> None:
    benchmark.group = "Cohen et al., radii of 1,000 points from their counts"
    top = np.random.default_rng(0).integers(40_000, 100_001, 1000)

    def published() -> np.ndarray:
        lower = [beta.ppf(ALPHA, n, DRAWS - n + 1) for n in top]
        return np.array([SIGMA * norm.ppf(p) if p > 0.5 else -1.0 for p in lower])

    def ours() -> np.ndarray:
        votes = np.stack([top, DRAWS - top], axis=1)
        bounds = clopper_pearson(votes, ALPHA, selection=np.tile([1, 0], (1000, 1)))
        return radius(bounds, Smoothing(test=Gaussian(SIGMA))).radius

    found = benchmark(published if one_by_one else ours)
    assert found == pytest.approx(published(), abs=1e-9)
