"""Votes of several nearest rows: bounds on arrivals and races hold the truth, closely."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ncx2
from sklearn.neighbors import KNeighborsClassifier

from rsbd.bounds.nearest import neighbour_bounds
from rsbd.bounds.nearest.arrivals import CERTAIN, Arrived, arrival, combined
from rsbd.data import load


class Quadrature:
    """P(at least `m` of the `k` nearest rows have a label): by quadrature, over the row that makes it `m`."""

    def __init__(self, x: np.ndarray, y: np.ndarray, point: np.ndarray, sigma: float) -> None:
        self.y, dim, away = y, x.shape[1], ((x - point) ** 2).sum(axis=1) / sigma**2
        ends = np.linspace(0, np.sqrt(away.max() + dim) + 9, 161)
        nodes, weights = np.polynomial.legendre.leggauss(20)
        half = np.diff(ends)[:, None] / 2
        r, self.w = (ends[:-1, None] + half * (nodes + 1)).ravel(), (half * weights).ravel()
        # Equal distances have one law.
        alike, back = np.unique(away, return_inverse=True)
        laws = (f(r[:, None] ** 2, dim, alike)[:, back] for f in (ncx2.sf, ncx2.cdf, ncx2.pdf))
        self.not_yet, self.come, density = laws
        self.density = 2 * r[:, None] * density

    def number(self, rows: np.ndarray) -> np.ndarray:
        law = np.zeros((len(rows) + 1, len(self.w)))
        law[0] = 1
        for i in rows:
            law[1:] = law[1:] * self.not_yet[:, i] + law[:-1] * self.come[:, i]
            law[0] *= self.not_yet[:, i]
        return law

    def chance(self, k: int, m: int, label: int) -> float:
        own, others = np.flatnonzero(self.y == label), np.flatnonzero(self.y != label)
        if len(own) < m:
            return 0.0
        still = self.number(others)[: k - m + 1].sum(axis=0)
        weights = still * self.w
        return float(sum((self.density[:, i] * self.number(own[own != i])[m - 1] * weights).sum() for i in own))


@pytest.mark.slow
@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize(("dim", "spread", "copies"), [(2, 6, 0), (2, 14, 1), (64, 3, 0), (64, 8, 2), (784, 0.5, 1)])
def test_two_classes_against_quadrature(k: int, dim: int, spread: float, copies: int) -> None:
    """Also where rows lie on the point itself and the decision falls far from there."""
    random = np.random.default_rng(k + dim)
    x, point = (random.random((n, dim)) * spread * 4 / np.sqrt(dim) for n in (14, 1))
    x[:copies] = point
    y = np.arange(14) % 2
    found, exact = neighbour_bounds(x, y, point, 1.0, num_classes=2, neighbours=k), Quadrature(x, y, point, 1.0)
    truths = [exact.chance(k, k // 2 + 1, label) for label in (0, 1)]
    assert sum(truths) == pytest.approx(1, abs=1e-9)
    for label, truth in enumerate(truths):
        lost = truths[1 - label]
        assert truth * (1 - 1e-9) <= found.upper[0, label] <= truth * 1.5 + 1e-18
        assert lost * (1 - 1e-9) <= found.miss[0, label] <= lost * 1.5 + 1e-18
    assert found.upper.sum() - 1 < 3e-3


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("k", [2, 3, 4, 7])
def test_more_classes_and_even_votes(classes: int, k: int) -> None:
    """More than half is enough; a label with the upper bound's votes need not win, but one without them never does."""
    random = np.random.default_rng(10 * classes + k)
    x, y, point = random.random((12, 3)), np.arange(12) % classes, random.random((1, 3))
    found = neighbour_bounds(x, y, point, 0.3, classes, neighbours=k)
    draws = 40_000
    noised = x + 0.3 * random.standard_normal((draws, *x.shape))
    near = y[((noised - point) ** 2).sum(axis=2).argpartition(k - 1, axis=1)[:, :k]]
    votes = np.stack([(near == c).sum(axis=1) for c in range(classes)], axis=1)
    best = votes == votes.max(axis=1, keepdims=True)
    ahead, level = (best & (best.sum(axis=1, keepdims=True) == 1)).mean(axis=0), best.mean(axis=0)
    error = 4.5 * 0.5 / np.sqrt(draws)
    assert (1 - found.miss[0] <= ahead + error).all()
    assert (level <= found.upper[0] + error).all()
    exact = Quadrature(x, y, point, 0.3)
    majority = np.array([exact.chance(k, k // 2 + 1, c) for c in range(classes)])
    assert found.miss[0] == pytest.approx(1 - majority, abs=2e-3)
    assert (found.upper[0] <= 1 - majority.sum() + majority + 6e-3).all()
    assert (found.upper[0] <= [exact.chance(k, -(-k // classes), c) + 2e-3 for c in range(classes)]).all()


@pytest.mark.slow
def test_scikit_learn_agrees() -> None:
    digits = load("digits", side=8, view="unit", classes=(3, 8), rows=60, points=12)
    x, points = digits.x.reshape(60, -1).astype(float), digits.x_test.reshape(12, -1).astype(float)
    found = neighbour_bounds(x, digits.y, points, 0.7, 2, neighbours=5)
    random, draws, said = np.random.default_rng(0), 1000, np.zeros(12)
    for _ in range(draws):
        model = KNeighborsClassifier(5, algorithm="brute").fit(x + 0.7 * random.standard_normal(x.shape), digits.y)
        said += model.predict(points)
    error = 4.5 * 0.5 / np.sqrt(draws)
    assert (1 - found.miss[:, 1] <= said / draws + error).all()
    assert (said / draws <= found.upper[:, 1] + error).all()


hazard = st.floats(1e-12, 1e2)


@settings(deadline=None, max_examples=120)
@given(
    st.tuples(st.lists(hazard, max_size=6), st.lists(st.floats(1e-12, 3), max_size=9)),
    st.integers(0, 3),
    st.integers(1, 4),
)
def test_laws_of_arrivals(rows: tuple[list[float], list[float]], sure: int, m: int) -> None:
    """At one radius, against 60 digits: rows of one class, of others, and rows that have come already."""
    near, rest = rows
    parts = [one_by_one([*near, *[CERTAIN] * sure], 4), one_by_one(rest, 4)]
    found = arrival(combined(parts), m, np.ones(1), convex=False)
    with mpmath.workdps(60):
        law = [mpmath.mpf(1)] + [mpmath.mpf(0)] * 30
        for h in [*near, *rest, *[CERTAIN] * sure]:
            stays = mpmath.exp(-h)
            law = [law[0] * stays, *(law[i] * stays + law[i - 1] * (1 - stays) for i in range(1, len(law)))]
        not_yet, come = sum(law[:m]), sum(law[m:])
        truth = -mpmath.log(not_yet) if not_yet < 0.5 else -mpmath.log1p(-come)
        low, high = float(found.low[0, 0]), float(found.high[0, 0])
        assert low <= truth
        assert truth <= high or high == CERTAIN
        if not_yet > 1e-9:
            assert high - low < 1e-4 * truth + 1e-9
        if come < 1e-3:
            assert high < truth * 1.01 + 1e-290


def one_by_one(hazards: list[float], most: int) -> Arrived:
    number = np.zeros((most + 1, 1, 1))
    number[0] = 1
    for h in hazards:
        number[-1] += number[-2] * -np.expm1(-h)
        for i in range(most - 1, 0, -1):
            number[i] = number[i] * np.exp(-h) + number[i - 1] * -np.expm1(-h)
        number[0] *= np.exp(-h)
    total = np.full((1, 1), sum(hazards))
    return Arrived(number, number.copy(), total, total)
