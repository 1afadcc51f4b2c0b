"""Class sums drawn at once have exactly the law of noising every row and adding up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sum_laws import MODELS, distances, problem, sample_rows, table

from rsbd.learners import randomness
from rsbd.learners.linear import class_sums
from rsbd.noises import Flip, Gaussian
from rsbd.noises.smoothing import Smoothing

NOISES = {
    "flips on both": Smoothing(features=Flip(0.7), labels=Flip(0.6, 3)),
    "flips on features": Smoothing(features=Flip(0.9)),
    "Gaussian and flips": Smoothing(features=Gaussian(0.5), labels=Flip(0.8, 3)),
    "labels alone": Smoothing(labels=Flip(0.8, 3)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NOISES)
def test_sampled_sums_have_the_law_of_noised_rows(name: str) -> None:
    setting = problem(NOISES[name])
    fast = table(class_sums.sample_class_sums(setting, randomness.generators(1, range(MODELS))))
    plain = table(sample_rows(setting, randomness.generators(2, range(MODELS))))
    means, second, shapes = distances(fast, plain)
    assert means > 1e-3
    assert second < 1.7
    assert shapes > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        Smoothing(features=Flip(0.69), labels=Flip(0.6, 3)),
        Smoothing(features=Flip(0.7), labels=Flip(0.57, 3)),
    ],
)
def test_the_comparison_sees_a_law_that_is_slightly_wrong(wrong: Smoothing) -> None:
    right = problem(NOISES["flips on both"])
    fast = table(class_sums.sample_class_sums(replace(right, smoothing=wrong), randomness.generators(1, range(MODELS))))
    plain = table(sample_rows(right, randomness.generators(2, range(MODELS))))
    assert distances(fast, plain)[0] < 1e-5


def test_gaussian_sums_spread_as_the_noises_of_their_rows_do() -> None:
    """Beside the flips of labels a wrong sigma would hardly show, so here are none."""
    setting = problem(Smoothing(features=Gaussian(0.5)))
    clean = class_sums.sample_class_sums(replace(setting, smoothing=Smoothing()), randomness.generators(1, range(1)))
    drawn = class_sums.sample_class_sums(setting, randomness.generators(1, range(MODELS)))
    units = ((drawn.sums - clean.sums) / (0.5 * clean.sizes.sqrt()[..., None])).flatten().numpy()
    assert stats.kstest(units, "norm").pvalue > 1e-3
    assert stats.kstest(1.03 * units, "norm").pvalue < 1e-6  # so much would be seen


def test_more_than_two_values_are_drawn_row_by_row() -> None:
    setting = replace(problem(Smoothing(features=Flip(0.6, 3), labels=Flip(0.8, 3))), values=3)
    fast = table(class_sums.sample_class_sums(setting, randomness.generators(1, range(2000))))
    plain = table(sample_rows(setting, randomness.generators(2, range(2000))))
    directions = np.random.default_rng(3).standard_normal((fast.shape[1], 8))
    for u, v in zip((fast @ directions).T, (plain @ directions).T, strict=True):
        assert stats.ks_2samp(u, v).pvalue > 1e-3
