"""What a reader of the papers would write: one model, one point or one region after another."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.stats import beta, ncx2, norm
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from rsbd.bounds import dkw
from rsbd.data import Dataset
from rsbd.learners import Problem, randomness
from rsbd.recipes.rosenfeld import LeastSquares


def perceptron(features: int, hidden: int, classes: int) -> nn.Module:
    return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, classes))


def rab() -> nn.Module:
    """RAB's network as it is usually written."""
    first = nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2)
    second = nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    return nn.Sequential(*first, *second, nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 2))


def one_after_another(made: Problem, make: Callable[[], nn.Module], epochs: int, models: int) -> torch.Tensor:
    """Train with a DataLoader, a module and an optimiser for each model; return labels of a hundred training rows."""
    labels = []
    for generator in randomness.generators(0, range(models)):
        x, y = made.noised(generator)
        rows = DataLoader(TensorDataset(x, y), batch_size=128, shuffle=True, generator=generator)
        net = make()
        adam = torch.optim.Adam(net.parameters(), lr=0.01)
        for _ in range(epochs):
            for a, b in rows:
                adam.zero_grad()
                nn.functional.cross_entropy(net(a), b).backward()
                adam.step()
        with torch.no_grad():
            labels.append(net(made.smoothing.test.sample(made.x[:100], generator)).argmax(1))
    return torch.stack(labels)


def chernoff(model: LeastSquares, data: Dataset, points: int, keep: float) -> list[float]:
    """The bound of Rosenfeld et al. as written: a scalar convex minimisation for each point."""
    x = data.x.reshape(data.num_rows, -1).astype(float)
    mean = x.mean(axis=0)
    x -= mean
    inverse = np.linalg.inv(x.T @ x + model.penalty * np.eye(x.shape[1]))
    found = []
    for point in data.x_test.reshape(data.num_points, -1)[:points] - mean.astype(np.float32):
        influence = x @ (inverse @ point) + 1 / len(x)
        one = np.where(data.y == 1, keep, 1 - keep)
        side = 1 if influence @ one > 0.5 else -1

        def exponent(t: float, side: int = side, one: np.ndarray = one, influence: np.ndarray = influence) -> float:
            return t * side / 2 + np.log(1 - one + one * np.exp(-t * side * influence)).sum()

        best = minimize_scalar(exponent, bounds=(0, 40 / np.abs(influence).max()), method="bounded")
        found.append(float(np.exp(best.fun)))
    return found


def bucketised(x: np.ndarray, y: np.ndarray, point: np.ndarray, sigma: float, buckets: int = 200) -> np.ndarray:
    """RAB's algorithm for nearest neighbours, vectorised: each row's law on buckets of the squared distance.

    Rows in one bucket are ordered by their index, which makes each a neighbour of its own: its probability of being the
    nearest in a bucket is its mass there times the survival of those before it (with the bucket) and after it.
    """
    away = ((x - point) ** 2).sum(axis=1)
    dim = x.shape[1]
    edges = np.linspace(0, (away.max() + dim * sigma**2) * 2, buckets + 1) / sigma**2
    cdf = ncx2.cdf(edges[:, None], dim, away / sigma**2)
    mass = np.diff(cdf, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        before, after = np.log1p(-cdf[1:]), np.log1p(-cdf[:-1])
        upto = np.cumsum(before, axis=1) - before
        beyond = after[:, ::-1].cumsum(axis=1)[:, ::-1] - after
        each = mass * np.exp(np.nan_to_num(upto + beyond, nan=-np.inf))
    return np.bincount(y, each.sum(axis=0))


def kumar(scores: np.ndarray, sigma: float, radius: float, alpha: float) -> float:
    """The bound of Kumar et al. at one radius, threshold by threshold."""
    thresholds, band, total = np.sort(scores)[:: len(scores) // 10_000], dkw(len(scores), alpha), 0.0
    for i, threshold in enumerate(thresholds):
        reached = max((len(thresholds) - i) / len(thresholds) - band, 0)
        kept = norm.cdf(norm.ppf(reached, scale=sigma), loc=radius, scale=sigma)
        total += (threshold - (thresholds[i - 1] if i else 0)) * kept
    return total


def cohen(top: np.ndarray, draws: int, sigma: float, alpha: float) -> np.ndarray:
    """The radius of Cohen et al., point by point."""
    lower = [beta.ppf(alpha, n, draws - n + 1) for n in top]
    return np.array([sigma * norm.ppf(p) if p > 0.5 else -1.0 for p in lower])


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


def filled(cells: list[tuple[Fraction, Fraction]]) -> Fraction:
    """Fill regions in order of falling ratio up to one half, and return the threshold."""
    before = after = Fraction(0)
    for P, Q in sorted(cells, key=lambda cell: cell[0] / cell[1]):
        share = min(Fraction(1), (Fraction(1, 2) - after) / Q)
        before, after = before + share * P, after + share * Q
        if share < 1:
            break
    return before
