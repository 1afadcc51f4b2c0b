"""A world in two dimensions: a base classifier whose regions can be seen, and the smoothed one that nobody sees."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rsbd.types import Floats, Labels

NAMES = ("A", "B")
A, B = 0, 1


@dataclass(frozen=True)
class World:
    """Class A is a wiggly blob around the origin with holes, B is the rest but for a few islands.

    Attributes
    ----------
    waves : tuple of (height, number, phase)
        The blob's border is at distance ``1 + sum height sin(number angle + phase)`` from the origin.
    spots : tuple of (x, y, radius)
        Discs in which the class is the other one: holes in the blob, islands outside.

    Examples
    --------
    >>> World().labels([[0, 0], [1.9, -1.9]])
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

    def edge(self, angle: npt.ArrayLike) -> Floats:
        """Distance of the blob's border from the origin, in each direction."""
        angles = np.asarray(angle, dtype=float)
        return 1 + sum((h * np.sin(k * angles + p) for h, k, p in self.waves), np.zeros_like(angles))

    def labels(self, points: npt.ArrayLike) -> Labels:
        """Return what the base classifier answers: 0 for A, 1 for B.

        Parameters
        ----------
        points : array, shape (points, 2)
        """
        x, y = np.asarray(points, dtype=float).reshape(-1, 2).T
        inside = np.hypot(x, y) < self.edge(np.arctan2(y, x))
        for cx, cy, size in self.spots:
            inside ^= (x - cx) ** 2 + (y - cy) ** 2 < size**2
        return np.where(inside, A, B).astype(np.int64)

    def rings(self) -> list[Floats]:
        """Outline of A as closed rings; holes turn the other way."""
        angles = np.linspace(0, 2 * math.pi, 361)
        circle = np.column_stack([np.cos(angles), np.sin(angles)])
        rings = [circle * self.edge(angles)[:, None]]
        for cx, cy, size in self.spots:
            hole = math.hypot(cx, cy) < self.edge(math.atan2(cy, cx))
            rings.append((circle[::-10] if hole else circle[::10]) * size + (cx, cy))
        return rings

    def votes(self, point: tuple[float, float], sigma: float, seed: tuple[int, ...], num: int) -> tuple[Floats, Labels]:
        """Draw noisy copies of a point and ask the base classifier; more copies begin with those of fewer."""
        noise = np.random.default_rng(seed).standard_normal((num, 2))
        copies = np.asarray(point) + sigma * noise
        return copies, self.labels(copies)


@lru_cache(maxsize=64)
def border(world: World, sigma: float, reach: float = 2.0) -> tuple[Floats, ...]:
    """Lines where the smoothed classifier changes its answer, from the exact law of the noise on a fine grid.

    Nobody has them for a real classifier; here they show what the certified circle must not cross.
    """
    from contourpy import contour_generator
    from scipy.ndimage import gaussian_filter

    step = max(0.02, sigma / 12)
    end = reach + 4 * sigma
    axis = np.arange(-end, end + step, step)
    grid = np.stack(np.meshgrid(axis, axis), -1)
    share = (world.labels(grid) == A).astype(float).reshape(grid.shape[:2])
    smoothed = gaussian_filter(share, sigma / step, mode="nearest", truncate=4)
    lines = contour_generator(axis, axis, smoothed).lines(0.5)
    return tuple(np.asarray(line, dtype=float) for line in lines)
