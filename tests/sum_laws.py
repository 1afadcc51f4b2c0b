"""Compare two samples of class sums: those drawn at once, and those added up over noised rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from rsbd.learners import Problem
from rsbd.learners.base import noised_at_once
from rsbd.learners.linear import class_sums
from rsbd.noises.smoothing import Smoothing

MODELS = 6000


def problem(smoothing: Smoothing) -> Problem:
    random = np.random.default_rng(7)
    x = (random.random((30, 5)) < [0.1, 0.3, 0.5, 0.7, 0.95]).astype(np.float32)
    y = random.choice(3, 30, p=[0.6, 0.3, 0.1])
    return Problem(torch.from_numpy(x), torch.from_numpy(y), 3, 2, (5,), smoothing)


def sample_rows(problem: Problem, generators: Sequence[torch.Generator]) -> class_sums.ClassSums:
    """Draw class sums the plain way: noise every row, then add up."""
    sums, sizes = [], []
    for some in noised_at_once(problem, len(generators)):
        x, y = problem.noised_many(generators[some.start : some.stop])
        members = torch.nn.functional.one_hot(y, problem.num_classes).to(x.dtype)
        sums.append(members.mT @ x)
        sizes.append(members.sum(1))
    return class_sums.ClassSums(torch.cat(sums), torch.cat(sizes))


def table(sums: class_sums.ClassSums) -> NDArray[np.float64]:
    """One line per model: all sums, then all sizes."""
    return torch.cat([sums.sums.flatten(1), sums.sizes.flatten(1)], 1).double().numpy()


def distances(fast: NDArray[np.float64], plain: NDArray[np.float64]) -> tuple[float, float, float]:
    """P-value of equal means (Hotelling), rms z-score of second moments, smallest p-value over random projections."""
    centre = plain.mean(0)
    a, b = fast - centre, plain - centre
    values, vectors = np.linalg.eigh((np.cov(a.T) + np.cov(b.T)) / MODELS)
    seen = values > 1e-9 * values.max()  # sizes add up to the rows, so some directions are fixed
    moved = (a.mean(0) - b.mean(0)) @ vectors
    assert np.allclose(moved[~seen], 0, atol=1e-5)
    means = float(stats.chi2.sf(np.sum(moved[seen] ** 2 / values[seen]), seen.sum()))
    aa, bb = (t[:, :, None] * t[:, None, :] for t in (a, b))
    spread = np.sqrt((aa.var(0) + bb.var(0)) / MODELS)
    wide = spread > 1e-9
    second = float(np.sqrt(np.mean(((aa.mean(0) - bb.mean(0))[wide] / spread[wide]) ** 2)))
    # Irrational directions give sums of counts a law without ties.
    directions = np.random.default_rng(3).standard_normal((fast.shape[1], 12))
    shapes = [stats.ks_2samp(u, v).pvalue for u, v in zip((a @ directions).T, (b @ directions).T, strict=True)]
    return means, second, float(min(shapes))
