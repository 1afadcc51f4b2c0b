"""Partitions: the published radii, every attack on small ones, and one row that reaches few models."""

from __future__ import annotations

import json
import os
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest

from rsbd.data import Dataset, load
from rsbd.errors import InputError
from rsbd.learners import MLP
from rsbd.noises import Partition
from rsbd.noises.smoothing import Smoothing
from rsbd.recipes import dpa

VECTORS = os.environ.get("RSBD_VECTORS")
needs_vectors = pytest.mark.skipif(not VECTORS, reason="RSBD_VECTORS names no folder with reference values")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", side=8, classes=(0, 1), points=30)


@needs_vectors
def test_published_radii() -> None:
    papers = json.loads((Path(str(VECTORS)) / "papers.json").read_text())
    for case in papers["dpa"]["cases"]:
        votes = np.repeat(np.arange(len(case["votes"])), case["votes"])[:, None]
        label, radius = Partition(len(votes)).radius(votes, len(case["votes"]))
        assert (radius[0] if label[0] == case["label"] else -1) == case["radius"]
    for case in papers["finite_aggregation"]["cases"]:
        label, radius = Partition(case["k"], case["d"]).radius(np.array(case["preds"])[:, None], case["num_classes"])
        assert (radius[0] if label[0] == case["label"] else -1) == case["radius"]
    assert len(papers["dpa"]["cases"]) + len(papers["finite_aggregation"]["cases"]) >= 50


@needs_vectors
def test_radii_of_parts_that_may_abstain() -> None:
    cases = json.loads((Path(str(VECTORS)) / "triggers.json").read_text())["parts"]
    for case in cases:
        votes = np.array(case["votes"])[:, None]
        label, radius = Partition(len(votes)).radius(votes, case["classes"])
        assert (label[0], radius[0]) == (case["label"], case["radius"])
    assert len(cases) >= 80


@pytest.mark.parametrize("partition", [Partition(5), Partition(2, 2)], ids=repr)
@pytest.mark.parametrize("classes", [2, 3])
def test_no_trigger_beside_attacked_buckets_changes_the_label(partition: Partition, classes: int) -> None:
    """Every choice of buckets, of the votes of their models, and of one reached label for each other model."""
    rng = np.random.default_rng(classes)
    k, points = partition.num_models, 40
    labels = rng.choice([0, 0, 0, 0, 1, classes - 1, -1], (k, points))
    reached = labels[..., None] == np.arange(classes)
    reached |= (rng.random((k, points, classes)) < 0.06) & (labels >= 0)[..., None]  # one that abstains has no model
    found, radius = partition.radius(labels, classes, reached)
    assert (radius == -1).any()
    assert (radius == 0).any()
    assert (radius > 0).any()
    tight = 0
    for vote, may, label, r in zip(labels.T, reached.swapaxes(0, 1), found, radius, strict=True):
        free = [[int(c) for c in np.flatnonzero(may[i])] or [-1] for i in range(k)]
        broken = {}
        for size in (max(r, 0), r + 1):
            if size > k:
                continue
            broken[size] = False
            for buckets in combinations(range(k), int(size)):
                turned = {(b + step) % k for b in buckets for step in partition.steps}
                everything = [range(-1, classes) if i in turned else free[i] for i in range(k)]
                for attacked in product(*everything):
                    counts = [attacked.count(c) for c in range(classes)]
                    broken[size] |= counts.index(max(counts)) != label
        assert label == np.bincount(vote[vote >= 0], minlength=classes).argmax()
        assert not (r >= 0 and broken[r])
        tight += r + 1 > k or broken[r + 1]
    assert tight == points if partition.spread == 1 else tight > points / 2


def test_rows_dealt_by_position_count_once_if_they_change_in_place() -> None:
    """Every change of up to two of five rows, by a learner that is as odd as its part says."""
    values, partition = list(product((0.0, 1.0), (0, 1))), Partition(5, deal="position")

    def votes(rows: tuple[tuple[float, int], ...]) -> np.ndarray:
        x, y = np.array([row[0] for row in rows], np.float32)[:, None], np.array([row[1] for row in rows])
        parts = partition.members(x, y)
        assert sorted(part.tolist() for part in parts) == [[0], [1], [2], [3], [4]]
        return np.array([[-1 if x[part].sum() and y[part].sum() else int(y[part].sum())] for part in parts])

    worlds = list(product(values, repeat=5))
    known = {rows: partition.radius(votes(rows), 2) for rows in worlds}
    for rows in worlds[::7]:
        label, radius = known[rows]
        for other in worlds:
            if sum(a != b for a, b in zip(rows, other, strict=True)) <= radius[0]:
                assert known[other][0] == label


def test_a_changed_row_counts_once_by_position_and_twice_by_content(digits: Dataset) -> None:
    by_content, by_position = dpa(digits, parts=25), dpa(digits, parts=25, deal="position")
    assert (by_content.certificate.norm, by_position.certificate.norm) == ("rows in or out", "rows in place")
    assert np.array_equal(by_position.changed.radius, by_position.certificate.radius)
    x, y = digits.x.copy(), digits.y.copy()
    x[:5], y[:5] = 1 - x[:5], 1 - y[:5]
    attacked = dpa(digits.replace(x=x, y=y), parts=25, deal="position")
    assert (attacked.labels != by_position.labels).any(1).sum() <= 5
    safe = by_position.certificate.radius >= 5
    assert safe.any()
    assert (attacked.certificate.label == by_position.certificate.label)[safe].all()


def test_a_vote_of_nobody_has_no_label_and_classes_are_shown(digits: Dataset) -> None:
    silent = dpa(digits.replace(y=np.zeros_like(digits.y)), parts=5)
    assert (silent.labels == -1).all()
    assert (silent.certificate.label == -1).all()
    assert silent.certificate.accuracy(digits.y_test) == 0
    found = dpa(digits, parts=50).certificate
    shares, sizes = found.by_class(digits.y_test, 10), np.bincount(digits.y_test)
    assert np.isclose((shares * sizes).sum() / sizes.sum(), found.accuracy(digits.y_test, 10))
    assert np.isnan(found.by_class(np.where(digits.y_test == 1, 2, 0)))[1]


@pytest.mark.parametrize("partition", [Partition(7), Partition(3, 2), Partition(2, 3)], ids=repr)
@pytest.mark.parametrize("classes", [2, 3])
def test_no_attack_on_so_many_buckets_changes_the_label(partition: Partition, classes: int) -> None:
    """Every choice of buckets, every label that their models may turn to; without spread, one more row breaks it."""
    rng = np.random.default_rng(classes)
    k = partition.num_models
    labels = rng.choice(classes, (k, 25), p=[0.7, 0.3, 0][:classes] if classes == 3 else [0.7, 0.3])
    labels[:, ::3] = rng.choice(classes, (k, 9))
    found, radius = partition.radius(labels, classes)
    for vote, label, r in zip(labels.T, found, radius, strict=True):
        assert label == np.bincount(vote, minlength=classes).argmax()
        for size in (r, r + 1):
            broken = False
            for buckets in combinations(range(k), int(min(size, k))):
                models = sorted({(b + step) % k for b in buckets for step in partition.steps})
                for rival in range(classes):  # turning all of them to one rival is the worst for that rival
                    attacked = vote.copy()
                    attacked[models] = rival
                    broken |= np.bincount(attacked, minlength=classes).argmax() != label
            if size == r:
                assert not broken
            elif partition.spread == 1:
                assert broken


def test_the_radius_is_zero_exactly_where_one_bucket_breaks_the_label() -> None:
    partition = Partition(10, 5)
    buckets = [[(b + step) % 50 for step in partition.steps] for b in range(50)]
    labels = np.random.default_rng(1).choice(3, (50, 400), p=[0.53, 0.32, 0.15])
    found, radius = partition.radius(labels, 3)
    assert 20 < (radius == 0).sum() < 380
    for vote, label, r in zip(labels.T, found, radius, strict=True):
        broken = False
        for models, rival in product(buckets, range(3)):
            attacked = vote.copy()
            attacked[models] = rival
            broken |= np.bincount(attacked, minlength=3).argmax() != label
        assert broken == (r == 0)


def test_turning_all_to_one_rival_is_the_worst() -> None:
    vote = np.array([0, 0, 0, 0, 1, 2, 2])
    label, radius = Partition(7).radius(vote[:, None], 3)
    for models in combinations(range(7), int(radius[0])):
        for turned in product(range(3), repeat=len(models)):
            attacked = vote.copy()
            attacked[list(models)] = turned
            assert np.bincount(attacked).argmax() == label[0]


@pytest.mark.parametrize("partition", [Partition(20), Partition(8, 3)], ids=repr)
def test_a_row_reaches_the_models_of_its_bucket_alone(digits: Dataset, partition: Partition) -> None:
    def contents(x: np.ndarray, y: np.ndarray) -> list[list[bytes]]:
        rows = [a.tobytes() + bytes([b]) for a, b in zip(x, y, strict=True)]
        return [[rows[i] for i in part] for part in partition.members(x, y)]

    x, y = digits.x, digits.y
    whole = contents(x, y)
    assert sum(map(len, whole)) == partition.spread * len(x)
    shuffled = np.random.default_rng(0).permutation(len(x))
    assert contents(x[shuffled], y[shuffled]) == whole
    k = partition.num_models
    buckets = [{(b + step) % k for step in partition.steps} for b in range(k)]  # what the radius reckons with
    for i in range(5):
        without = contents(np.delete(x, i, 0), np.delete(y, i))
        relabelled = contents(x, np.where(np.arange(len(y)) == i, 1 - y, y))
        reached = [{j for j in range(k) if changed[j] != whole[j]} for changed in (without, relabelled)]
        assert reached[0] == reached[1]
        assert reached[0] in buckets


def test_any_number_of_points_at_once() -> None:
    votes = np.random.default_rng(0).integers(0, 3, (7, 1030))
    together = np.array(Partition(7).radius(votes, 3))
    one_by_one = [np.array(Partition(7).radius(votes[:, i : i + 1], 3)) for i in range(1030)]
    assert (together == np.concatenate(one_by_one, axis=1)).all()
    assert all(part.shape == (0,) for part in Partition(7).radius(votes[:, :0], 3))


def test_the_recipe_certifies_and_its_attack_moves_no_more(digits: Dataset) -> None:
    clean = dpa(digits, parts=25)
    assert clean.certificate.accuracy(digits.y_test) > 0.9
    assert clean.certificate.radius.max() in (11, 12)
    assert clean.certificate.alpha == 0
    assert (clean.changed.radius == clean.certificate.radius // 2).all()
    order = np.random.default_rng(0).permutation(digits.num_rows)
    again = dpa(digits.replace(x=digits.x[order], y=digits.y[order]), parts=25)
    assert np.array_equal(again.labels, clean.labels)
    # Five rows are removed and five wrong ones inserted.
    x = np.concatenate([digits.x[5:], 1 - digits.x[:5]])
    attacked = dpa(digits.replace(x=x, y=np.concatenate([digits.y[5:], 1 - digits.y[:5]])), parts=25)
    assert ((attacked.labels != clean.labels).any(1)).sum() <= 10
    safe = clean.certificate.radius >= 10
    assert safe.any()
    assert (attacked.certificate.label == clean.certificate.label)[safe].all()


def test_finite_aggregation_certifies_more(digits: Dataset) -> None:
    radii = [dpa(digits, parts=30, spread=spread).certificate.radius.mean() for spread in (1, 2, 4)]
    assert radii[0] < radii[1] <= radii[2] + 0.1
    assert Partition(30).num_models * 4 == Partition(30, 4).num_models


def test_small_parts_and_other_learners(digits: Dataset) -> None:
    few = digits.replace(x=digits.x[:12], y=digits.y[:12])
    assert dpa(few, parts=30).labels.shape == (30, 30)  # some parts are empty, some hold one class
    # Rows elsewhere, and their order, say nothing to a part; one that does not hold two classes abstains.
    net = MLP(hidden=(4,), epochs=3, batch=2)
    for first in (0, 1):
        order = np.argsort(few.y != first, kind="stable")
        sorted_ = few.replace(x=few.x[order], y=few.y[order])
        for rows, labels in zip(
            Partition(30).members(sorted_.x, sorted_.y), dpa(sorted_, parts=30).labels, strict=True
        ):
            if len(set(sorted_.y[rows])) < 2:
                assert set(labels) == {-1}
        nets = dpa(sorted_, parts=2, learner=net)
        assert np.array_equal(nets.labels, dpa(few, parts=2, learner=net).labels)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Partition(0), "parts is 0"),
        (lambda: Partition(5, spread=1.5), "spread is 1.5"),
        (lambda: Partition(5, spread=np.inf), "spread is inf"),
        (lambda: Partition(True), "parts is True"),
        (lambda: Partition(5, deal="hash"), "deal is 'hash'"),
        (lambda: Partition(5).radius(np.zeros((4, 1), np.int64), 2), "4 models voted"),
        (lambda: Smoothing(rows=Partition(5)), "draws no rows"),
    ],
)
def test_bad_input_is_named(make, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
