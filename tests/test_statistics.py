"""Class sums drawn at once have exactly the law of noising every row and adding up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from rsbd import rng
from rsbd.learners import Problem, statistics
from rsbd.noises import Flip, Gaussian
from rsbd.smoothing import Smoothing

MODELS = 6000
NOISES = {
    "flips on both": Smoothing(features=Flip(0.7), labels=Flip(0.6, 3)),
    "flips on features": Smoothing(features=Flip(0.9)),
    "Gaussian and flips": Smoothing(features=Gaussian(0.5), labels=Flip(0.8, 3)),
    "labels alone": Smoothing(labels=Flip(0.8, 3)),
}


def problem(smoothing: Smoothing) -> Problem:
    random = np.random.default_rng(7)
    x = (random.random((30, 5)) < [0.1, 0.3, 0.5, 0.7, 0.95]).astype(np.float32)
    y = random.integers(0, 3, 30)
    return Problem(torch.from_numpy(x), torch.from_numpy(y), 3, 2, (5,), smoothing)


def table(sums: statistics.ClassSums) -> NDArray[np.float64]:
    """One line per model: all sums, then all sizes."""
    return torch.cat([sums.sums.flatten(1), sums.sizes.flatten(1)], 1).double().numpy()


def distances(fast: NDArray[np.float64], plain: NDArray[np.float64]) -> tuple[float, float, float]:
    """Root mean square z-scores of means and of second moments, and the smallest p-value over random projections."""
    means = fast.mean(0) - plain.mean(0)
    spread = np.sqrt((fast.var(0) + plain.var(0)) / MODELS)
    centre = plain.mean(0)
    a, b = ((t - centre)[:, :, None] * (t - centre)[:, None, :] for t in (fast, plain))
    second, second_spread = a.mean(0) - b.mean(0), np.sqrt((a.var(0) + b.var(0)) / MODELS)
    seen, seen2 = spread > 1e-9, second_spread > 1e-9
    assert np.allclose(means[~seen], 0, atol=1e-6)
    z = float(np.sqrt(np.mean((means[seen] / spread[seen]) ** 2)))
    z2 = float(np.sqrt(np.mean((second[seen2] / second_spread[seen2]) ** 2)))
    # Irrational directions give sums of counts a law without ties.
    directions = np.random.default_rng(3).standard_normal((fast.shape[1], 12))
    p = min(stats.ks_2samp(u, v).pvalue for u, v in zip((fast @ directions).T, (plain @ directions).T, strict=True))
    return z, z2, float(p)


@pytest.mark.parametrize("name", NOISES)
def test_sampled_sums_have_the_law_of_noised_rows(name: str) -> None:
    setting = problem(NOISES[name])
    fast = table(statistics.sample(setting, rng.generators(1, range(MODELS))))
    plain = table(statistics.sample_rows(setting, rng.generators(2, range(MODELS))))
    z, z2, p = distances(fast, plain)
    assert z < 1.7
    assert z2 < 1.7
    assert p > 1e-3


@pytest.mark.parametrize(
    "wrong",
    [
        Smoothing(features=Flip(0.69), labels=Flip(0.6, 3)),
        Smoothing(features=Flip(0.7), labels=Flip(0.58, 3)),
    ],
)
def test_the_comparison_sees_a_law_that_is_slightly_wrong(wrong: Smoothing) -> None:
    right = problem(NOISES["flips on both"])
    fast = table(statistics.sample(replace(right, smoothing=wrong), rng.generators(1, range(MODELS))))
    plain = table(statistics.sample_rows(right, rng.generators(2, range(MODELS))))
    assert max(distances(fast, plain)[:2]) > 2.5


def test_more_than_two_values_are_drawn_row_by_row() -> None:
    setting = replace(problem(Smoothing(features=Flip(0.6, 3), labels=Flip(0.8, 3))), values=3)
    fast = table(statistics.sample(setting, rng.generators(1, range(2000))))
    plain = table(statistics.sample_rows(setting, rng.generators(2, range(2000))))
    directions = np.random.default_rng(3).standard_normal((fast.shape[1], 8))
    for u, v in zip((fast @ directions).T, (plain @ directions).T, strict=True):
        assert stats.ks_2samp(u, v).pvalue > 1e-3
