"""Attempts on one point: changes of a length, changes of whole rows, and the worst trigger that a search finds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import inf, sqrt

import numpy as np

from rsbd.audit.changes import Attempt
from rsbd.audit.judges import Target
from rsbd.evasion import AnyTrigger
from rsbd.noises import Partition, Threat
from rsbd.types import Floats, Ints

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
    if norm in ("L1", "L2"):
        return size / (sqrt(max(rows, 1)) if norm == "L2" else max(rows, 1))
    return size if rows == 1 else 0.0


def row_attempts(target: Target) -> Iterator[Attempt]:
    """Yield attacks on as many rows as the target's size."""
    count = int(min(target.size, target.dataset.num_rows - 1))
    if target.threat is not None and target.threat.trigger_on("features") < inf:
        yield from _triggered(target, target.threat, count)
        return
    if target.norm == "rows in or out":
        yield from _inserted_and_removed(target, count)
        return
    own, y = target.nearest(target.label)[:count], target.dataset.y
    rows = own if len(own) == count else np.arange(count)
    added = _added(target, np.tile(target.point, (count, 1)), f"{count} copies of the point inserted as rivals")
    gone = _removed(target, rows, f"{count} nearest own rows removed")
    if target.norm in ("inserted rows", "removed rows"):
        yield added if target.norm == "inserted rows" else gone
        return
    if target.norm != "rows in place":
        yield from (added, gone)
    rival = np.where(np.isin(np.arange(len(y)), rows), target.rival, y)
    others = target.nearest(target.rival)[::-1][:count]
    for words, where, content, labels in (
        ("nearest own rows relabelled", rows, target.flat[rows], rival),
        ("own rows made copies of the point, relabelled", rows, target.point, rival),
        ("own rows made unlike their class", rows, target.away > 0, y),
        ("own rows made unlike the point", rows, 1 - target.point, y),
        ("rival rows that look like the class", rows, target.away < 0, rival),
        ("farthest rival rows made copies of the point", others, target.point, y),
    ):
        x = target.flat
        x[where] = content
        yield Attempt(f"{count} {words}", *target.attacked(x, labels))


def _added(target: Target, rows: Floats, words: str, kept: Ints | slice = slice(None)) -> Attempt:
    x = np.concatenate([target.flat[kept], rows])
    y = np.concatenate([target.dataset.y[kept], np.full(len(rows), target.rival)])
    return Attempt(words, *target.attacked(x, y))


def _removed(target: Target, rows: Ints, words: str) -> Attempt:
    return _added(target, np.empty((0, len(target.point))), words, np.delete(np.arange(target.dataset.num_rows), rows))


def _inserted_and_removed(target: Target, count: int) -> Iterator[Attempt]:
    """Yield rows inserted and removed, each in a part of its own: near-copies fall into different parts."""
    step = 1.0 if target.dataset.values == 2 else 1e-3
    near = np.abs(np.concatenate([target.point[None], target.point - step * np.eye(len(target.point))]))
    spread = [rows for rows in (near[_first_of_parts(target, near, count)], np.tile(near[0], (count, 1))) if len(rows)]
    for rows in spread:
        yield _added(target, rows, f"{len(rows)} near-copies of the point inserted as rivals")
    own = target.nearest(target.label)
    yield _removed(target, own[:count], f"{count} nearest own rows removed")
    apart = own[_first_of_parts(target, target.flat[own], count)]
    yield _removed(target, apart, f"{len(apart)} own rows of different parts removed")
    half = count // 2
    out, rows = own[:half], near[_first_of_parts(target, near, count - half)]
    kept = np.delete(np.arange(target.dataset.num_rows), out)
    yield _added(target, rows, f"{half} own rows removed, {len(rows)} near-copies inserted as rivals", kept)


def _first_of_parts(target: Target, rows: Floats, count: int) -> Ints:
    """Return the numbers of at most ``count`` rows of which no two reach the same model."""
    assert isinstance(target.defence, Partition)  # noqa: S101
    x = rows.reshape(-1, *target.dataset.shape).astype(np.float32)
    members = target.defence.members(x, np.zeros(len(x), np.int64))
    reached = np.array([np.isin(np.arange(len(x)), own) for own in members]).T  # by each row: (rows, models)
    taken = np.zeros(reached.shape[1], bool)
    chosen: list[int] = []
    for row, models in enumerate(reached):
        if len(chosen) < count and not (models & taken).any():
            chosen.append(row)
            taken |= models
    return np.array(chosen, np.int64)


def _triggered(target: Target, threat: Threat, count: int) -> Iterator[Attempt]:
    """Yield backdoors: a trigger on the most telling features of some rows and, where allowed, of the point."""
    own, rival, data = target.nearest(target.label), target.nearest(target.rival), target.dataset
    sized = threat.on_test and threat.any_trigger is None
    point = _stamped(target, target.point[None], "test", threat)[0] if sized else None
    groups = {"nearest own": own[:count], "farthest own": own[::-1][:count], "nearest rival": rival[:count]}
    for name, rows in groups.items():
        x, y = target.flat, data.y.copy()
        x[rows] = _stamped(target, x[rows], "features", threat)
        if threat.relabel:
            y[rows] = np.where(y[rows] == target.rival, target.label, target.rival)
        if not threat.relabel or name != "nearest rival":
            words = f"a trigger on the {len(rows)} {name} rows" + (", relabelled" if threat.relabel else "")
            yield Attempt(words, *target.attacked(x, y, point))
        if threat.relabel:
            yield Attempt(f"the {len(rows)} {name} rows relabelled", *target.attacked(None, y, point))


def _stamped(target: Target, x: Floats, slot: str, threat: Threat) -> Floats:
    """Put the trigger on: in L0 the most telling features go to the end of the scale, else a step of that length."""
    noises, size = getattr(target.defence, "slots", {}), threat.trigger_on(slot)
    noise = noises.get(slot, noises.get("test"))  # rows that count as lost need no noise on features
    if noise is not None and noise.norm != "L0":
        return x + size * _WITHIN * unit_step(target.away, noise.norm)
    telling = np.argsort(-np.abs(target.away), kind="stable")[: int(size)]
    out = x.copy()
    out[:, telling] = target.away[telling] > 0
    return out


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
        moved = point.copy()
        moved[numbers] = content[numbers]
        return moved

    def neighbours(chosen: Ints, point: Floats) -> Iterator[tuple[Ints, Floats]]:
        for place, end in product(groups[chosen].reshape(-1, 1), contents[1:3]):
            yield chosen, stamp(point, place, end)
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
