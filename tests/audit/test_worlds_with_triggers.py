"""Certificates against triggers on tiny worlds, written out: every data set, every bag or noise, every attack.

Models score each class by the sum of its rows, each feature counted as 1 or -1. For every data set and every test point
the exact probabilities of keeping and reaching classes are certified with the exact trade-off. Then every change of the
training set within the threat is combined with every content of every trigger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, cached_property
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from rsbd import AnyPatch, AnyPixels, Bagging, Flip, Smoothing, Threat
from rsbd.audit.world import Array, World
from rsbd.data import Dataset
from rsbd.evasion import AnyTrigger
from rsbd.evasion.linear import reached_classes

Point = tuple[int, ...]


@cache
def reached(weights: tuple[Point, ...], x: Point, trigger: AnyTrigger, shape: tuple[int, ...]) -> tuple[int, set[int]]:
    """Return the label of a point and the classes in reach of a trigger; the label alone if it is kept."""
    w, point = torch.tensor([weights], dtype=torch.float64), torch.tensor([x], dtype=torch.float64)
    nothing, scores = torch.zeros(1, len(weights), dtype=torch.float64), (w[0] @ point[0]).tolist()
    label = scores.index(max(scores))
    (found,) = reached_classes((w, nothing, nothing), torch.tensor([[label]]), point, [trigger], shape)
    return label, set(found[0, 0].nonzero().flatten().tolist())


def models(x: Array, y: Array, classes: int) -> tuple[Point, ...]:
    signs = 2 * x.astype(int) - 1
    return tuple(tuple(signs[y == c].sum(0).tolist()) for c in range(classes))


@dataclass(frozen=True, eq=False)
class Tried:
    """All data sets and points of a world, certified and attacked."""

    dataset: Dataset
    smoothing: Smoothing
    trigger: AnyTrigger
    rows: int = 1  # changed by the attacker
    limits: Mapping[str, Any] = field(default_factory=dict)  # on what changes of them
    by_window: bool = False

    @property
    def classes(self) -> int:
        return self.dataset.num_classes

    @cached_property
    def points(self) -> list[Point]:
        return list(product((0, 1), repeat=self.dataset.num_features))

    def chances(self, x: Point, event) -> Array:
        """Return how often models of each data set do something with a point: votes of its outcomes 0, 1, ..."""
        world = World(
            replace(self.dataset, x_test=np.array([x], np.float32).reshape(1, *self.dataset.shape)),
            self.smoothing,
            lambda rows, y, _: event(models(rows, y, self.classes)),
        )
        return world.smoothed[0]

    @cached_property
    def votes(self) -> dict[Point, Array]:
        shape = self.dataset.shape
        return {x: self.chances(x, lambda w, x=x: reached(w, x, self.trigger, shape)[0]) for x in self.points}

    def share(self, x: Point, trigger: AnyTrigger, wanted) -> Array:
        """Return how often the label and the reached classes are as wanted."""
        return self.chances(x, lambda w: int(wanted(*reached(w, x, trigger, self.dataset.shape))))[1]

    def triggered(self, x: Point) -> Iterator[Point]:
        groups, changes = self.trigger.groups(self.dataset.shape)
        assert changes == 1
        yield x
        for group in groups:
            for content in product((0, 1), repeat=len(group)):
                point = np.array(x)
                point[group] = content
                yield tuple(point.tolist())

    @cached_property
    def robust(self) -> dict[Point, Array]:
        """Return for each point whether any attack changes its label, by trying all of them."""
        some = World(self.dataset, self.smoothing, lambda *_: 0)
        size = {"features": self.limits.get("features", self.dataset.num_features)}
        threat = Threat(self.rows, size, self.limits.get("relabel", True), on_test=False)
        supports = {(), *some.supports(threat)}
        found = {}
        for x in self.points:
            label, holds = self.votes[x].argmax(0), np.ones(self.votes[x].shape[1:], bool)
            for there in set(self.triggered(x)):
                votes = self.votes[there]
                lead = np.stack([
                    votes[c] - np.delete(votes, c, 0).max(0) for c in range(self.classes)
                ])  # fmt: skip
                for support in supports:
                    lowest = lead.min(axis=tuple(axis + 1 for axis in support), keepdims=True) if support else lead
                    mine = np.take_along_axis(np.broadcast_to(lowest, lead.shape), label[None], 0)[0]
                    holds &= mine > 0
            found[x] = holds
        return found

    def certified(self, runner_up: bool = False) -> dict[Point, Array]:
        """Return for each point whether its exact probabilities are certified."""
        law = self.smoothing.tradeoff(self.threat, self.dataset.num_rows, self.trigger)

        @cache
        def proves(miss: int, second: int, total: int) -> bool:
            return law.certifies(Fraction(miss, total), Fraction(second, total))

        windows = self.trigger.windows(self.dataset.shape) if self.by_window else (self.trigger,)
        found = {}
        for x in self.points:
            total, label = int(self.votes[x].sum(0).flat[0]), self.votes[x].argmax(0)
            holds = np.ones(label.shape, bool)
            for window in windows:
                miss = np.stack(
                    [
                        total - self.share(x, window, lambda own, all_, c=c: own == c and all_ == {c})
                        for c in range(self.classes)
                    ]
                )
                second = miss
                if runner_up:
                    reach = [self.share(x, window, lambda _, all_, b=b: b in all_) for b in range(self.classes)]
                    second = np.stack([np.delete(reach, c, 0).max(0) for c in range(self.classes)])
                    assert (second <= miss).all()
                here = (np.take_along_axis(array, label[None], 0)[0].ravel() for array in (miss, second))
                pairs = zip(*here, strict=True)
                holds &= np.array([proves(int(m), int(s), total) for m, s in pairs]).reshape(holds.shape)
            found[x] = holds
        return found

    @property
    def threat(self) -> Threat:
        size = self.limits.get("features")
        put = self.trigger if size is None else {"features": size, "test": self.trigger}
        return Threat(self.rows, put, self.limits.get("relabel", True))

    def counted(self, runner_up: bool = False) -> tuple[int, int, int]:
        """Check that no certificate is wrong; return the numbers of certified, of robust and of all predictions."""
        certified = self.certified(runner_up)
        for x in self.points:
            assert not (certified[x] & ~self.robust[x]).any()
        every = [sum(int(part.sum()) for part in parts.values()) for parts in (certified, self.robust)]
        return every[0], every[1], sum(part.size for part in certified.values())


def world(rows: int, shape: tuple[int, ...], classes: int = 2, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 2, (rows, *shape)).astype(np.float32), rng.integers(0, classes, rows)
    return Dataset("tiny", x, y, x[:1], y[:1], tuple("abc"[:classes]), values=2)


@pytest.mark.parametrize(
    ("rows", "shape", "size", "trigger", "classes"),
    [
        (4, (1, 2), 2, AnyPatch(1), 2),
        (4, (1, 2), 2, AnyPatch(1, (0, 1)), 2),
        (4, (1, 2), 1, AnyPatch(1), 2),
        (4, (2,), 2, AnyPixels(1), 2),
        (3, (3,), 1, AnyPixels(1), 2),
        (3, (1, 2), 1, AnyPatch(1), 3),
    ],
)
def test_no_certificate_of_bags_is_violated(
    rows: int, shape: tuple[int, ...], size: int, trigger: AnyTrigger, classes: int
) -> None:
    tried = Tried(world(rows, shape, classes), Smoothing(rows=Bagging(size)), trigger)
    certified, robust, every = tried.counted()
    assert 0 < certified <= robust < every
    assert (certified == robust) == (size == 1)  # with bags of one row, all that is true is proved


@pytest.mark.parametrize(
    ("rows", "noise", "limits"),
    [
        (5, Smoothing(labels=Flip("9/10")), {"features": 0}),
        (3, Smoothing(features=Flip("9/10")), {"features": 1, "relabel": False}),
        (3, Smoothing(rows=Bagging(1), features=Flip("9/10"), labels=Flip("9/10")), {"features": 1}),
        (3, Smoothing(rows=Bagging(1), labels=Flip("9/10")), {}),
    ],
    ids=["labels", "features", "bags", "bags, wholly"],
)
def test_no_certificate_of_other_noises_is_violated(rows: int, noise: Smoothing, limits: Mapping[str, Any]) -> None:
    certified = robust = 0
    for seed in range(2):
        found = Tried(world(rows, (1, 2), seed=seed), noise, AnyPatch(1), 1, limits).counted()
        certified, robust = certified + found[0], robust + found[1]
    assert 0 < certified <= robust < 2 * certified


@pytest.mark.parametrize(("classes", "rows"), [(2, 3), pytest.param(3, 2, marks=pytest.mark.slow)])
def test_windows_by_themselves_and_runners_up_prove_more(classes: int, rows: int) -> None:
    tried = Tried(world(rows, (1, 2), classes), Smoothing(rows=Bagging(2)), AnyPatch(1), rows=0)
    each = replace(tried, by_window=True)
    plain, second, window, both = (one.counted(r)[0] for one in (tried, each) for r in (False, True))
    robust = sum(int(part.sum()) for part in tried.robust.values())
    assert plain < window <= both <= robust
    assert (plain < second, window < both) == (classes > 2, classes > 2)
    assert both == robust  # by window, all that is true is proved
