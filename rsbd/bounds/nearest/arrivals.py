"""Bounds on the distance of the m-th nearest of several rows, from bounds on the distances of single rows.

A row "arrives" at the radius that equals its noised distance. Rows arrive independently, and a row with the cumulative
hazard `h` at some radius has arrived by then with the odds `o = e^h - 1`. So

    P(N = i) = e^-H e_i,    H = sum of the h,    e_i = the i-th elementary symmetric polynomial of the odds,

for the number `N` of rows that have arrived. `P(N < m)` falls as any `h` grows, so bounds on hazards bound it. The
nearest rows of a class are added one by one, without any subtraction. For the other rows, the sums of the powers of
their odds are counts times a table, as the sums of their hazards are, and Newton's identities turn them into the `e_i`.
These identities subtract, which loses all digits where a few rows outweigh all others. But such rows are among the
nearest, which are added one by one, or the digits are not needed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rsbd.bounds.nearest.distance import Counts, Hazards, Nodes
from rsbd.bounds.nearest.race import ROUNDING, Arrival, Race, arrives_first
from rsbd.types import Floats, Ints

APART = 8  # rows added one by one, beyond the number of neighbours
CERTAIN = 800.0  # a hazard that means certainty: e^-800 is 0
_HUGE = 1e250  # stands for odds that are too large to work with; no conclusion is drawn from them


class Arrived(NamedTuple):
    """Bounds on the number of rows that have arrived by each radius; arrays (..., points, radii).

    Attributes
    ----------
    early, late : array
        Probability of each number of arrived rows among the nearest ones, if each of these arrives as early or as late
        as its bounds allow; the last entry is for that number or more.
    low, high : array
        For the other rows: the sum of their hazards, then the sums of the powers of their odds.
    total_low, total_high : array
        Sum of the hazards of all rows.
    """

    early: Floats
    late: Floats
    low: Floats
    high: Floats
    total_low: Floats
    total_high: Floats


def arrived_by_class(
    squares: Floats, error: Floats, nodes: Nodes, table: Hazards, y: Ints, classes: int, most: int, apart: int
) -> list[Arrived]:
    """Bound the number of arrived rows of each class, up to `most`, with the `apart` nearest added one by one.

    Rows nearer than all nodes count as having arrived at the first radius.
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
        Arrived(early, late, less, more, less[0] + near_low, more[0] + near_high)
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


def combined(parts: Sequence[Arrived]) -> Arrived:
    """Return the bounds for the rows of all parts together."""
    early, late = parts[0].early, parts[0].late
    for part in parts[1:]:
        early, late = _sum(early, part.early), _sum(late, part.late)
    sums = [np.sum(arrays, axis=0) for arrays in list(zip(*parts, strict=True))[2:]]
    return Arrived(early, late, *sums)


def _sum(one: Floats, other: Floats) -> Floats:
    """Return the law of the sum of two independent numbers; the last entry is for that number or more."""
    out, last = np.zeros_like(one), len(one) - 1
    for i, chance in enumerate(one):
        for j, second in enumerate(other):
            out[min(i + j, last)] += chance * second
    return out


def arrival(law: Arrived, m: int, radii: Floats, convex: bool) -> Arrival:
    """Bound the radius at which `m` rows have arrived; `convex` says if each row's hazard is convex in the radius."""
    if len(law.low) == 1:
        return Arrival.first(law.total_low, law.total_high, radii, convex)
    few, fewer, more = _others(law)
    most = sum(law.late[i] * few[m - i] for i in range(m))
    least = sum(law.early[i] * fewer[m - i] for i in range(m))
    low = np.maximum(-np.log(most * (1 + ROUNDING) + 1e-300), 0.0)
    with np.errstate(divide="ignore"):
        high = -np.log(least * (1 - ROUNDING))
    # While arrivals are unlikely, their probability has more digits than the probability of none.
    come = (sum(law.early[i] * more[m - i] for i in range(m)) + law.early[m:].sum(axis=0)) * (1 + ROUNDING)
    high = np.where(come < 0.5, np.minimum(-np.log1p(-np.minimum(come, 0.5)) + 1e-300, high), high)
    return Arrival.later(low, np.minimum(high, CERTAIN), law.total_low, law.total_high, radii, convex)


def _others(law: Arrived) -> tuple[Floats, Floats, Floats]:
    """Bound P(N < i) from above and below and P(N >= i) from above, for the rows not added one by one; i = 0, 1, ..."""
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = _symmetric(law.low[1:], law.high[1:])
        few, fewer = (np.exp(-law.low[0]) * np.cumsum(high, axis=0), np.exp(-law.high[0]) * np.cumsum(low, axis=0))
        known = law.high[1] < _HUGE**0.8
        few = np.where(known & (few < 1), few, 1.0)
        fewer = np.where(fewer > 0, np.minimum(fewer, 1.0) * (1 - ROUNDING), 0.0)
        # e_(i+1) <= e_i e_1 / (i + 1), so that the rest of the series is at most a geometric one.
        i = np.arange(1.0, len(high)).reshape(-1, 1, 1)
        series = np.exp(-law.low[0]) * high[1:] / (1 - law.high[1] / (i + 1))
    more = np.where(known & (law.high[1] < i), np.minimum(series, 1 - fewer[:-1]), 1 - fewer[:-1])
    none = np.zeros_like(few[:1])
    return np.concatenate([none, few]), np.concatenate([none, fewer]), np.concatenate([none + 1, more])


def _symmetric(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Bound e_0, e_1, ... by Newton's identities from bounds on the sums of first, second, ... powers."""
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
    high = np.where(large, _HUGE, np.expm1(np.minimum(table.high, limit)) ** power)
    hazard = np.minimum(table.low, limit)
    slope = power * np.expm1(hazard) ** (power - 1) * np.exp(hazard)
    steepest = np.maximum(slope[:-1], slope[1:])
    bend = np.minimum(table.bend, _HUGE / np.maximum(steepest, 1.0)) * steepest
    bend += np.diff(hazard, axis=0) * np.diff(slope, axis=0)
    return Hazards(np.expm1(hazard) ** power, high, bend)


def arrivals_needed(neighbours: int, classes: int) -> int:
    """Return the largest number of arrivals, of a class or of all others, that :func:`vote_bounds` asks for."""
    return neighbours + 1 - _enough(neighbours, classes)


def vote_bounds(laws: Sequence[Arrived], neighbours: int, radii: Floats, convex: bool) -> Race:
    """Bound the probability that each class has most of the neighbours' votes.

    A class has `m` of `k` neighbours if and only if its `m`-th row comes before the `(k - m + 1)`-th row of the other
    classes: a race of two independent arrivals. A class with more than half of the votes wins. It does not win with
    fewer votes than the average over the classes, nor where another class has more than half.
    """
    most, enough = neighbours // 2 + 1, _enough(neighbours, len(laws))
    upper, miss = [], []
    for c, own in enumerate(laws):
        rest = combined([law for d, law in enumerate(laws) if d != c])

        def of_own(m: int, own: Arrived = own) -> Arrival:
            return arrival(own, m, radii, convex)

        def of_rest(m: int, rest: Arrived = rest) -> Arrival:
            return arrival(rest, neighbours - m + 1, radii, convex)

        miss.append(arrives_first(of_rest(most), of_own(most)))
        if len(laws) > 2:
            upper.append(arrives_first(of_own(enough), of_rest(enough)))
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


def _enough(neighbours: int, classes: int) -> int:
    """Return the smallest number of votes with which a class can win."""
    return -(-neighbours // classes)
