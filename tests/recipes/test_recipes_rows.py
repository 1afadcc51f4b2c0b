"""Bagging and BagFlip on digits: what they certify is what their parts certify, and an attack within it fails."""

from __future__ import annotations

import numpy as np
import pytest
from edited_rows import edited

from rsbd import plots
from rsbd.attacks import BadPatch
from rsbd.attacks.poisoning import Poisoning
from rsbd.bounds import simultaneous
from rsbd.certify import certify
from rsbd.data import Dataset, load
from rsbd.errors import InputError
from rsbd.noises import Bagging
from rsbd.noises.smoothing import Threat
from rsbd.recipes import bagflip, bagging, dpa


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", side=8, classes=(0, 1), points=60)


def test_bagging_against_a_planted_backdoor(digits: Dataset) -> None:
    """Poison as many rows as are certified: the labels of the clean points stay, those of triggered points as well."""
    clean = bagging(digits, size=12)
    assert clean.certificate.norm == "rows"
    assert clean.certificate.accuracy(digits.y_test, 6) > 0.9
    rows = 6
    poisoning = Poisoning(BadPatch(3), target=1, rate=rows / digits.num_rows)
    poisoned, mask = poisoning.apply(digits, 0)
    assert mask.sum() == rows
    after = bagging(poisoned, size=12)
    safe = clean.certificate.radius >= rows
    assert (after.votes.label == clean.votes.label)[safe].all()
    ax = plots.certified_accuracy(range(9), clean.certificate.curve(digits.y_test, range(9)), norm="rows")
    assert ax.get_xlabel() == "certified radius (training rows)"
    held = clean.certify(Threat(rows=rows, on_test=False))
    assert (held == safe).all()


@pytest.mark.parametrize("edit", ["inserted", "removed"])
def test_insertions_and_removals_alone_are_told_apart_from_changes(digits: Dataset, edit: str) -> None:
    found = bagging(digits, size=12)
    alone = edited(found, edit)
    assert alone.norm == f"{edit} rows"
    assert (alone.radius >= found.certificate.radius).all()
    assert (alone.radius > found.certificate.radius).any()
    assert found.num_rows is not None
    assert alone.max_radius == found.num_rows - 1
    for count in (0, 3, 9, 30):
        law = Bagging(12).shift(0, found.num_rows, **{edit: count})
        held = law.certifies(found.bounds.miss, found.bounds.runner_up)
        assert (held == (alone.radius >= count)).all()


def test_more_rows_dilute_the_poison(digits: Dataset) -> None:
    radii = [
        bagging(digits.replace(x=digits.x[:n], y=digits.y[:n]), size=12).certificate.radius.mean()
        for n in (60, 120, 240)
    ]
    assert radii[0] < radii[1] < radii[2]


def test_many_classes_use_their_own_votes() -> None:
    digits = load("digits", side=8, points=100)
    found = bagging(digits, size=100, num_models=2000)
    pooled = simultaneous(found.votes.counts, 0.001)
    assert (found.bounds.runner_up < pooled.runner_up).any()
    assert found.certificate.accuracy(digits.y_test, 1) > 0.3


def test_bagflip_counts_rows_for_its_threat(digits: Dataset) -> None:
    found, rows_only, _ = every = [
        bagflip(digits, size=30, keep=0.95, **setting)
        for setting in ({}, {"relabel": False, "on_test": False}, {"trigger": 2, "on_test": False})
    ]
    asked = (1, True, True), (1, False, False), (2, True, False)
    for one, (trigger, relabel, on_test) in zip(every, asked, strict=True):
        assert one.certificate.radius.max() >= 1
        for rows in range(int(one.certificate.radius.max()) + 2):
            threat = Threat(rows, trigger, relabel, on_test)
            held = certify(one.bounds, one.smoothing, threat, digits.num_rows)
            assert (held == (one.certificate.radius >= rows)).all()
            assert (held == one.certify(threat)).all()
    assert rows_only.smoothing.labels is None
    assert rows_only.smoothing.test is None
    assert rows_only.certificate.radius.mean() > found.certificate.radius.mean()


def test_bagflip_that_keeps_everything_certifies_nothing_against_a_trigger_on_the_test_image(digits: Dataset) -> None:
    """Without noise on the test image a trigger there is lost, and no error."""
    found = bagflip(digits, size=20, keep=1, num_models=100)
    assert not found.certify(Threat(rows=1, trigger=1)).any()
    assert found.certificate.accuracy(digits.y_test, 0) == 0


def test_bagflip_certifies_more_rows_than_bagging_against_a_small_trigger(digits: Dataset) -> None:
    """With strong flips a drawn poisoned row is still hidden, so more rows are certified than by bags alone."""
    alone = bagging(digits, size=20).certificate
    together = bagflip(digits, size=20, keep=0.8, relabel=False, on_test=False).certificate
    assert together.radius.max() > alone.radius.max()


def test_bad_input_is_named(digits: Dataset) -> None:
    unit = load("digits", side=8, view="unit", classes=(0, 1), points=10)
    with pytest.raises(InputError, match="binary or gray view"):
        bagflip(unit)
    assert bagging(unit, num_models=100).certificate.radius.max() > 0
    with pytest.raises(InputError, match="size is 0"):
        bagging(digits, size=0)
    with pytest.raises(InputError, match="parts is 0"):
        dpa(digits, parts=0)
    assert np.isfinite(bagging(digits, size=1, num_models=64).certificate.radius).all()


def test_bags_of_a_table_with_two_features_learn() -> None:
    """Two classes that overlap: a linear rule tells 93 % of such points; no feature of a small bag shows it clearly."""
    random = np.random.default_rng(0)
    y = np.arange(400) % 2
    x = np.clip(random.normal(0.5, 0.15, (400, 2)) + 0.15 * (2 * y[:, None] - 1) * [1, -1], 0, 1)
    table = Dataset("two features", x[:300], y[:300], x[300:], y[300:], ("low", "high"))
    for size in (10, 30):
        found = bagging(table, size, num_models=200)
        assert np.mean(found.votes.label == table.y_test) > 0.85
        assert found.certificate.accuracy(table.y_test, radius=1) > 0.7
