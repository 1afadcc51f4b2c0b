"""Exact smoothed nearest neighbour per point at 12,665 rows of 784 features, against the published algorithm.

Run ``RSBD_DATA=... pytest tests/benchmarks/test_knn.py --benchmark-enable`` with ``OMP_NUM_THREADS=1`` for CPU-seconds.
"""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.stats import ncx2

from rsbd.bounds.nearest import neighbour_bounds
from rsbd.data import Dataset, load

SIGMAS = [0.5, 1.0, 2.0]
BUCKETS = 200  # of the published code


@pytest.fixture(scope="module")
def data(request: pytest.FixtureRequest) -> Dataset:
    """Few points where nothing is measured: each is bounded alone."""
    points = 500 if request.config.getoption("benchmark_enable") else 100
    return load("mnist", view="unit", classes=(0, 1), points=points)


def bucketised(x: np.ndarray, y: np.ndarray, point: np.ndarray, sigma: float) -> np.ndarray:
    """The published algorithm, vectorised: each row's law on buckets of the squared distance, then who is first.

    Rows in one bucket are ordered by their index, which makes each a neighbour of its own: its probability of being the
    nearest in a bucket is its mass there times the survival of those before it (with the bucket) and after it.
    """
    away = ((x - point) ** 2).sum(axis=1)
    dim = x.shape[1]
    edges = np.linspace(0, (away.max() + dim * sigma**2) * 2, BUCKETS + 1) / sigma**2
    cdf = ncx2.cdf(edges[:, None], dim, away / sigma**2)
    mass = np.diff(cdf, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        before, after = np.log1p(-cdf[1:]), np.log1p(-cdf[:-1])
        upto = np.cumsum(before, axis=1) - before
        beyond = after[:, ::-1].cumsum(axis=1)[:, ::-1] - after
        each = mass * np.exp(np.nan_to_num(upto + beyond, nan=-np.inf))
    return np.bincount(y, each.sum(axis=0))


@pytest.mark.mnist
def test_the_published_algorithm(benchmark: BenchmarkFixture, data: Dataset) -> None:
    benchmark.group, benchmark.extra_info["points"] = "smoothed 1-NN at 12,665 rows", 1
    x = data.x.reshape(data.num_rows, -1).astype(float)
    found = benchmark.pedantic(bucketised, (x, data.y, data.x_test[0].ravel(), 1.0), rounds=1)
    assert found.sum() <= 1.01


@pytest.mark.mnist
@pytest.mark.parametrize("neighbours", [1, 3])
@pytest.mark.parametrize("sigma", SIGMAS)
def test_rigorous_bounds(benchmark: BenchmarkFixture, data: Dataset, sigma: float, neighbours: int) -> None:
    benchmark.group, benchmark.extra_info["points"] = "smoothed 1-NN at 12,665 rows", data.num_points
    x, points = data.x.reshape(data.num_rows, -1), data.x_test.reshape(data.num_points, -1)
    found = benchmark.pedantic(neighbour_bounds, (x, data.y, points, sigma, 2, 500, neighbours), rounds=1)
    assert (found.upper + found.miss - 1).max() < 2e-3
    assert np.mean(found.miss.argmin(axis=1) == data.y_test) > 0.95
