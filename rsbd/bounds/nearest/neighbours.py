"""Bounds on the class probabilities of nearest neighbours under noise on the rows, for many points and rows.

The hazard of a class at radius `r` is a sum over its rows of one function of the row's distance, so a table suffices:
rows are counted into cells between tabulated distances, and counts times table is one matrix product for many points.
The function is convex, so its chords are upper bounds and its tangents give lower ones
(:mod:`rsbd.bounds.nearest.distance`).
"""

from dataclasses import dataclass

import numpy as np

from rsbd.bounds.nearest.arrivals import Arrived, arrivals_needed, arrived_by_class, decided, vote_bounds
from rsbd.bounds.nearest.distance import Nodes, hazards
from rsbd.bounds.nearest.race import Race
from rsbd.errors import InputError, is_whole
from rsbd.types import UNIT, ArrayLike, Floats, Ints

_SPAN = 1.0  # points share a table if their nearest distances differ by at most this (in standard deviations)
_FAR = 13.0  # rows further away than the nearest ones by more than this may be at any distance beyond
_ROUGH = 0.02  # spacing of the first radii, by which the others are placed; every fifth of them is kept
_HELD = 1 << 22  # numbers per array in one block


def neighbour_bounds(
    x: ArrayLike,
    y: ArrayLike,
    points: ArrayLike,
    sigma: float,
    num_classes: int,
    resolution: int = 500,
    neighbours: int = 1,
) -> Race:
    """Bound, for each class, the probability that most of the rows nearest to a point are of that class.

    Guarantee: the row features carry independent Gaussian noise, and the true probability (of the true nearest
    neighbours, not of buckets) is at most `upper` and at least `1 - miss`, with certainty. A class with more than half
    of the neighbours is the label, a class with fewer than another one is not, and any rule may break ties. So the
    bounds meet, up to `resolution`, for one neighbour, and for two classes with an odd number of neighbours. Otherwise
    they differ by at most the probability that no class has more than half of the neighbours.

    Parameters
    ----------
    x : array, shape (rows, features)
        Training features.
    y : array of int, shape (rows,)
        Their labels.
    points : array, shape (points, features)
        Test inputs, without noise.
    sigma : float
        Standard deviation of the noise, in input units.
    num_classes : int
        Number of classes, at least 2.
    resolution : int
        Number of radii in the relevant range, at least 10. With 500, the bounds differ by about 1e-4 (1e-5 with 2000),
        for several neighbours by up to 1e-3 (1e-4), and with a single feature, where less is known of the law, by 3e-3.
    neighbours : int
        Number of rows that vote.

    Examples
    --------
    Two rows, and a point half way between them:

    >>> found = neighbour_bounds([[0.0, 0.0], [1.0, 1.0]], [0, 1], [[0.5, 0.5]], sigma=0.5, num_classes=2)
    >>> found.upper.round(4)
    array([[0.5, 0.5]])
    """
    rows, ask = _flat(x, "x"), _flat(points, "points")
    labels = np.asarray(y)
    if rows.shape[1] != ask.shape[1]:
        raise InputError(f"rows have {rows.shape[1]} features and points {ask.shape[1]}", "they must agree")
    if labels.shape != (len(rows),) or not len(rows):
        raise InputError(f"{len(rows)} rows and labels of shape {labels.shape}", "give one label per row")
    if num_classes < 2 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"{labels.dtype} labels of {num_classes} classes", "give integers of two classes or more")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise InputError(f"labels from {labels.min()} to {labels.max()}", f"give 0 to {num_classes - 1}")
    if not (np.isfinite(sigma) and sigma > 0):
        raise InputError(f"sigma is {sigma!r}, but it is a standard deviation", "give a number above 0")
    if resolution < 10:
        raise InputError(f"resolution is {resolution!r}", "give a number of radii, at least 10")
    if not (is_whole(neighbours, 1) and neighbours <= len(rows)):
        raise InputError(f"neighbours is {neighbours!r}", f"give a number from 1 to {len(rows)}, the number of rows")
    field = _Field(rows / sigma, labels.astype(np.int64), num_classes, resolution, neighbours)
    return field.race(ask / sigma)


@dataclass(frozen=True, eq=False)
class _Field:
    """Training rows in units of sigma."""

    x: Floats
    y: Ints
    classes: int
    resolution: int
    neighbours: int

    def race(self, points: Floats) -> Race:
        upper, miss = np.empty((2, len(points), self.classes))
        size = max(1, _HELD // max(len(self.x), 4 * self.neighbours * self.classes * self.resolution))
        parts = [points[i : i + size] for i in range(0, len(points), size)]
        last = [np.partition(self._distances(part)[0], self.neighbours - 1)[:, self.neighbours - 1] for part in parts]
        scale = np.sqrt(np.concatenate([np.zeros(0), *last]) + self.dim / 2)
        order = np.argsort(scale)
        while len(order):
            some = order[:size]
            some = some[scale[some] <= scale[some[0]] + _SPAN]
            upper[some], miss[some] = self._group(points[some])
            order = order[len(some) :]
        return Race(upper, miss)

    @property
    def dim(self) -> int:
        """Number of features."""
        return int(self.x.shape[1])

    def _group(self, points: Floats) -> Race:
        """Bound the probabilities for points with similar distances to the last of their neighbours."""
        squares, error = self._distances(points)
        least = np.maximum(squares - error, 0.0)
        near = np.partition(least, self.neighbours - 1)[:, : self.neighbours]
        ends = near.min(), near.max(axis=1).min(), near.max()
        first, low, high = (float(np.sqrt(square + self.dim / 2)) for square in ends)
        # No vote is decided before this radius, and rows that are much nearer have arrived by then.
        start = np.hypot(low, np.sqrt(self.dim / 2)) - 11
        sure = np.sqrt(np.maximum(np.square(max(start - 10, 0.0)) - self.dim / 2, 0.0))
        first = max(first, float(sure))
        rough = np.arange(max(0.0, start), np.hypot(high, np.sqrt(self.dim / 2)) + 10, _ROUGH)

        def seen(radii: Floats, step: float) -> tuple[list[Arrived], Floats]:
            nodes = Nodes.between(self.dim, first, high + _FAR, step).beside(least, squares + error)
            table = hazards(self.dim, nodes.squares, radii)
            most = arrivals_needed(self.neighbours, self.classes)
            found = arrived_by_class(squares, error, nodes, table, self.y, self.classes, most)
            come = (squares + error < nodes.squares[0]).sum(axis=1, keepdims=True)
            return found, come * np.exp(-table.low[0, 0])

        radii = self._radii(seen(rough, 5 * _ROUGH)[0], rough)
        found, late = seen(radii, 4 / self.resolution)
        race = vote_bounds(found, self.neighbours, radii, convex=self.dim >= 2)
        return Race(np.minimum(race.upper + late, 1.0), np.minimum(race.miss + late, 1.0))

    def _radii(self, found: list[Arrived], rough: Floats) -> Floats:
        """Return radii, densest where most rows arrive. They affect how tight the bounds are, never if they hold."""
        come = -np.expm1(-np.mean(decided(found, self.neighbours, rough), axis=0))
        # Each point gets `resolution` radii where its neighbours may arrive, whichever group of points it is in.
        arrivals = np.diff(come).max(axis=0)
        arrived = np.append(0.0, np.cumsum(np.maximum(arrivals, 0.0)))
        fine = np.interp(np.linspace(0, arrived[-1], int(self.resolution * arrived[-1])), arrived, rough)
        radii = np.sort(np.concatenate([rough[::5], fine]))
        return radii[np.insert(np.diff(radii) > 1e-6, 0, True)]

    def _distances(self, points: Floats) -> tuple[Floats, Floats]:
        """Return squared distances (points, rows) and a bound on their error (points, 1)."""
        here, there = (points**2).sum(axis=1)[:, None], (self.x**2).sum(axis=1)
        squares = np.maximum(here + there - 2 * points @ self.x.T, 0.0)
        return squares, UNIT * ((8 * self.dim + 64) * (here + there.max()) + 64 * self.dim)


def _flat(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or not array.shape[1] or not np.isfinite(array).all():
        raise InputError(f"{name} has shape {array.shape}", "give finite numbers as (rows, features)")
    return array
