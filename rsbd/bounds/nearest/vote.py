"""The probability that each class has most of the nearest rows."""

from collections.abc import Sequence

import numpy as np

from rsbd.bounds.nearest.arrivals import Arrived, arrival, combined
from rsbd.bounds.nearest.race import Arrival, Race, arrives_first
from rsbd.types import Floats


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
