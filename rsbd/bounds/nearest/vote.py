"""Which class most of the nearest rows are of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rsbd.bounds.nearest.arrivals import Law, arrival, together
from rsbd.bounds.nearest.race import Arrival, Race, first
from rsbd.types import Floats


def arrivals_needed(neighbours: int, classes: int) -> int:
    """Up to which arrival of rows of a class, or of all others, :func:`vote` asks for."""
    return neighbours + 1 - _enough(neighbours, classes)


def vote(laws: Sequence[Law], neighbours: int, radii: Floats, convex: bool) -> Race:
    """Bound the probability of each class that it has most votes of the neighbours.

    A class has `m` of `k` neighbours if and only if its `m`-th row comes before the `(k - m + 1)`-th row of the other
    classes: a race of two independent arrivals. With more than half of the votes it wins, and with less than its
    share, votes over classes, it does not; nor does it where another one has more than half.
    """
    most, enough = neighbours // 2 + 1, _enough(neighbours, len(laws))
    upper, miss = [], []
    for c, own in enumerate(laws):
        rest = together([law for d, law in enumerate(laws) if d != c])

        def of_own(m: int, own: Law = own) -> Arrival:
            return arrival(own, m, radii, convex)

        def of_rest(m: int, rest: Law = rest) -> Arrival:
            return arrival(rest, neighbours - m + 1, radii, convex)

        miss.append(first(of_rest(most), of_own(most)))
        if len(laws) > 2:
            upper.append(first(of_own(enough), of_rest(enough)))
    # Of two classes, one wins where the other does not.
    if len(laws) == 2:
        return Race(np.stack(miss[::-1], axis=-1), np.stack(miss, axis=-1))
    lost = np.stack(miss, axis=-1)
    won = np.maximum(1 - lost, 0.0)
    others = 1 - (won.sum(axis=-1, keepdims=True) - won) + 1e-12
    return Race(np.minimum(np.stack(upper, axis=-1), others), lost)


def decided(laws: Sequence[Law], neighbours: int, radii: Floats) -> list[Floats]:
    """Cumulative hazards, about, of the radii at which it is known if each class has more than half of the votes."""
    most, found = neighbours // 2 + 1, []
    for c, own in enumerate(laws):
        rest = together([law for d, law in enumerate(laws) if d != c])
        last = neighbours - most + 1
        found.append(arrival(own, most, radii, False).high + arrival(rest, last, radii, False).high)
    return found


def _enough(neighbours: int, classes: int) -> int:
    """Without so many votes no class wins."""
    return -(-neighbours // classes)
