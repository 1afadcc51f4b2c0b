"""Attacks that are measured by a length: one direction for the point, common patterns for training rows."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np

from rsbd.audit.changes import Attempt
from rsbd.audit.target import Target
from rsbd.types import Floats

_WITHIN = 1 - 1e-5  # leaves room for rounding to float32


def length_attempts(target: Target) -> Iterator[Attempt]:
    """Yield attacks of the target's size on its slots, or on each row and the point where there is a threat."""
    size = target.size * _WITHIN
    if "test" in target.slots:
        for name, direction in _directions(target):
            yield Attempt(f"{name}, on the point", *target.attacked(point=target.point + size * direction))
    if "features" in target.slots:
        for name, x in _rows(target, size):
            yield Attempt(name, *target.attacked(x))
    if {"test", "features"} <= set(target.slots):
        half = size / (sqrt(2) if target.norm == "L2" else 2)
        name, direction = next(_directions(target))
        for where, x in _rows(target, half):
            yield Attempt(f"{where}; {name}, on the point", *target.attacked(x, point=target.point + half * direction))


def unit_step(direction: Floats, norm: str) -> Floats:
    """Return the step of length 1 along a direction: all in the largest coordinate in L1, equal in each in Linf.

    Examples
    --------
    >>> [unit_step(np.array([3.0, -4.0]), norm) for norm in ("L2", "L1", "Linf")]
    [array([ 0.6, -0.8]), array([ 0., -1.]), array([ 1., -1.])]
    """
    if norm == "L2":
        return direction / max(float(np.linalg.norm(direction)), 1e-300)
    if norm == "L1":
        largest = np.arange(len(direction)) == np.abs(direction).argmax()
        return np.where(largest, np.sign(direction), 0.0)
    return np.sign(direction)


def _directions(target: Target) -> Iterator[tuple[str, Floats]]:
    rival = target.flat[target.nearest(target.rival)]
    yield "against the weights", unit_step(target.away, target.norm)
    if len(rival):
        yield "towards the nearest rival", unit_step(rival[0] - target.point, target.norm)
        yield "towards the rivals' mean", unit_step(rival.mean(axis=0) - target.point, target.norm)


def _rows(target: Target, size: float) -> Iterator[tuple[str, Floats]]:
    """Yield moved training features: one pattern on many rows, or each row in a direction of its own."""
    own, rival = target.nearest(target.label), target.nearest(target.rival)
    pattern = unit_step(target.away, target.norm)
    # Rows of either class that move against the weights of a linear model take its decision boundary with them.
    groups = {"all rows of both classes": np.concatenate([own, rival]), "own rows": own, "rival rows": rival}
    for count in (1, 8):
        groups[f"the {count} nearest own rows"] = own[:count]
        groups[f"the {count} nearest rival rows"] = rival[:count]
    for name, rows in groups.items():
        each = _each(target.norm, size, len(rows))
        if not (len(rows) and each):
            continue
        for sign in (1, -1):
            moved = target.flat
            moved[rows] += sign * each * pattern
            yield f"{'against' if sign > 0 else 'along'} the weights, {name}", moved
        moved, toward = target.flat, target.point - target.flat[rows]
        towards = np.where(np.isin(rows, rival)[:, None], toward, -toward)
        moved[rows] += each * np.stack([unit_step(step, target.norm) for step in towards])
        yield f"rivals towards the point and own rows away from it, {name}", moved


def _each(norm: str, size: float, rows: int) -> float:
    """Return how far each row may move: lengths add in squares in L2, simply in L1; other norms allow one row."""
    if norm == "L2":
        return size / sqrt(max(rows, 1))
    if norm == "L1":
        return size / max(rows, 1)
    return size if rows == 1 else 0.0
