"""Every data set of tiny worlds, attacked in every way: no certificate of any discrete noise or method is violated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import comb
from typing import ClassVar

import numpy as np
import pytest
import torch
from ablation import Ablate
from exhaustive_rows import _multisets, exhaustive_rows

from rsbd.audit import exhaustive
from rsbd.audit.world import Coordinate, World
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.noises import Bagging, Flip, Gaussian, Noise, Partition
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes import rosenfeld
from rsbd.recipes.rosenfeld import LeastSquares
from rsbd.tradeoff import Tradeoff, flips


def tiny(rows: int, features: int = 1, values: int | None = 2, classes: int = 2) -> Dataset:
    x, y = np.zeros((rows, features), np.float32), np.arange(rows) % classes
    return Dataset("tiny", x, y, x[:1], y[:1], tuple("abc"[:classes]), values)


def nearest(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> int:
    return int(y[np.abs(x - point).sum(axis=1).argmin()]) if len(y) else 0


def majority(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> int:
    return int(np.bincount(y).argmax()) if len(y) else 0


def trigger(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> int:
    """What an attacker would wish for: 1 where test input and a row labelled 1 are both all ones."""
    return int(bool((point == 1).all()) and bool(((x == 1).all(axis=1) & (y == 1)).any()))


RULES = [nearest, majority, trigger]
F, A = Flip, Ablate
WORLDS = {
    "flips everywhere": (tiny(3), Smoothing(features=F("9/10"), labels=F("9/10"), test=F("9/10"))),
    "strong, below one half": (tiny(3), Smoothing(features=F("3/5"), labels=F("4/5"), test=F("1/10"))),
    "three values, three classes": (
        tiny(2, values=3, classes=3),
        Smoothing(features=F("9/10", 3), labels=F("9/10", 3), test=F("4/5", 3)),
    ),
    "features alone": (tiny(3, features=2), Smoothing(features=F("9/10"))),
    "labels alone": (tiny(7), Smoothing(labels=F("4/5"))),
    "test alone": (tiny(3, features=4), Smoothing(test=F("9/10"))),
    "a noise of one's own": (
        tiny(2, features=2),
        Smoothing(features=A(Fraction(1, 3)), labels=F("9/10"), test=A(Fraction(1, 3))),
    ),
    "bags": (tiny(4), Smoothing(rows=Bagging(2))),
    "larger bags": (tiny(5), Smoothing(rows=Bagging(3))),
    "BagFlip": (tiny(4), Smoothing(Bagging(2), F("9/10"), F("9/10"), F("9/10"))),
    "BagFlip, labels lost": (tiny(4), Smoothing(rows=Bagging(2), features=F("4/5"), test=F("9/10"))),
    "BagFlip, three values": (tiny(3, values=3), Smoothing(Bagging(2), F("9/10", 3), F("9/10"))),
}


def threats(smoothing: Smoothing) -> Iterator[Threat]:
    """Yield what the noise can face."""
    inside = smoothing.rows is not None
    for rows in (0, 1, 2):
        for size in (0, 1, 2):
            for relabel in {False, inside or smoothing.labels is not None}:
                for on_test in {False, smoothing.test is not None}:
                    threat = Threat(rows, size, relabel, on_test)
                    covered = inside or smoothing.features is not None or not (rows and size)
                    if covered and ((rows and (size or relabel)) or (size and on_test)):
                        yield threat


@pytest.mark.parametrize("name", WORLDS)
def test_no_certificate_is_violated(name: str) -> None:
    dataset, smoothing = WORLDS[name]
    certified = robust = 0
    for threat in threats(smoothing):
        for rule in RULES:
            found = exhaustive(dataset, smoothing, rule, threat)
            assert found.violation is None, found
            assert found.certified <= found.robust
            certified, robust = certified + found.certified, robust + found.robust
    assert 0 < certified <= robust


@pytest.mark.parametrize("method", [Bagging(1), Bagging(2), Partition(3), Partition(5), Partition(3, 2)], ids=repr)
@pytest.mark.parametrize("rule", [nearest, majority])
def test_rows_changed_inserted_and_removed(method: Bagging | Partition, rule: object) -> None:
    found = exhaustive_rows(tiny(4, values=3), method, rule, most=1)
    assert found.violation is None, found.violation
    assert found.datasets == 126
    assert 0 < found.certified <= found.robust


def test_rows_of_three_classes() -> None:
    """The runner-up is the largest of the others: the smallest would certify what one row turns."""
    found = exhaustive_rows(tiny(4, classes=3), Bagging(1), nearest, most=1)
    assert found.violation is None
    assert 0 < found.certified <= found.robust


def test_every_multiset_of_about_the_size_is_reached() -> None:
    for size, most, totals in ((4, 2, range(2, 7)), (2, 3, range(1, 6))):
        found = Counter(int(times.sum()) for times in _multisets(3, size, most))
        assert found == {total: comb(total + 2, 2) for total in totals}


def test_larger_radii_of_partitions() -> None:
    found = exhaustive_rows(tiny(6, values=3), Partition(7), majority, most=3)
    assert found.violation is None
    assert found.certified > 0


@pytest.mark.parametrize("keep", ["9/10", "19/20"])
def test_rosenfelds_claims(keep: str) -> None:
    """The recipe's own word for every label vector, against all votes of least squares on noised labels."""
    rng = np.random.default_rng(0)
    x = rng.random((9, 2)).astype(np.float32)
    data = Dataset("rows", x, (x[:, 0] > 0.5).astype(int), np.float32([[0.9, 0.5]]), [1], ("a", "b"))

    influence = LeastSquares.fit(data.x, 10.0).influence(data.x_test)[0]
    threat = Threat(rows=1, on_test=False)

    def rule(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> int:
        return int(influence @ y > 0.5)

    def claim(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> bool:
        return bool(rosenfeld(data.replace(y=y), keep=keep, penalty=10.0).certify(threat)[0])

    found = exhaustive(data, Smoothing(labels=Flip(keep)), rule, threat, claim)
    assert found.violation is None
    assert 0 < found.certified <= found.robust < found.datasets


@dataclass(frozen=True)
class Boaster(Noise):
    """Flips, with a trade-off that forgets every second change."""

    norm: ClassVar[str] = "L0"

    def shift(self, size: float) -> Tradeoff:
        return flips("9/10", 2, int(size) // 2)

    def sample(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return Flip("9/10").sample(x, generator)

    def outcomes(self, value: float) -> list[tuple[float, Fraction]]:
        return Flip("9/10").outcomes(value)


def test_a_wrong_tradeoff_is_caught_with_the_attack_that_shows_it() -> None:
    dataset, smoothing = tiny(3, features=3), Smoothing(test=Boaster())

    def both(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> int:
        return int(point.sum() >= 2)

    found = exhaustive(dataset, smoothing, both, Threat(trigger=1))
    assert "IS violated" in found.sentence
    assert found.violation is not None
    (_, _, clean), (_, _, attacked) = found.violation.centre, found.violation.attacked
    assert np.abs(clean - attacked).sum() == 1
    before, after = found.violation.before, found.violation.after
    assert sum(before) == sum(after) == 1
    assert np.argmax(before) != np.argmax(after)


def test_claims_that_are_too_bold_are_caught() -> None:
    dataset, smoothing = WORLDS["labels alone"]
    found = exhaustive(dataset, smoothing, majority, Threat(rows=1), lambda x, y, point: True)
    assert found.violation is not None
    (_, y, _), (_, attacked, _) = found.violation.centre, found.violation.attacked
    assert (y != attacked).sum() == 1
    bold = exhaustive_rows(tiny(4, values=3), _Bold(3), majority, most=1)
    assert bold.violation is not None


class _Bold(Partition):
    def radius(self, labels: np.ndarray, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
        label, radius = super().radius(labels, num_classes)
        return label, radius + 1


@pytest.mark.parametrize(
    "smoothing",
    [Smoothing(features=A(Fraction(1, 3))), Smoothing(Bagging(2), F("9/10")), Smoothing(Bagging(2))],
    ids=["noise", "BagFlip", "bags"],
)
def test_an_attack_may_change_all_that_the_threat_allows_and_no_more(smoothing: Smoothing) -> None:
    """Every set of coordinates, against the threat in plain words: 3 rows of 2 features, 3 labels, 2 test features."""
    lost = smoothing.rows is not None and smoothing.features is None

    every = np.indices((2,) * 11).reshape(11, -1).T == 1  # all sets of coordinates
    pixels, labels, test = every[:, :6].reshape(-1, 3, 2).sum(2), every[:, 6:9], every[:, 9:].sum(1)
    touched = ((pixels > 0) | labels).sum(1)

    def within(threat: Threat) -> np.ndarray:
        fits = (touched <= threat.rows) & (test <= threat.on_test * threat.trigger_on("test"))
        if lost and (threat.trigger_on("features") or threat.relabel):
            return fits
        return fits & (pixels.max(1) <= threat.trigger_on("features")) & (threat.relabel | ~labels.any(1))

    world = World(tiny(3, features=2), smoothing, majority)
    for rows, size, on, relabel, on_test in product((0, 1, 2), (0, 1), (1, 2), (False, True), (False, True)):
        threat = Threat(rows, {"features": size, "test": on}, relabel, on_test)
        reached = np.zeros(len(every), bool)
        for support in world.supports(threat):
            reached |= ~np.delete(every, support, axis=1).any(1)
        assert (reached == within(threat)).all(), threat


def test_what_carries_no_noise_stays_and_outcomes_add_up() -> None:
    x = np.float32([[0, 1], [1, 0], [1, 1]])
    data = tiny(3, features=2).replace(x=x)
    found = World(data, Smoothing(test=F("9/10")), majority).data((0,) * 9 + (1, 1))
    assert all(map(np.array_equal, found, (x, data.y, (1, 1))))
    assert World(data, Smoothing(Bagging(2)), majority).sizes == (2,) * 9 + (1, 1)

    class Listed(A):
        def outcomes(self, value: float) -> list[tuple[float, Fraction]]:
            return [(0.0, Fraction(1, 4)), (value, self.show), (0.0, Fraction(1, 4))]

    assert Coordinate.of((0.0, 1.0), Listed(Fraction(1, 2))).weights.tolist() == [[4, 0], [2, 2]]
    for show in ("1/4", "3/4"):
        with pytest.raises(InputError, match="do not add up to 1"):
            Coordinate.of((0.0, 1.0), Listed(Fraction(show)))


def test_runners_up_and_ties_are_looked_at() -> None:
    dataset, smoothing, threat = tiny(6, classes=3), Smoothing(labels=F("7/10", 3)), Threat(rows=1)
    votes, total = World(dataset, smoothing, majority).smoothed
    *_, second, top = np.sort(votes.reshape(3, -1), axis=0)
    law = smoothing.tradeoff(threat)
    pairs = [(Fraction(int(total - a), total), Fraction(int(b), total)) for a, b in zip(top, second, strict=True)]
    held = sum(law.certifies(*pair) for pair in pairs)
    assert exhaustive(dataset, smoothing, majority, threat).certified == held
    assert held > sum(law.certifies(miss, miss) for miss, _ in pairs)
    # An attack that ends in a tie has changed enough.
    even = exhaustive(tiny(1), Smoothing(labels=F("1/2")), majority, Threat(rows=1), lambda *_: True)
    assert even.robust == 0
    assert even.violation is not None


def test_the_world_against_a_direct_sum() -> None:
    dataset, smoothing = WORLDS["BagFlip"]
    votes, total = World(dataset, smoothing, trigger).smoothed
    assert (votes.sum(axis=0) == total).all()
    # The data set x = 1000, y = 1011, test 1: label 1 needs a copy of a row that shows (1, 1), and a test 1.
    chance = {(1, 1): Fraction(81, 100), (0, 0): Fraction(1, 100), (0, 1): Fraction(9, 100)}
    once = (chance[1, 1] + chance[0, 0] + 2 * chance[0, 1]) / 4
    truth = Fraction(9, 10) * (1 - (1 - once) ** 2)
    assert Fraction(int(votes[(1, 1, 0, 0, 0, 1, 0, 1, 1, 1)]), total) == truth


@pytest.mark.parametrize(
    ("dataset", "smoothing", "message"),
    [
        (tiny(3), Smoothing(test=Gaussian(1.0)), "no list of outcomes"),
        (tiny(3, values=None), Smoothing(test=Flip("4/5")), "continuous"),
        (tiny(30), Smoothing(labels=Flip("4/5")), "take fewer rows"),
    ],
)
def test_what_cannot_be_enumerated_is_refused(dataset: Dataset, smoothing: Smoothing, message: str) -> None:
    threat = Threat(trigger=1) if smoothing.test else Threat(rows=1)
    with pytest.raises(InputError, match=message):
        exhaustive(dataset, smoothing, majority, threat)


@pytest.mark.parametrize(
    "smoothing",
    [
        Smoothing(features=Flip("4/5"), test=Flip("9/10")),
        Smoothing(features=Ablate(Fraction(1, 3)), test=Flip("7/10")),
        Smoothing(rows=Bagging(2), test=Flip("9/10")),
    ],
    ids=["flips", "a noise of one's own", "bags"],
)
def test_certified_confidence(smoothing: Smoothing) -> None:
    """The average of a score with levels 0, 1/3, 2/3, 1, after every attack, is no lower than its levels promise."""
    dataset = tiny(3, classes=4)  # the label that the rule gives is the level of the score
    gained = 0
    for rule in (lambda x, y, point: int(x.sum()), lambda x, y, point: int(3 * (x[:, 0] == point[0]).mean())):
        world = World(dataset, smoothing, rule)
        votes, total = world.smoothed
        reached = votes[::-1].cumsum(axis=0)[::-1][1:]  # score at least 1/3, 2/3, 1
        average = reached.sum(axis=0)
        for threat in (Threat(1, 1, False, False), Threat(1, 1, False, True), Threat(2, 1, False, True)):
            law = smoothing.tradeoff(threat, 3)
            lower = {int(p): law.lower(Fraction(int(p), total)) * total for p in np.unique(reached)}
            bound = np.vectorize(lower.__getitem__, otypes=[object])(reached).sum(axis=0)
            for support in set(world.supports(threat)):
                assert (average.min(axis=support, keepdims=True) >= bound).all()
            gained += int((bound > 0).sum())
    assert gained > 0
