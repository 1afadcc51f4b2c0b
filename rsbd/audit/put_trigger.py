"""The trigger on a point that costs its label most votes, found by search."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from rsbd.audit.changes import Attempt
from rsbd.audit.target import Target
from rsbd.evasion import AnyTrigger
from rsbd.types import Floats, Ints

_SWAPPED = 12  # pixels of a trigger that are tried in other places, and number of these places

# Returns the attempt that costs the label most votes, the first one among equals.
Choose = Callable[[Sequence[Attempt]], Attempt]


def put_trigger(target: Target, poisoned: Attempt, trigger: AnyTrigger, choose: Choose) -> Attempt:
    """Return the attempt with the worst trigger that is found for its training set; it stays if none is worse.

    Every window (of pixels, those that weigh most) is tried with the values that are worst for the average model, with
    0, with 1, and with those of the nearest rival. Then single values of the best trigger change, and pixels move, as
    long as this costs votes.
    """
    aim = replace(target, dataset=poisoned.dataset)
    groups, changes = trigger.groups(target.dataset.shape)
    worst = (aim.away > 0).astype(float)
    order = (aim.away * (worst - aim.point))[groups].sum(1).argsort(kind="stable")[::-1]
    contents = [worst, 0 * worst, 0 * worst + 1, *aim.flat[aim.nearest(aim.rival)[:1]]]

    def stamp(point: Floats, numbers: Ints, content: Floats) -> Floats:
        out = point.copy()
        out[numbers] = content[numbers]
        return out

    def neighbours(chosen: Ints, point: Floats) -> Iterator[tuple[Ints, Floats]]:
        yield from (
            (chosen, stamp(point, number, end)) for number in groups[chosen].reshape(-1, 1) for end in contents[1:3]
        )
        for old, new in product(chosen[-_SWAPPED:], order[changes : changes + _SWAPPED]):
            if changes > 1 and new not in chosen:
                moved = stamp(stamp(point, groups[old], aim.point), groups[new], worst)
                yield np.where(chosen == old, new, chosen), moved

    first = order[:, None] if changes == 1 else order[None, :changes]
    tried = [(chosen, stamp(aim.point, groups[chosen], content)) for chosen in first for content in contents]
    best = poisoned
    while True:
        made = [replace(poisoned, x=point.reshape(target.x.shape).astype(np.float32)) for _, point in tried]
        found = choose([best, *made])
        if found is best:
            return best
        best, tried = found, list(neighbours(*tried[made.index(found)]))
