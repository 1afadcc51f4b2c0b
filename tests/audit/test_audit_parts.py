"""What attacks and their judges are made of: each attempt as large as it says, each judge the defence itself."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest
from exact_judges import Nearest, NoisedLabels
from sklearn.dummy import DummyClassifier

from rsbd.audit import Change, PartitionVotes, apply_changes, candidates
from rsbd.audit.attempts import length_attempts, row_attempts
from rsbd.audit.changes import distinct
from rsbd.audit.judges import Judge, Retrained, Target, judge_of
from rsbd.data import Dataset, load
from rsbd.learners import Linear, Sklearn
from rsbd.noises import Bagging, Flip, Gaussian, Partition, Uniform
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes.rosenfeld import LeastSquares

BITS = load("digits", side=8, classes=(0, 1), rows=60, points=30)
REAL = load("digits", side=8, view="unit", classes=(0, 1), rows=60, points=30)
FEW = load("digits", side=8, view="unit", classes=(0, 1, 2), rows=7, points=4)


def target(data: Dataset, defence: Any, norm: str, size: float, threat: Threat | None = None) -> Target:
    slots = ("rows",) if "rows" in norm else tuple(defence.slots)
    ask = judge_of(defence, Linear(), {})
    return Target(
        data, defence, ask, data.x_test[:1], int(data.y_test[0]), 1 - int(data.y_test[0]), norm, slots, size, threat
    )


@pytest.mark.parametrize("norm", ["L1", "L2"])
@pytest.mark.parametrize("slots", [{"test"}, {"features"}, {"features", "test"}], ids=["test", "features", "both"])
def test_every_attempt_is_as_long_as_the_radius(norm: str, slots: set[str]) -> None:
    noise = Gaussian(0.5) if norm == "L2" else Uniform(2)
    made = list(length_attempts(target(REAL, Smoothing(**dict.fromkeys(slots, noise)), norm, 0.75)))
    moved = set()
    for attempt in made:
        steps = attempt.dataset.x.astype(np.float64) - REAL.x, attempt.x.astype(np.float64) - REAL.x_test[:1]
        moved |= {name for name, step in zip(("features", "test"), steps, strict=True) if step.any()}
        every = np.concatenate([step.ravel() for step in steps])
        assert 0.75 * (1 - 1e-4) < np.linalg.norm(every, 1 if norm == "L1" else 2) <= 0.75, attempt.words
    assert moved == slots
    assert len(made) == 3 * ("test" in slots) + 21 * len(slots & {"features"}) + 21 * (len(slots) == 2)


def rows_of(data: Dataset) -> list[bytes]:
    return [row.tobytes() + bytes([label]) for row, label in zip(data.x, data.y, strict=True)]


def test_every_attempt_changes_as_many_rows_as_the_radius() -> None:
    before = Counter(rows_of(BITS))
    norms = (("inserted rows", 5), ("removed rows", 5), ("rows in or out", 7), ("rows in place", 5))
    for norm, most in (("rows", 5), ("rows", 40), *norms):
        defence = Partition(10) if norm in ("rows in or out", "rows in place") else Smoothing(Bagging(10))
        seen = []
        for attempt in row_attempts(target(BITS, defence, norm, most)):
            after = Counter(rows_of(attempt.dataset))
            come, gone = (after - before).total(), (before - after).total()
            seen.append(come + gone if norm == "rows in or out" else max(come, gone))
            assert norm != "inserted rows" or not gone
            assert norm != "rows in place" or len(attempt.dataset.y) == 60
            assert gone == most or "nearest own rows removed" not in attempt.words
            if len(attempt.dataset.y) == 60:
                step = (attempt.dataset.x - BITS.x).reshape(60, -1) @ target(BITS, defence, norm, most).away
                assert step.sum() > 0 or "unlike their class" not in attempt.words
                assert step.sum() < 0 or "look like the class" not in attempt.words
            assert norm != "removed rows" or not come
            if come and norm in ("inserted rows", "rows in or out"):
                assert {row[-1] for row in after - before} == {target(BITS, defence, norm, most).rival}
        assert max(seen) == most >= min(seen) > 0


@pytest.mark.parametrize("relabel", [False, True])
@pytest.mark.parametrize("on_test", [False, True])
def test_every_trigger_is_as_large_as_the_threat_in_the_norm_of_its_slot(relabel: bool, on_test: bool) -> None:
    defence = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Gaussian(0.5))
    threat = Threat(trigger={"features": 3, "test": 0.5}, relabel=relabel, on_test=on_test)
    widest, relabelled = 0, 0
    aim = target(BITS, defence, "rows", 5, threat)
    for attempt in row_attempts(aim):
        pixels = (attempt.dataset.x != BITS.x).reshape(60, -1).sum(axis=1)
        turned = attempt.dataset.y != BITS.y
        assert ((pixels > 0) | turned).sum() <= 5
        assert pixels.max() <= 3
        widest, relabelled = max(widest, int(pixels.max())), max(relabelled, int(turned.sum()))
        assert turned.sum() == 5 * ("relabelled" in attempt.words)
        step = (attempt.x - BITS.x_test[:1]).ravel()
        assert np.linalg.norm(step) == pytest.approx(0.5 * on_test, rel=1e-4)
        assert (step @ aim.away > 0) == on_test
    assert (widest, relabelled) == (3, 5 * relabel)


@pytest.mark.parametrize("keep", [0.8, 0.2])
@pytest.mark.parametrize("classes", [2, 3])
def test_noised_labels_are_judged_and_weighed_as_all_of_them_would_be(keep: float, classes: int) -> None:
    data = load("digits", side=8, view="unit", classes=range(classes), rows=7, points=5)
    noise = Flip(keep, classes)
    ask = NoisedLabels(noise, penalty=0.3)
    influence = LeastSquares.fit(data.x, 0.3).influence(data.x_test)
    every = np.array(list(product(range(classes), repeat=7)))
    away = (1 - keep) / (classes - 1)
    chance = np.where(every == data.y, keep, away).prod(axis=1)
    scores = np.stack([influence @ (every == c).T for c in range(classes)])
    vote = scores.argmax(axis=0) if classes > 2 else (scores[1] > 0.5).astype(int)
    exact = np.stack([(vote == c) @ chance for c in range(classes)], axis=1)
    assert ask(data, data.x_test, 20_000, 0) == pytest.approx(exact, abs=0.02)
    # What a new label costs of the expected lead.
    labels, rivals = np.array([0, 1, 0, 1, 0]), np.array([1, 0, 1, 0, 1])
    single = list(candidates(data, Smoothing(labels=noise)))

    def lead(y: np.ndarray) -> np.ndarray:
        expected = np.stack([influence @ np.where(y == c, keep, away) for c in range(classes)])
        return expected[labels, range(5)] - expected[rivals, range(5)]

    lost = [lead(data.y) - lead(apply_changes(data, data.x_test, [change])[0].y) for change in single]
    found = ask.losses(data, data.x_test, labels, rivals, single, 1, 0)
    assert found * abs(keep - away) == pytest.approx(np.array(lost))


def test_a_margin_is_four_standard_deviations_at_most() -> None:
    voters: list[Judge] = [Retrained(Smoothing(labels=Flip(0.8)), Linear()), NoisedLabels(Flip(0.8), 1.0)]
    assert [voter.margin(400) for voter in voters] == [0.2, 0.2]  # a difference of shares has 1 / 20 each
    assert PartitionVotes(Partition(2), Linear()).margin(400) == 0


def test_ties_of_parts_go_to_the_lowest_label() -> None:
    first, second = Partition(2).members(BITS.x, BITS.y)
    chosen = [
        part[BITS.y[part] == c][:n] for part, c, n in ((first, 1, 2), (first, 0, 1), (second, 0, 2), (second, 1, 1))
    ]
    few = BITS.replace(x=BITS.x[np.concatenate(chosen)], y=BITS.y[np.concatenate(chosen)])
    majority = Sklearn(DummyClassifier(strategy="most_frequent"))
    (shares,) = PartitionVotes(Partition(2), majority)(few, BITS.x_test[:1], 1, 0)
    assert shares == pytest.approx([0.5, 0.5])
    assert shares[0] > shares[1]


def test_candidates_are_all_labels_all_pixels_and_a_row_of_each_class() -> None:
    def found(data: Dataset, slot: str, noise: Flip) -> list[Change]:
        return list(candidates(data, Smoothing(**{slot: noise})))

    gray = load("digits", side=8, view="gray", classes=(0, 1, 2), rows=7, points=4)
    ends = {(change.feature, change.value) for change in found(gray, "test", Flip(0.8, 17))}
    assert ends == set(product(range(64), (0.0, 1.0)))
    bits = {(change.feature, change.value) for change in found(BITS, "test", Flip(0.8))}
    assert bits == set(product(range(64), (-1.0,)))
    labels = [(change.row, change.value) for change in found(gray, "labels", Flip(0.8, 3))]
    assert labels == [(row, c) for row in range(7) for c in range(3) if c != gray.y[row]]
    flat, tried = gray.x.reshape(7, -1), Counter[tuple[int, int, float]]()
    for change in found(gray, "features", Flip(0.8, 17)):
        assert flat[change.row, change.feature] != change.value
        tried[int(gray.y[change.row]), change.feature, change.value] += 1
    there = {(int(gray.y[i]), j, end) for i, j, end in product(range(7), range(64), (0.0, 1.0)) if flat[i, j] != end}
    assert tried == Counter(there)


def test_changes_are_made_and_told_apart() -> None:
    gray, x = (
        load("digits", side=8, view="gray", classes=(0, 1), rows=7, points=4),
        np.full((2, 8, 8), 0.25, np.float32),
    )
    data, attacked = apply_changes(
        gray, x, [Change("test", 0, 5, 1.0), Change("test", 0, 6, -1.0), Change("labels", 3, 0, 1.0)]
    )
    assert attacked.reshape(2, -1)[:, 4:7].tolist() == [[0.25, 1.0, 0.75]] * 2
    assert data.y[3] == 1
    same = [Change("features", 0, 1, 0.0), Change("features", 0, 1, 1.0), Change("features", 1, 1, 0.0)]
    more = [*same, Change("features", 1, 2, 0.0)]
    assert [distinct(more, count) for count in (0, 1, 2, 9)] == [[], more[:1], more[:3:2], [more[i] for i in (0, 2, 3)]]


def test_a_target_knows_what_is_near_and_which_way_is_worst() -> None:
    aim = target(REAL, Smoothing(test=Gaussian(0.5)), "L2", 1.0)
    own = aim.nearest(aim.label)
    gaps = [float(np.linalg.norm(REAL.x[row] - aim.x[0])) for row in own]
    assert (REAL.y[own] == aim.label).all()
    assert len(own) == (REAL.y == aim.label).sum()
    assert gaps == sorted(gaps)

    means = [REAL.x[REAL.y == c].mean(axis=0).ravel() for c in (aim.label, aim.rival)]
    assert aim.away @ (means[1] - means[0]) > 0
    blind = Target(
        *(getattr(aim, f) for f in ("dataset", "defence")),
        Nearest(0.5),
        aim.x,
        aim.label,
        aim.rival,
        "L2",
        ("test",),
        1.0,
    )
    assert blind.away == pytest.approx(means[1] - means[0])


def test_length_attacks_go_against_the_label() -> None:
    """On the point, and rows of its class away from it, and those of the rival towards it."""
    aim = target(REAL, Smoothing(features=Gaussian(0.5), test=Gaussian(0.5)), "L2", 0.75)
    rival = aim.flat[aim.nearest(aim.rival)]
    nearer = [np.linalg.norm(aim.point - rival[0]), np.linalg.norm(aim.point - rival.mean(axis=0))]
    on_point = [
        attempt
        for attempt in length_attempts(aim)
        if attempt.words.endswith(", on the point") and ";" not in attempt.words
    ]
    steps = [attempt.x.ravel() - aim.point for attempt in on_point]
    assert steps[0] @ aim.away > 0
    assert np.linalg.norm(aim.point + steps[1] - rival[0]) < nearer[0]
    assert np.linalg.norm(aim.point + steps[2] - rival.mean(axis=0)) < nearer[1]
    for attempt in length_attempts(aim):
        if "towards the point" in attempt.words and ";" not in attempt.words:
            before, after = (np.linalg.norm(x.reshape(60, -1) - aim.point, axis=1) for x in (REAL.x, attempt.dataset.x))
            assert (after[REAL.y == aim.rival] <= before[REAL.y == aim.rival]).all(), attempt.words
            assert (after[REAL.y == aim.label] >= before[REAL.y == aim.label]).all(), attempt.words
            assert (after != before).any()


def test_dealt_rows_come_and_go_in_parts_of_their_own() -> None:
    partition = Partition(10)
    aim = target(BITS, partition, "rows in or out", 6)
    members = [set(part.tolist()) for part in partition.members(BITS.x, BITS.y)]
    kinds = {attempt.words: attempt.dataset for attempt in row_attempts(aim)}
    (apart,) = (data for words, data in kinds.items() if "of different parts removed" in words)
    left = Counter(rows_of(apart))
    gone = [i for i, row in enumerate(rows_of(BITS)) if not left[row]]
    assert len(gone) == 6
    assert all(len(part & set(gone)) <= 1 for part in members)
    (mixed,) = (data for words, data in kinds.items() if words.startswith("3 own rows removed, 3 near-copies"))
    assert len(mixed.y) == 60
    assert (Counter(rows_of(BITS)) - Counter(rows_of(mixed))).total() == 3
