"""Bounds on the distance of the m-th nearest of several rows, from bounds on the distances of single rows.

A row "arrives" at the radius that equals its noised distance. Rows arrive independently, and a row with the cumulative
hazard `h` at some radius has arrived by then with probability `1 - e^-h`. Rows are added one by one to the law of the
number `N` that have arrived, without any subtraction. `P(N < m)` falls as any `h` grows, so bounds on hazards bound it.
Of the first arrival, the sum of the hazards tells all.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rsbd.bounds.nearest.distance import Counts, Hazards, Nodes
from rsbd.bounds.nearest.race import ROUNDING, Arrival, Race, arrives_first
from rsbd.types import Floats, Ints

CERTAIN = 800.0  # a hazard that means certainty: e^-800 is 0


class Arrived(NamedTuple):
    """Bounds on the number of rows that have arrived by each radius; arrays (..., points, radii).

    Attributes
    ----------
    early, late : array
        Probability of each number of arrived rows, if each row arrives as early or as late as its bounds allow; the
        last entry is for that number or more. Without points and radii if only the first arrival is asked for.
    total_low, total_high : array
        Sum of the hazards of all rows.
    """

    early: Floats
    late: Floats
    total_low: Floats
    total_high: Floats


def arrived_by_class(
    squares: Floats, error: Floats, nodes: Nodes, table: Hazards, y: Ints, classes: int, most: int
) -> list[Arrived]:
    """Bound the number of arrived rows of each class, up to `most`.

    Rows nearer than all nodes count as having arrived at the first radius.
    """
    if most > 1:
        return [_one_by_one(squares[:, y == c], error[:, 0], nodes, table, most) for c in range(classes)]
    counts, unknown = Counts.of(squares, error, nodes, y, classes), np.zeros((2, 0, 0))
    low, high = counts.low(table), counts.high(table)
    return [Arrived(unknown, unknown, low[:, c], high[:, c]) for c in range(classes)]


def _one_by_one(squares: Floats, error: Floats, nodes: Nodes, table: Hazards, most: int) -> Arrived:
    early, late = np.zeros((2, most + 1, len(squares), table.low.shape[1]))
    early[0] = late[0] = 1.0
    total_low, total_high = np.zeros((2, *early.shape[1:]))
    for row in squares.T:
        low, high = nodes.single(row, error, table)
        come = (row + error < nodes.squares[0])[:, None]
        for number, total, hazard in ((early, total_high, high), (late, total_low, low)):
            total += np.where(come, 0.0, hazard)
            hazard = np.where(come, CERTAIN, hazard)
            stays, comes = np.exp(-hazard), -np.expm1(-hazard)
            number[-1] += number[-2] * comes
            for i in range(most - 1, 0, -1):
                number[i] = number[i] * stays + number[i - 1] * comes
            number[0] *= stays
    return Arrived(early, late, total_low, total_high)


def combined(parts: Sequence[Arrived]) -> Arrived:
    """Return the bounds for the rows of all parts together."""
    early, late = parts[0].early, parts[0].late
    for part in parts[1:]:
        early, late = _sum(early, part.early), _sum(late, part.late)
    totals = (np.sum(sides, axis=0) for sides in list(zip(*parts, strict=True))[2:])
    return Arrived(early, late, *totals)


def _sum(one: Floats, other: Floats) -> Floats:
    """Return the law of the sum of two independent numbers; the last entry is for that number or more."""
    out, last = np.zeros_like(one), len(one) - 1
    for i, chance in enumerate(one):
        for j, second in enumerate(other):
            out[min(i + j, last)] += chance * second
    return out


def arrival(law: Arrived, m: int, radii: Floats, convex: bool) -> Arrival:
    """Bound the radius at which `m` rows have arrived; `convex` says if each row's hazard is convex in the radius."""
    if len(law.early) == 2:
        return Arrival.first(law.total_low, law.total_high, radii, convex)
    most, least = law.late[:m].sum(axis=0), law.early[:m].sum(axis=0)
    low = np.maximum(-np.log(most * (1 + ROUNDING) + 1e-300), 0.0)
    with np.errstate(divide="ignore"):
        high = -np.log(least * (1 - ROUNDING))
    # While arrivals are unlikely, their probability has more digits than the probability of none.
    come = law.early[m:].sum(axis=0) * (1 + ROUNDING)
    high = np.where(come < 0.5, np.minimum(-np.log1p(-np.minimum(come, 0.5)) + 1e-300, high), high)
    return Arrival.later(low, np.minimum(high, CERTAIN), law.total_low, law.total_high, radii, convex)


def arrivals_needed(neighbours: int, classes: int) -> int:
    """Return the largest number of arrivals, of a class or of all others, that :func:`vote_bounds` asks for."""
    return neighbours + 1 - -(-neighbours // classes)


def vote_bounds(laws: Sequence[Arrived], neighbours: int, radii: Floats, convex: bool) -> Race:
    """Bound the probability that each class has most of the neighbours' votes.

    A class has `m` of `k` neighbours if and only if its `m`-th row comes before the `(k - m + 1)`-th row of the other
    classes: a race of two independent arrivals. A class with more than half of the votes wins. It does not win with
    fewer votes than the average over the classes, nor where another class has more than half.
    """
    most, enough = neighbours // 2 + 1, neighbours + 1 - arrivals_needed(neighbours, len(laws))
    upper, miss = [], []

    def comes_first(one: Arrived, m: int, other: Arrived) -> Floats:
        """Bound how probable it is that `m` of the neighbours are of one part of the rows, and not of the other."""
        return arrives_first(arrival(one, m, radii, convex), arrival(other, neighbours - m + 1, radii, convex))

    for c, own in enumerate(laws):
        rest = combined([law for d, law in enumerate(laws) if d != c])
        miss.append(comes_first(rest, neighbours - most + 1, own))
        if len(laws) > 2:
            upper.append(comes_first(own, enough, rest))
    # With two classes, one wins where the other does not.
    if len(laws) == 2:
        return Race(np.stack(miss[::-1], axis=-1), np.stack(miss, axis=-1))
    lost = np.stack(miss, axis=-1)
    won = np.maximum(1 - lost, 0.0)
    others = 1 - (won.sum(axis=-1, keepdims=True) - won) + 1e-12
    return Race(np.minimum(np.stack(upper, axis=-1), others), lost)


def decided(laws: Sequence[Arrived], neighbours: int, radii: Floats) -> list[Floats]:
    """Return approximate cumulative hazards of the radius at which it is decided if each class has a majority."""
    most, found = neighbours // 2 + 1, []
    for c, own in enumerate(laws):
        rest = combined([law for d, law in enumerate(laws) if d != c])
        last = neighbours - most + 1
        found.append(arrival(own, most, radii, False).high + arrival(rest, last, radii, False).high)
    return found
