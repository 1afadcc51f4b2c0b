"""Counts of rows by class and distance, so that the hazards of classes are counts times a table.

A row between two tabulated distances counts partly for each. This gives the chord of the hazard, an upper bound; the
chord minus the bend of the cell is a lower bound (:mod:`rsbd.bounds.nearest.distance`).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rsbd.bounds.nearest.distance import Hazards
from rsbd.bounds.nearest.race import ROUNDING
from rsbd.types import Bools, Floats, Ints


@dataclass(frozen=True)
class Nodes:
    """Tabulated distances: equal steps of `sqrt(distance^2 + dim / 2)`."""

    dim: int
    start: float
    step: float
    number: int

    @classmethod
    def between(cls, dim: int, low: float, high: float, step: float) -> "Nodes":
        """Return nodes from just below one value of this square root to just above another."""
        start = max(float(np.sqrt(dim / 2)), low - 0.01)
        return cls(dim, start, step, 2 + int((high - start) / step))

    @cached_property
    def squares(self) -> Floats:
        """Squared distances, rising from 0 or more."""
        squares = np.square(self.start + self.step * np.arange(self.number, dtype=np.float64)) - self.dim / 2
        squares[0] = max(squares[0], 0.0)
        return squares

    def place(self, squares: Floats) -> tuple[Ints, Floats]:
        """Return the cell of each square and its relative position in the cell, in [0, 1]."""
        cell = ((np.sqrt(squares + self.dim / 2) - self.start) / self.step).astype(np.int64)
        cell = np.clip(cell, 0, self.number - 2)
        start = self.squares[cell]
        return cell, np.clip((squares - start) / np.diff(self.squares)[cell], 0.0, 1.0)

    def single(self, squares: Floats, error: Floats, table: Hazards) -> tuple[Floats, Floats]:
        """Return bounds on the hazard of one row for each point, at (points,) squared distances: (points, radii)."""
        cell, part = self.place(np.maximum(squares - error, 0.0))
        high = _chord(table.high, cell, part) * (1 + ROUNDING)
        cell, part = self.place(squares + error)
        bend = (part * (1 - part))[:, None] * table.bend[cell]
        low = _chord(table.low, cell, part) * (1 - ROUNDING) - bend * (1 + ROUNDING)
        low[squares + error > self.squares[-1]] = 0.0
        return _rising(low), high


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of each class at the nodes, (points, classes, nodes), and the largest distance of hazards from chords."""

    near: Floats  # with each row as near as its error allows
    far: Floats  # with each row as far as its error allows; rows beyond the last node are left out
    bend: Floats  # sum of w (1 - w) over the rows in each cell

    @classmethod
    def of(
        cls, squares: Floats, error: Floats, nodes: Nodes, y: Ints, classes: int, counted: Bools | None = None
    ) -> "Counts":
        """Count squared distances (points, rows), known up to an error (points, 1), by label; all, or those marked."""
        shape = (len(squares), classes, nodes.number)
        line = (np.arange(len(squares))[:, None] * classes + y) * nodes.number

        def total(place: Ints, weights: Floats) -> Floats:
            return np.bincount(place.ravel(), weights.ravel(), int(np.prod(shape))).reshape(shape).astype(np.float64)

        one = 1.0 if counted is None else counted.astype(np.float64)
        cell, part = nodes.place(np.maximum(squares - error, 0.0))
        near = total(line + cell, one * (1 - part)) + total(line + cell + 1, one * part)
        cell, part = nodes.place(squares + error)
        here = np.where(squares + error <= nodes.squares[-1], one, 0.0)
        far = total(line + cell, here * (1 - part)) + total(line + cell + 1, here * part)
        return cls(near, far, total(line + cell, here * part * (1 - part))[..., :-1])

    def high(self, table: Hazards) -> Floats:
        """Return an upper bound on the hazard of each class, (points, classes, radii)."""
        return _product(self.near, table.high) * (1 + ROUNDING)

    def low(self, table: Hazards) -> Floats:
        """Return a lower bound on the hazard of each class, (points, classes, radii)."""
        chord, bend = _product(self.far, table.low), _product(self.bend, table.bend)
        return _rising(chord * (1 - ROUNDING) - bend * (1 + ROUNDING))


def _rising(low: Floats) -> Floats:
    """Return the running maximum: a lower bound at one radius also holds beyond it, where tables may be weaker."""
    return np.asarray(np.maximum(np.maximum.accumulate(low, axis=-1), 0.0))


def _chord(table: Floats, cell: Ints, part: Floats) -> Floats:
    return table[cell] * (1 - part)[:, None] + table[cell + 1] * part[:, None]


def _product(counts: Floats, table: Floats) -> Floats:
    return np.asarray(counts.reshape(-1, counts.shape[-1]) @ table).reshape(*counts.shape[:-1], -1)
