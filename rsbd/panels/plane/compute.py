"""Compute the panel of the plane: its base classifier, and the votes, bound and radius at one point."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from rsbd import bounds
from rsbd.certify import radius
from rsbd.errors import InputError
from rsbd.noises import Gaussian, Smoothing
from rsbd.panels.controls import Button, Choice, Slider, setting
from rsbd.types import ArrayLike, Floats, Labels

SELECTION_COPIES = 100  # they pick the label, before other copies bound its probability
REACH = 2.0  # the picture shows -2 to 2
CLASSES = ("A", "B")
_A, _B = 0, 1
_DRAWN = 200  # copies that the picture shows


@dataclass(frozen=True)
class PlaneParams:
    """A point, and the noise and the votes at it.

    Attributes
    ----------
    x, y : float
        The point.
    sigma : float
        Standard deviation of the noise in both directions, in the units of the plane.
    samples : int
        Noisy copies whose votes bound the probability of the label; 100 others pick the label.
    alpha : float
        Failure probability of the certificate.
    seed : int
        Seed of the noise; another seed draws it again.
    """

    x: float = setting(0.0, Slider("x", "x of the point", -REACH, REACH, 0.05))
    y: float = setting(0.1, Slider("y", "y of the point", -REACH, REACH, 0.05))
    sigma: float = setting(0.3, Slider("sigma", "sigma (units of the plane)", 0.05, 2.0, 0.05))
    samples: int = setting(1000, Choice.of_numbers("samples", "noisy copies", 10, 30, 100, 300, 1000, 10_000, 100_000))
    alpha: float = setting(0.001, Choice.of_numbers("alpha", "alpha", 0.1, 0.01, 0.001, 0.0001))
    seed: int = setting(0, Button("seed", "draw the noise again"))

    def __post_init__(self) -> None:
        if not (self.sigma > 0 and self.samples >= 1 and self.seed >= 0):
            raise InputError(
                f"sigma {self.sigma}, {self.samples} samples, seed {self.seed}",
                "give a sigma above 0, at least 1 sample, and a seed from 0",
            )


@dataclass(frozen=True)
class PlaneWorld:
    """A base classifier of the plane: A is a wiggly blob around the origin with holes, B the rest but a few islands.

    Attributes
    ----------
    waves : tuple of (height, number, phase)
        The blob's border is at distance ``1 + sum height sin(number angle + phase)`` from the origin.
    spots : tuple of (x, y, radius)
        Discs with the other class: holes in the blob, islands outside.

    Examples
    --------
    >>> PlaneWorld().labels([[0, 0], [1.9, -1.9]])
    array([0, 1])
    """

    waves: tuple[tuple[float, int, float], ...] = ((0.20, 3, 0.4), (0.09, 8, 0.0), (0.05, 17, 1.0))
    spots: tuple[tuple[float, float, float], ...] = (
        (0.50, -0.10, 0.10),
        (-0.30, 0.45, 0.12),
        (-0.15, -0.60, 0.08),
        (1.45, 1.10, 0.13),
        (-1.50, 0.20, 0.10),
        (0.90, -1.40, 0.12),
    )

    def edge(self, angle: ArrayLike) -> Floats:
        """Return the distance of the blob's border from the origin in each direction."""
        angles = np.asarray(angle, dtype=float)
        return 1 + sum((h * np.sin(k * angles + p) for h, k, p in self.waves), np.zeros_like(angles))

    def labels(self, points: ArrayLike) -> Labels:
        """Return the answers of the base classifier: 0 for A, 1 for B.

        Parameters
        ----------
        points : array, shape (points, 2)
        """
        x, y = np.asarray(points, dtype=float).reshape(-1, 2).T
        inside = np.hypot(x, y) < self.edge(np.arctan2(y, x))
        for cx, cy, size in self.spots:
            inside ^= (x - cx) ** 2 + (y - cy) ** 2 < size**2
        return np.where(inside, _A, _B).astype(np.int64)

    def rings(self) -> list[Floats]:
        """Return the outline of A as closed rings; holes turn the other way."""
        angles = np.linspace(0, 2 * math.pi, 361)
        circle = np.column_stack([np.cos(angles), np.sin(angles)])
        rings = [circle * self.edge(angles)[:, None]]
        for cx, cy, size in self.spots:
            hole = math.hypot(cx, cy) < self.edge(math.atan2(cy, cx))
            rings.append((circle[::-10] if hole else circle[::10]) * size + (cx, cy))
        return rings

    def votes(self, point: tuple[float, float], sigma: float, seed: tuple[int, ...], num: int) -> tuple[Floats, Labels]:
        """Return ``num`` noisy copies of a point and their labels; a larger ``num`` begins with the same copies."""
        noise = np.random.default_rng(seed).standard_normal((num, 2))
        copies = np.asarray(point) + sigma * noise
        return copies, self.labels(copies)


@dataclass(frozen=True)
class PlaneResult:
    """The votes, and the certificate that they give.

    Attributes
    ----------
    counts : tuple of int
        Votes for A and for B.
    label : str
        The class that the separate votes picked.
    base : str
        The answer of the base classifier at the point itself.
    p_a : float
        Lower bound on the probability of the label.
    radius : float
        Certified L2 radius; below 0 if the smoothed classifier abstains.
    copies, labels : array
        Some of the noisy copies, (copies, 2), and their votes.
    """

    params: PlaneParams
    counts: tuple[int, int]
    label: str
    base: str
    p_a: float
    radius: float
    copies: Floats
    labels: Labels

    @property
    def share(self) -> float:
        """Share of the votes for the label."""
        return self.counts[CLASSES.index(self.label)] / sum(self.counts)

    @property
    def border(self) -> tuple[Floats, ...]:
        """The lines where the smoothed classifier changes its answer."""
        return true_border(WORLD, self.params.sigma, REACH)


WORLD = PlaneWorld()


def compute_plane(params: PlaneParams, _cancel: Any = None, _progress: Any = None) -> PlaneResult:
    """Certify as Cohen et al. do: some votes pick the label, other votes bound its probability."""
    point = (params.x, params.y)
    _, picked = WORLD.votes(point, params.sigma, (params.seed, 1), SELECTION_COPIES)
    copies, labels = WORLD.votes(point, params.sigma, (params.seed, 0), params.samples)
    counts, selection = (np.bincount(votes, minlength=len(CLASSES)) for votes in (labels, picked))
    evidence = bounds.clopper_pearson([counts], params.alpha, [selection])
    certified = float(radius(evidence, Smoothing(test=Gaussian(params.sigma))).radius[0])
    votes = int(counts[0]), int(counts[1])
    label, base = (CLASSES[int(found[0])] for found in (evidence.label, WORLD.labels([point])))
    p_a = 1 - float(evidence.miss[0])
    return PlaneResult(params, votes, label, base, p_a, certified, copies[:_DRAWN], labels[:_DRAWN])


@lru_cache(maxsize=64)
def true_border(world: PlaneWorld, sigma: float, reach: float = 2.0) -> tuple[Floats, ...]:
    """Return the lines where the smoothed classifier changes its answer, from the law of the noise on a fine grid.

    For a real classifier these lines are unknown. Here they show that the certified circle does not cross them.
    """
    from contourpy import contour_generator
    from scipy.ndimage import gaussian_filter

    step = max(0.02, sigma / 12)
    end = reach + 4 * sigma
    axis = np.arange(-end, end + step, step)
    grid = np.stack(np.meshgrid(axis, axis), -1)
    share = (world.labels(grid) == _A).astype(float).reshape(grid.shape[:2])
    smoothed = gaussian_filter(share, sigma / step, mode="nearest", truncate=4)
    lines = contour_generator(axis, axis, smoothed).lines(0.5)
    return tuple(np.asarray(line, dtype=float) for line in lines)
