"""When the m-th of several rows comes: bounds on the law of its radius, from those on the laws of single rows.

Rows come independently of each other, and one with the cumulative hazard `h` has come with the odds `o = e^h - 1`. So

    P(N = i) = e^-H e_i,    H = sum of the h,    e_i = the i-th elementary symmetric polynomial of the odds,

for the number `N` that have come, and `P(N < m)` falls as any `h` grows: bounds on hazards bound it. A class's nearest
rows are taken one by one, with nothing subtracted. Of the others, sums of powers of their odds are counts times a
table, as sums of hazards are, and Newton's identities make the `e_i` of them. Those subtract, which costs all digits
where few rows outweigh all others; but such rows are among the nearest, or there is no need of digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rsbd.bounds.nearest.counts import Counts, Nodes
from rsbd.bounds.nearest.distance import Hazards
from rsbd.bounds.nearest.race import ROUNDING, Arrival
from rsbd.types import Floats, Ints

APART = 8  # so many more than there are neighbours are taken one by one
CERTAIN = 800.0  # e^-800 is 0
HUGE = 1e250  # stands for odds that are too large to work with, from which nothing is concluded


class Law(NamedTuple):
    """Bounds on how many of some rows have come; arrays (..., points, radii).

    Attributes
    ----------
    early, late : array
        Law of the number of nearest rows, each as early and as late as it may come; the last entry stands for that
        number or more.
    low, high : array
        Of the other rows: the sum of their hazards, then those of the powers of their odds.
    total_low, total_high : array
        Sum of the hazards of all.
    """

    early: Floats
    late: Floats
    low: Floats
    high: Floats
    total_low: Floats
    total_high: Floats


def laws(
    squares: Floats, error: Floats, nodes: Nodes, table: Hazards, y: Ints, classes: int, most: int, apart: int
) -> list[Law]:
    """Law of each class's rows, up to `most` of them, with the `apart` nearest taken one by one.

    Rows nearer than all nodes count as having come from the start.
    """
    tables = [table, *(_odds(table, power, most) for power in range(1, most + 1) if most > 1)]
    shape = (len(squares), table.low.shape[1])
    alone, found = np.zeros(squares.shape, bool), []
    for c in range(classes):
        members = np.flatnonzero(y == c)
        number = min(apart, len(members))
        picked = np.zeros((len(squares), 0), np.int64)
        if number:
            picked = members[np.argpartition(squares[:, members], number - 1)[:, :number]]
            np.put_along_axis(alone, picked, True, axis=1)
        near = np.take_along_axis(squares, picked, axis=1)
        found.append(_one_by_one(near, error, nodes, table, most, shape))
    counts = Counts.of(squares, error, nodes, y, classes, ~alone if apart else None)
    low, high = np.stack([counts.low(t) for t in tables]), np.stack([counts.high(t) for t in tables])
    sums = [(low[:, :, c], high[:, :, c]) for c in range(classes)]
    return [
        Law(early, late, less, more, less[0] + near_low, more[0] + near_high)
        for (early, late, near_low, near_high), (less, more) in zip(found, sums, strict=True)
    ]


def _one_by_one(
    near: Floats, error: Floats, nodes: Nodes, table: Hazards, most: int, shape: tuple[int, int]
) -> tuple[Floats, Floats, Floats, Floats]:
    early, late = np.zeros((2, most + 1, *shape))
    early[0] = late[0] = 1.0
    total_low, total_high = np.zeros((2, *shape))
    for squares in near.T:
        low, high = nodes.single(squares, error[:, 0], table)
        come = (squares + error[:, 0] < nodes.squares[0])[:, None]
        for number, total, hazard in ((early, total_high, high), (late, total_low, low)):
            total += np.where(come, 0.0, hazard)
            hazard = np.where(come, CERTAIN, hazard)
            stays, comes = np.exp(-hazard), -np.expm1(-hazard)
            number[-1] += number[-2] * comes
            for i in range(most - 1, 0, -1):
                number[i] = number[i] * stays + number[i - 1] * comes
            number[0] *= stays
    return early, late, total_low, total_high


def together(parts: Sequence[Law]) -> Law:
    """Law of the rows of all parts."""
    early, late = parts[0].early, parts[0].late
    for part in parts[1:]:
        early, late = _sum(early, part.early), _sum(late, part.late)
    sums = [np.sum(arrays, axis=0) for arrays in list(zip(*parts, strict=True))[2:]]
    return Law(early, late, *sums)


def _sum(one: Floats, other: Floats) -> Floats:
    """Law of the sum of two numbers; the last entry stands for that number or more."""
    out, last = np.zeros_like(one), len(one) - 1
    for i, chance in enumerate(one):
        for j, second in enumerate(other):
            out[min(i + j, last)] += chance * second
    return out


def arrival(law: Law, m: int, radii: Floats, convex: bool) -> Arrival:
    """When `m` of the rows have come; `convex` says whether each one's hazard is convex in the radius."""
    if len(law.low) == 1:
        return Arrival.first(law.total_low, law.total_high, radii, convex)
    few, fewer, more = _others(law)
    most = sum(law.late[i] * few[m - i] for i in range(m))
    least = sum(law.early[i] * fewer[m - i] for i in range(m))
    low = np.maximum(-np.log(most * (1 + ROUNDING) + 1e-300), 0.0)
    with np.errstate(divide="ignore"):
        high = -np.log(least * (1 - ROUNDING))
    # Before any arrival, the digits are in the probability of one.
    come = (sum(law.early[i] * more[m - i] for i in range(m)) + law.early[m:].sum(axis=0)) * (1 + ROUNDING)
    high = np.where(come < 0.5, np.minimum(-np.log1p(-np.minimum(come, 0.5)) + 1e-300, high), high)
    return Arrival.later(low, np.minimum(high, CERTAIN), law.total_low, law.total_high, radii, convex)


def _others(law: Law) -> tuple[Floats, Floats, Floats]:
    """Of the rows that are not apart, for i = 0, 1, ...: bounds above and below on P(N < i), above on P(N >= i)."""
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = _symmetric(law.low[1:], law.high[1:])
        few, fewer = (
            np.exp(-law.low[0]) * np.cumsum(high, axis=0),
            np.exp(-law.high[0]) * np.cumsum(low, axis=0),
        )
        known = law.high[1] < HUGE**0.8
        few = np.where(known & (few < 1), few, 1.0)
        fewer = np.where(fewer > 0, np.minimum(fewer, 1.0) * (1 - ROUNDING), 0.0)
        # e_(i+1) <= e_i e_1 / (i + 1), so that the rest of the series is at most a geometric one.
        i = np.arange(1.0, len(high)).reshape(-1, 1, 1)
        series = np.exp(-law.low[0]) * high[1:] / (1 - law.high[1] / (i + 1))
    more = np.where(known & (law.high[1] < i), np.minimum(series, 1 - fewer[:-1]), 1 - fewer[:-1])
    none = np.zeros_like(few[:1])
    return np.concatenate([none, few]), np.concatenate([none, fewer]), np.concatenate([none + 1, more])


def _symmetric(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Bound e_0, e_1, ... from bounds on the sums of first, second, ... powers: Newton's identities."""
    least, most = [np.ones_like(low[0])], [np.ones_like(low[0])]
    for i in range(1, len(low) + 1):
        down, up = 0.0, 0.0
        for j in range(1, i + 1):
            smaller, larger = least[i - j] * low[j - 1], most[i - j] * high[j - 1]
            down, up = (down + smaller, up + larger) if j % 2 else (down - larger, up - smaller)
        least.append(np.maximum(down / i, 0.0))
        most.append(np.minimum(up, most[-1] * high[0]) / i)
    return np.stack(least), np.stack(most)


def _odds(table: Hazards, power: int, most: int) -> Hazards:
    """Tabulate a power of the odds, `(e^h - 1)^power`, as the hazards are; it grows with `h` and is convex in it.

    So between nodes it is at most its chord, and at least the chord less `w (1 - w)` times two things: how far its
    tangents there are apart, and its slope times the bend of the hazard.
    """
    limit = 600 / most
    large = table.high > limit
    large[1:] |= large[:-1]
    high = np.where(large, HUGE, np.expm1(np.minimum(table.high, limit)) ** power)
    hazard = np.minimum(table.low, limit)
    slope = power * np.expm1(hazard) ** (power - 1) * np.exp(hazard)
    steepest = np.maximum(slope[:-1], slope[1:])
    bend = np.minimum(table.bend, HUGE / np.maximum(steepest, 1.0)) * steepest + np.diff(hazard, axis=0) * np.diff(
        slope, axis=0
    )
    return Hazards(np.expm1(hazard) ** power, high, bend)
