"""How long certificates take: `pytest tests/benchmarks --benchmark-enable`."""

from __future__ import annotations

from fractions import Fraction
from math import comb, prod

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from rsbd.bounds import Bounds, anytime, clopper_pearson
from rsbd.certify import certified_map, radius
from rsbd.noises import Flip, Gaussian
from rsbd.noises.smoothing import Smoothing
from rsbd.tradeoff import Tradeoff, flips, gaussian, identity, law

MISS = Fraction(1, 1000)
POINTS = 1_000_000


def three_parts() -> Tradeoff:
    return flips("4/5", 256, 20) * flips("3/5", 256, 10) * flips("9/10", 256, 4)


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    top = np.random.default_rng(0).integers(500, 1001, POINTS)
    return np.stack([top, 1000 - top], axis=1)


@pytest.fixture(scope="module")
def bounds(counts: np.ndarray) -> Bounds:
    return clopper_pearson(counts, 0.001)


@pytest.fixture
def forgetful() -> None:
    law._fast_threshold.cache_clear()


def regions(keep: str, values: int, changes: int) -> list[tuple[Fraction, Fraction]]:
    """Lay out the published regions: how many of the changed coordinates show the old value, how many the new one."""
    stay, away = Fraction(keep), (1 - Fraction(keep)) / (values - 1)
    found = []
    for old in range(changes + 1):
        for new in range(changes + 1 - old):
            rest = changes - old - new
            if values == 2 and rest:
                continue
            ways = comb(changes, old) * comb(changes - old, new) * (values - 2) ** rest
            found.append((ways * stay**old * away ** (new + rest), ways * stay**new * away ** (old + rest)))
    return found


def filled(*parts: list[tuple[Fraction, Fraction]], p: Fraction | None = None) -> Fraction:
    """Fill regions in order of falling ratio: up to the miss `p`, what it becomes; up to one half, the threshold."""
    cells = [(Fraction(1), Fraction(1))]
    for part in parts:
        cells = [(a * c, b * d) for a, b in cells for c, d in part]
    before = after = Fraction(0)
    for P, Q in sorted(cells, key=lambda cell: cell[0] / cell[1]):
        share = min(Fraction(1), (Fraction(1, 2) - after) / Q if p is None else (p - before) / P)
        before, after = before + share * P, after + share * Q
        if share < 1:
            break
    return before if p is None else after


@pytest.mark.parametrize(("values", "changes"), [(2, 10), (256, 20), (2, 200), (256, 200), (2, 2000)])
@pytest.mark.parametrize("miss", [MISS, float(MISS)], ids=["exact", "float"])
def test_single(benchmark: BenchmarkFixture, values: int, changes: int, miss: Fraction | float) -> None:
    assert 0 < benchmark(lambda: flips("4/5", values, changes).upper(miss)) <= 1.000001


@pytest.mark.parametrize("values", [2, 256])
def test_21_exact_thresholds_by_regions(benchmark: BenchmarkFixture, values: int) -> None:
    found = benchmark.pedantic(lambda: [filled(regions("4/5", values, r)) for r in range(21)], rounds=1)
    assert found == [flips("4/5", values, r).threshold() for r in range(21)]


@pytest.mark.parametrize("values", [2, 256])
def test_21_exact_thresholds(benchmark: BenchmarkFixture, values: int) -> None:
    found = benchmark(lambda: [flips("4/5", values, r).threshold() for r in range(21)])
    assert found == sorted(found, reverse=True)


def test_product_of_three_by_regions(benchmark: BenchmarkFixture) -> None:
    """At a tenth of the changes where benchmarks are only tried out."""
    counts = (20, 10, 4) if benchmark.enabled else (2, 1, 1)
    kinds = (("4/5", 256), ("3/5", 256), ("9/10", 256))
    parts = [regions(keep, values, r) for (keep, values), r in zip(kinds, counts, strict=True)]
    law = prod((flips(*kind, r) for kind, r in zip(kinds, counts, strict=True)), start=identity())
    found = benchmark.pedantic(lambda: filled(*parts, p=Fraction(1, 10**5)), rounds=1)
    assert found == law.upper(Fraction(1, 10**5))


@pytest.mark.parametrize("miss", [Fraction(1, 10**5), 1e-5], ids=["exact", "float"])
def test_product_of_three(benchmark: BenchmarkFixture, miss: Fraction | float) -> None:
    assert benchmark(lambda: three_parts().upper(miss)) > 0.9


def test_a_million_evaluations(benchmark: BenchmarkFixture) -> None:
    product, misses = three_parts(), np.random.default_rng(0).random(POINTS)
    product.upper(0.5)
    assert len(benchmark(product.upper, misses)) == POINTS


@pytest.mark.parametrize("changes", [10, 200])
def test_mixed_thousand(benchmark: BenchmarkFixture, changes: int) -> None:
    product, misses = flips("4/5", 2, changes) * gaussian(0.5), np.random.default_rng(0).random(1000) ** 8
    product.upper(0.5)
    assert (benchmark(product.upper, misses) >= misses).all()


@pytest.mark.parametrize("method", [clopper_pearson, anytime])
def test_bounds_of_a_million(benchmark: BenchmarkFixture, method: object, counts: np.ndarray) -> None:
    assert len(benchmark(method, counts, 0.001).miss) == POINTS


@pytest.mark.parametrize(
    "slots",
    [
        {"features": Flip(0.8), "labels": Flip(0.8), "test": Flip(0.8)},
        {"features": Flip(0.9), "labels": Flip(0.6, 10)},
        {"features": Gaussian(0.5), "test": Gaussian(0.25)},
    ],
    ids=["tied", "combined", "Gaussian"],
)
def test_radii_of_a_million(
    benchmark: BenchmarkFixture, bounds: Bounds, slots: dict[str, Flip | Gaussian], forgetful: None
) -> None:
    assert len(benchmark(radius, bounds, Smoothing(**slots)).radius) == POINTS


TIED = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.8))


def radii_by_votes(num_models: int, smoothing: Smoothing, alpha: float) -> np.ndarray:
    """Radius for each number of votes for one of two classes; it depends on nothing else."""
    votes = np.arange(num_models + 1)
    return radius(clopper_pearson(np.column_stack([votes, num_models - votes]), alpha), smoothing).radius


@pytest.mark.parametrize("step", ["the table", "a million looks into it"])
def test_radii_of_a_million_from_their_counts(
    benchmark: BenchmarkFixture, counts: np.ndarray, step: str, forgetful: None
) -> None:
    radii = radii_by_votes(1000, TIED, 0.001)
    if step == "the table":
        assert len(benchmark(radii_by_votes, 1000, TIED, 0.001)) == 1001
    else:
        found = benchmark(lambda: radii[counts[:, 1]])
        assert (found[:1000] == radius(clopper_pearson(counts[:1000], 0.001), TIED).radius).all()


def test_radii_point_by_point(benchmark: BenchmarkFixture, counts: np.ndarray) -> None:
    """The same as published: Clopper-Pearson for each point, then compared with the threshold of each radius."""
    from scipy.stats import beta

    thresholds = [1 - float(flips("4/5", 2, r).threshold()) for r in range(10)]

    def published() -> list[int]:
        lower = [beta.ppf(0.0005, max(votes), 1001 - max(votes)) for votes in counts[:1000]]
        return [max((r for r, t in enumerate(thresholds) if p > t), default=-1) for p in lower]

    found = benchmark.pedantic(published, rounds=1)
    benchmark.extra_info["points"] = 1000
    assert found == radii_by_votes(1000, TIED, 0.001)[counts[:1000, 1]].tolist()


@pytest.mark.parametrize("features", [Flip("3/5"), Gaussian(0.5)], ids=["flips", "mixed"])
def test_map_ten_by_ten(benchmark: BenchmarkFixture, features: Flip | Gaussian, counts: np.ndarray) -> None:
    bounds = clopper_pearson(counts[:1000], 0.001)
    smoothing = Smoothing(features=features, labels=Flip("7/10"), test=Flip("4/5"))

    def fresh() -> np.ndarray:
        law._fast_threshold.cache_clear()
        return certified_map(bounds, bounds.label, smoothing, range(1, 11), range(1, 11))

    assert benchmark(fresh).shape == (10, 10)
