"""A world of data sets small enough to enumerate, with the exact vote of the smoothed classifier on each."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from itertools import combinations, product
from math import inf, lcm, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.noises import Noise, Smoothing, Threat

# Largest number of data sets, and of outcomes of the noise on one, that is enumerated.
MOST_DATASETS = 1 << 18

Array = NDArray[Any]
# Features (rows, features), labels (rows,) and a test input (features,).
Data = tuple[Array, Array, Array]
# A base classifier: from the features, labels and test input that a model sees to a label.
Rule = Callable[[Array, Array, Array], int]


@dataclass(frozen=True, eq=False)
class Coordinate:
    """One coordinate: its values in the data, its values after noise, and how often each occurs, in whole numbers."""

    values: tuple[float, ...]
    seen: tuple[float, ...]
    weights: Array  # (values, seen)
    unit: int  # sum of each row

    @classmethod
    def of(cls, values: tuple[float, ...], noise: Noise | None) -> "Coordinate":
        """Return the coordinate with all outcomes of its noise."""
        if noise is None:
            return cls(values, values, np.eye(len(values), dtype=object).astype(int).astype(object), 1)
        laws = [list(noise.outcomes(value)) for value in values]
        if any(sum(chance for _, chance in law) != 1 for law in laws):
            raise InputError(f"the outcomes of {noise!r} do not add up to 1", "give every one its Fraction")
        seen = tuple(sorted({out for law in laws for out, _ in law}))
        unit = lcm(*(chance.denominator for law in laws for _, chance in law))
        weights = np.zeros((len(values), len(seen)), dtype=object)
        for i, law in enumerate(laws):
            for out, chance in law:
                weights[i, seen.index(out)] += chance.numerator * (unit // chance.denominator)
        return cls(values, seen, weights, unit)


@dataclass(frozen=True, eq=False)
class World:
    """All data sets of a shape; coordinates without noise keep their value, unless rows are drawn at random.

    Parameters
    ----------
    dataset : Dataset
        Gives the numbers of rows, features, classes and levels, the test point, and the values that stay.
    smoothing : Smoothing
        Noises with ``outcomes``.
    rule : callable
        The base classifier.
    trigger : AnyTrigger, optional
        What an attacker may write on the test input, whose values then are all in the world.
    """

    dataset: Dataset
    smoothing: Smoothing
    rule: Rule
    trigger: AnyTrigger | None = None

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of values of every coordinate: features row by row, labels, the test input."""
        return tuple(len(axis.values) for axis in self.axes(range(self.dataset.num_rows)))

    def axes(self, rows: range) -> list[Coordinate]:
        """Return the coordinates of that many rows and of the test input."""
        d, s = self.dataset, self.smoothing
        x, point = d.x.reshape(d.num_rows, -1), d.x_test[0].ravel()

        def axis(slot: str, levels: tuple[float, ...], own: float) -> Coordinate:
            moves = slot in s.slots or (s.rows is not None if slot != "test" else self.trigger is not None)
            return Coordinate.of(levels if moves else (own,), s.slots.get(slot))

        levels = () if d.values is None else tuple(j / (d.values - 1) for j in range(d.values))
        if not levels and (self.trigger or {"features", "test"} & set(s.slots)):
            raise InputError(f"{d.name} is continuous", "its data sets cannot be written out, so give levels")
        labels = tuple(range(d.num_classes))
        own = [min(row, d.num_rows - 1) for row in rows]
        features = [axis("features", levels, float(value)) for row in own for value in x[row]]
        named = [axis("labels", labels, int(d.y[row])) for row in own]
        return [*features, *named, *(axis("test", levels, float(value)) for value in point)]

    def split(self, values: Array | tuple[float, ...], rows: int) -> Data:
        """Split coordinates into features, labels and test input."""
        flat, here = np.asarray(values), rows * self.dataset.num_features
        x, y = flat[:here].reshape(rows, -1), flat[here : here + rows].astype(np.int64)
        return x, y, flat[here + rows :]

    def data(self, state: tuple[int, ...]) -> Data:
        """Return the data set whose coordinates have these numbers among their values."""
        axes = self.axes(range(self.dataset.num_rows))
        return self.split(tuple(a.values[i] for a, i in zip(axes, state, strict=True)), self.dataset.num_rows)

    @cached_property
    def smoothed(self) -> tuple[Array, int]:
        """Chances of each label for every data set, in whole numbers (classes, *sizes), and their sum."""
        return self._chances(self.rule, self.dataset.num_classes)

    @cached_property
    def evidence(self) -> tuple[Array, Array]:
        """How often each label is given and no trigger moves it, and how often it is given or some trigger leads to it.

        For every data set, in whole numbers: both (classes, *sizes).
        """
        if self.trigger is None:
            return (self.smoothed[0],) * 2
        classes, written = range(self.dataset.num_classes), cache(partial(triggered, self.dataset, self.trigger))

        def labels(x: Array, y: Array, point: Array) -> int:
            return sum(1 << label for label in {int(self.rule(x, y, p)) for p in written(tuple(point.tolist()))})

        sets = self._chances(labels, 1 << len(classes))[0]  # labels are the bits of a set's number
        reached = [sets[[bits for bits in range(len(sets)) if bits >> c & 1]].sum(axis=0) for c in classes]
        return sets[[1 << c for c in classes]], np.stack(reached)

    @cached_property
    def centres(self) -> Array:
        """True for data sets that can be certified: all, or those with as many rows of each class as the noise says."""
        wanted = getattr(self.smoothing.rows, "sizes", None)
        if wanted is None:
            return np.ones(self.sizes, bool)
        _, labels, _ = self._indices()
        match = [(labels == c).sum(0) == size for c, size in enumerate(wanted)]
        return np.asarray(np.all(match, axis=0).reshape(self.sizes))

    def _chances(self, rule: Rule, answers: int) -> tuple[Array, int]:
        """Return the chances of each answer of a rule for every data set, and their sum."""
        rows = self.smoothing.rows
        listed: Any = getattr(rows, "outcomes", None)
        if rows is not None and listed is None:
            raise InputError(f"{rows!r} does not list its bags", "give it outcomes(labels)")
        inside, unit = self._noised(self.dataset.num_rows if rows is None else rows.size, rule, answers)
        if rows is None:
            return inside.astype(object), unit
        features, labels, test = self._indices()
        given = [list(listed(y)) for y in product(range(self.dataset.num_classes), repeat=self.dataset.num_rows)]
        whole = lcm(*(chance.denominator for some in given for _, chance in some))
        inside = inside.astype(_exact(unit * whole))
        votes = np.zeros((len(inside), labels.shape[1]), inside.dtype)
        bags: dict[Any, Array] = defaultdict(lambda: np.zeros(len(given), inside.dtype))
        for number, some in enumerate(given):
            for bag, chance in some:
                bags[bag][number] += int(chance * whole)
        numbers = np.ravel_multi_index(tuple(labels), (self.dataset.num_classes,) * self.dataset.num_rows)
        for bag, weights in bags.items():
            seen = [*features[list(bag)].reshape(-1, labels.shape[1]), *labels[list(bag)], *test]
            votes += inside[(slice(None), *seen)] * weights[numbers]
        return votes.reshape(len(inside), *self.sizes).astype(object), unit * whole

    def supports(self, threat: Threat) -> Iterator[tuple[int, ...]]:
        """Yield the largest sets of coordinates that one attack within the threat may change."""
        n, f, slots = self.dataset.num_rows, self.dataset.num_features, self.smoothing.slots
        size, rows_lost = threat.trigger_on("features"), self.smoothing.rows is not None and "features" not in slots
        wholly = size == inf or (rows_lost and bool(size or threat.relabel))
        spots = [tuple(range(f))] if wholly else list(combinations(range(f), min(int(size), f)))
        any_trigger, most = threat.any_trigger, threat.trigger_on("test") if threat.on_test else 0
        written = [] if any_trigger is None else _spots(self.dataset, any_trigger)
        on_test = written or list(combinations(range(f), min(int(most), f)))
        for rows in combinations(range(n), min(threat.rows, n)):
            labels = tuple(n * f + row for row in rows) if threat.relabel or wholly else ()
            for where in product(spots, repeat=len(rows)):
                x = tuple(row * f + i for row, spot in zip(rows, where, strict=True) for i in spot)
                for spot in on_test:
                    yield x + labels + tuple(n * (f + 1) + i for i in spot)

    def _noised(self, rows: int, rule: Rule, answers: int) -> tuple[Array, int]:
        axes = self.axes(range(rows))
        shape = tuple(len(axis.seen) for axis in axes)
        if max(prod(shape), prod(self.sizes)) > MOST_DATASETS:
            many = f"{prod(self.sizes):,} data sets and {prod(shape):,} noised ones are more than {MOST_DATASETS:,}"
            raise InputError(many, "take fewer rows, features or values")
        models = np.reshape([rule(*self.split(seen, rows)) for seen in product(*(axis.seen for axis in axes))], shape)
        unit = prod(axis.unit for axis in axes)
        votes: Array = np.stack([models == c for c in range(answers)]).astype(int).astype(_exact(unit))
        for i, axis in enumerate(axes, start=1):
            votes = np.moveaxis(np.tensordot(axis.weights.astype(votes.dtype), votes, axes=(1, i)), 0, i)
        return votes, unit

    def _indices(self) -> tuple[Array, Array, Array]:
        """Return the indices of all values in every data set: features (rows, features, sets), labels, the test input.

        Labels have the shape (rows, sets), the test input has (features, sets).
        """
        n, f = self.dataset.num_rows, self.dataset.num_features
        at = np.indices(self.sizes).reshape(len(self.sizes), -1)
        return at[: n * f].reshape(n, f, -1), at[n * f : n * (f + 1)], at[n * (f + 1) :]


def _exact(total: int) -> type:
    """Return the type of arrays in which whole numbers up to `total` add up exactly."""
    return np.int64 if total < 1 << 63 else object


def triggered(dataset: Dataset, trigger: AnyTrigger, point: Sequence[float]) -> list[Array]:
    """Return all versions of a point with a trigger whose values are levels of the data set; first the point itself."""
    found = {tuple(point): None}  # in this order
    assert dataset.values is not None  # noqa: S101
    levels = [j / (dataset.values - 1) for j in range(dataset.values)]
    for spot in _spots(dataset, trigger):
        for content in product(levels, repeat=len(spot)):
            new = np.array(point)
            new[list(spot)] = content
            found[tuple(new.tolist())] = None
    return [np.array(each) for each in found]


def _spots(dataset: Dataset, trigger: AnyTrigger) -> list[tuple[int, ...]]:
    """Return the features of an input that one trigger may change, for each choice of them."""
    groups, changes = trigger.groups(dataset.shape)
    return [tuple(groups[list(some)].ravel().tolist()) for some in combinations(range(len(groups)), changes)]
