"""Noise and bags against one planted attack: the same certificates as by hand, honest zeros, and what is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rsbd import bounds
from rsbd.attacks import BadPatch, Blend, Features, Pixels, Poisoning, Trigger
from rsbd.certify import certify
from rsbd.data import Dataset, load
from rsbd.errors import InputError
from rsbd.evasion import AnyPatch, AnyPixels
from rsbd.learners import LDA, Linear
from rsbd.noises import Bagging, ClassBagging, Smoothing, Threat
from rsbd.recipes import pecan
from rsbd.recipes.defences import SideBySide, with_bags
from rsbd.recipes.experiment import Experiment, Outcome
from rsbd.recipes.planted import any_trigger
from rsbd.recipes.report import report

ATTACK = Poisoning(BadPatch(2), target=0, rate=0.05)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", classes=(0, 1), side=8, rows=100, points=40)


@pytest.fixture(scope="module")
def outcome(digits: Dataset) -> Outcome:
    return with_bags(digits, ATTACK, num_models=150, alpha=0.01).run()


def test_bags_certify_what_pecan_does(digits: Dataset, outcome: Outcome) -> None:
    triggers = outcome.experiment.triggers
    assert triggers == (AnyPatch(2), AnyPatch(1), AnyPatch(3), AnyPatch(4), AnyPatch(5))
    by_hand = pecan(digits, triggers, ClassBagging.of(digits), num_models=150, alpha=0.01)
    assert np.array_equal(outcome.bounds.miss, by_hand.bounds.miss)
    found = report(outcome, rows=(0, 2, 5, 9))
    assert found.triggers == (0, *map(AnyPatch, range(1, 6)))
    ordered = np.argsort([2, 1, 3, 4, 5])
    assert np.array_equal(found.accuracy_map[:, 1:], by_hand.map(digits.y_test, (0, 2, 5, 9))[:, ordered])
    assert found.threat == Threat(5, AnyPatch(2))
    held = by_hand.certify(Threat(5, AnyPatch(2))) & (by_hand.bounds.label == digits.y_test)
    assert found.planted == found.against_attack == held.mean() == found.accuracy_map[2, 2] > 0
    assert np.array_equal(found.certificate.radius, by_hand.certificate.radius)
    plain = bounds.simultaneous(outcome.votes.counts, 0.01)
    free = certify(plain, outcome.experiment.smoothing, Threat(5, 0), 100) & (plain.label == digits.y_test)
    assert found.accuracy_map[2, 0] == free.mean()


def test_previews_of_kept_votes_hold_at_every_number_of_models(outcome: Outcome) -> None:
    early = replace(outcome, voted=(100, 100))
    watched = replace(outcome, experiment=replace(outcome.experiment, watched=True))
    evidence = outcome.votes.against(AnyPatch(2))
    expected = bounds.kept_votes(evidence, 0.01, watched=True)
    for seen in (early, watched):
        assert np.array_equal(seen.bounds.miss, expected.miss)
        assert (seen.bounds.miss >= outcome.bounds.miss).all()
        assert seen.bounds.trigger == AnyPatch(2)


def test_the_centre_and_all_points_reach_the_kept_votes(digits: Dataset, outcome: Outcome, tmp_path: Path) -> None:
    poisoned = replace(outcome.experiment, centre="poisoned", points="all", num_models=40).run(tmp_path)
    assert poisoned.votes.manifest["dataset"] != digits.fingerprint()
    assert poisoned.votes.kept is not None
    assert poisoned.votes.kept.shape == (5, 40, 2)  # the clean points alone
    assert poisoned.bounds.points == "all"
    again = replace(outcome.experiment, centre="poisoned", points="all", num_models=40).run(tmp_path)
    assert np.array_equal(again.bounds.miss, poisoned.bounds.miss)
    assert again.seconds["train"] == 0  # all votes were kept


def test_many_classes_are_bounded_by_what_can_be_reached() -> None:
    three = load("digits", classes=(0, 1, 2), side=8, rows=90, points=30)
    found = with_bags(three, ATTACK, num_models=100).run()
    expected = bounds.kept_votes(found.votes.against(AnyPatch(2)), 0.001, runner_up=True)
    assert np.array_equal(found.bounds.runner_up, expected.runner_up)
    certified = report(found, rows=(0, 1, 3)).accuracy_map
    assert (np.diff(certified, axis=1) <= 0).all()  # and no trigger is the least of them
    assert certified[0, 0] > 0.5


IMAGE, TABLE = (9, 9), (12,)


@pytest.mark.parametrize(
    ("trigger", "shape", "expected"),
    [
        (BadPatch(3), IMAGE, AnyPatch(3)),
        (BadPatch(3, corner="top left", offset=2, pixels=4), (3, 9, 9), AnyPatch(3)),
        (Pixels.one(IMAGE), IMAGE, AnyPixels(1)),
        (Pixels.four((3, 9, 9)), (3, 9, 9), AnyPixels(4)),
        (Features((3, 5, 7)), TABLE, AnyPixels(3)),
    ],
)
def test_a_planted_trigger_is_one_of_those_that_are_ruled_out(
    trigger: Trigger, shape: tuple[int, ...], expected: AnyPatch | AnyPixels
) -> None:
    found = any_trigger(trigger, shape)
    assert found == expected
    changed = np.flatnonzero(trigger(np.full(shape, 0.4)) != np.float32(0.4))
    groups, may_change = found.groups(shape)
    touched = [set(group) & set(changed) for group in groups.tolist()]
    fewest = sorted(map(len, touched), reverse=True)[:may_change]
    assert sum(fewest) == len(changed)  # some groups, as many as may change, hold all changed values


def test_what_changes_every_pixel_or_leaves_the_scale_is_refused(digits: Dataset) -> None:
    unit = load("digits", view="unit", classes=(0, 1), side=8)
    with pytest.raises(InputError, match="Blend changes every pixel of the test input, so no vote withstands it"):
        with_bags(unit, Poisoning(Blend((8, 8), 0.1), 0, 0.05))
    table = load("breast_cancer", view="unit")
    beyond = with_bags(table, Poisoning(Pixels((3,), delta=5.0), 0, 0.05))
    assert beyond.triggers[0] == AnyPixels(1)
    with pytest.raises(InputError, match="leave"):
        next(beyond.stream())
    with pytest.raises(InputError, match="no vote is certain"):
        replace(with_bags(digits, ATTACK), smoothing=Smoothing.flips(digits, 0.9))


def test_a_table_has_any_features_for_pixels() -> None:
    table = load("breast_cancer", points=40)
    found = report(with_bags(table, Poisoning(Features((28, 29)), 0, 0.01), num_models=60).run())
    assert (found.trigger, found.measured, found.sizes) == ("any 2 pixels", "any features", (0, 1, 2, 3, 4, 6, 9))
    assert found.planted > 0.3


def test_the_undefended_classifier_is_the_same_for_both_defences(digits: Dataset, outcome: Outcome) -> None:
    noise = Experiment(digits, ATTACK, Smoothing.flips(digits, 0.9), num_models=10).run()
    assert outcome.attack.undefended == noise.attack.undefended
    assert report(outcome).as_dict()["settings"]["undefended_learner"] == "regularised least squares"


def test_a_part_that_no_noise_faces_makes_the_planted_accuracy_zero(digits: Dataset) -> None:
    bags = Experiment(digits, ATTACK, Smoothing(rows=Bagging(6)), Linear(), 100)
    found = report(bags.run())
    assert found.against_attack > 0.3  # the rows alone
    assert (found.planted, found.threat.on_test) == (0, False)


def test_both_are_written_with_the_planted_attack_first(digits: Dataset, outcome: Outcome, tmp_path: Path) -> None:
    noise = report(Experiment(digits, ATTACK, Smoothing.flips(digits, 0.9), num_models=20).run())
    bags = report(outcome)
    paths = SideBySide(noise, bags).write(tmp_path)
    assert all(path.exists() for path in paths)
    saved = json.loads((tmp_path / "result.json").read_text())
    alone = json.loads((tmp_path / "bags" / "result.json").read_text())
    for content in (saved, alone):
        assert next(iter(content)) == "planted"
        assert content["planted"]["rows"] == 5
        assert content["planted"]["trigger"] == "any 2x2 patch anywhere"
        assert content["planted"]["accuracy"] == bags.planted
    assert saved["planted"]["by_defence"]["noise"] == {"rows": 5, "trigger": "any 4 pixels", "accuracy": noise.planted}
    assert saved["certified_accuracy"] == noise.as_dict()["certified_accuracy"]
    assert saved["bags"] == alone
    cells = {(cell["rows"], cell["trigger"]): cell["accuracy"] for cell in alone["certified_map"]}
    assert cells[5, 2] == bags.planted
    assert alone["trigger_measure"] == "side of any patch anywhere"
    assert alone["with_trigger"] == "any 2x2 patch anywhere"


def test_another_learner_that_knows_what_triggers_do(digits: Dataset) -> None:
    found = with_bags(digits, ATTACK, bag=20, learner=LDA(), num_models=20)
    assert (found.learner, found.smoothing.rows) == (LDA(), Bagging(20))
    assert found.run().bounds.trigger == AnyPatch(2)
