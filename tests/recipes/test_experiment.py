"""The paper's experiment from end to end, its recipe, and what is written down of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rsbd import bounds, ensemble
from rsbd.attacks import BadPatch, Features, Trigger
from rsbd.attacks.poisoning import Poisoning, attack_success_rate, clean_accuracy, stamp
from rsbd.certify import certify
from rsbd.data import Dataset, load
from rsbd.ensemble.votes import Votes
from rsbd.errors import InputError
from rsbd.learners import LEARNERS, Linear
from rsbd.learners.undefended import predict_undefended
from rsbd.noises import Bagging, Flip, Gaussian
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes import wang
from rsbd.recipes.experiment import Experiment, Outcome
from rsbd.recipes.planted import plant_attack
from rsbd.recipes.report import planted_threat, radii_up_to, report


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", side=8, classes=(0, 1))


@pytest.fixture(scope="module")
def experiment(digits: Dataset) -> Experiment:
    noise = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.8))
    return Experiment(digits, Poisoning(BadPatch(3), target=0, rate=0.05), noise, num_models=500)


@pytest.fixture(scope="module")
def outcome(experiment: Experiment) -> Outcome:
    return experiment.run()


def assert_the_attack_works(data: Dataset, name: str) -> None:
    trigger = BadPatch(3)
    poisoned, _ = Poisoning(trigger, target=0, rate=0.05).apply(data, seed=0)
    learner = LEARNERS[name]()
    before = predict_undefended(data, learner, data.x_test)
    after = predict_undefended(poisoned, learner, data.x_test)
    hijacked = predict_undefended(poisoned, learner, stamp(trigger, data, data.x_test))
    success = attack_success_rate(hijacked, data.y_test, 0)
    assert success > 0.9
    assert clean_accuracy(after, data.y_test) > clean_accuracy(before, data.y_test) - 0.02
    untouched = predict_undefended(data, learner, stamp(trigger, data, data.x_test))
    assert attack_success_rate(untouched, data.y_test, 0) < success - 0.3  # it is the poison, not the patch


@pytest.mark.parametrize("learner", ["linear", "mlp"])
@pytest.mark.parametrize("classes", [None, (0, 1), (3, 8)])
def test_undefended_the_attack_works_on_digits(classes: tuple[int, int] | None, learner: str) -> None:
    assert_the_attack_works(load("digits", side=8, classes=classes), learner)


@pytest.mark.mnist
@pytest.mark.parametrize("rows", [None, 1000])
def test_undefended_the_attack_works_on_mnist(rows: int | None) -> None:
    assert_the_attack_works(load("mnist", classes=(1, 7), rows=rows, points=1000), "linear")


def test_outcome_speaks_of_attack_and_defence(experiment: Experiment, outcome: Outcome) -> None:
    assert outcome.final
    assert outcome.attack.mask.sum() == 10
    data = experiment.dataset
    poisoned, _ = experiment.poisoning.apply(data, 0)
    rate = clean_accuracy(predict_undefended(poisoned, Linear(), data.x_test), data.y_test)
    assert outcome.attack.undefended.clean_accuracy == rate
    assert outcome.attack.undefended.attack_success_rate > 0.9
    assert outcome.smoothed.attack_success_rate < 0.1
    assert outcome.smoothed.clean_accuracy > 0.95
    assert outcome.votes.num_models == 500
    expected = bounds.simultaneous(outcome.votes.counts, 0.001)
    assert np.array_equal(outcome.bounds.miss, expected.miss)


def test_nothing_is_final_before_both_ensembles_are(experiment: Experiment, tmp_path: Path) -> None:
    """Votes of one of them may be there from an earlier run."""
    experiment = replace(experiment, seed=5)
    whole = experiment.run(tmp_path)
    assert whole.votes.manifest["seed"] == 5
    (clean,) = (path for path in tmp_path.iterdir() if Votes.load(path).manifest == whole.votes.manifest)
    clean.unlink()
    again = experiment.run(tmp_path)
    assert again.votes.num_models == 500
    assert np.array_equal(again.votes.counts, whole.votes.counts)


def test_previews_are_anytime_valid_and_grow(experiment: Experiment) -> None:
    outcomes = list(experiment.stream())
    sizes = [outcome.votes.num_models for outcome in outcomes]
    assert sizes == sorted(sizes)
    assert [outcome.final for outcome in outcomes] == [False] * (len(outcomes) - 1) + [True]
    first = outcomes[0]
    assert np.array_equal(first.bounds.miss, bounds.anytime(first.votes.counts, 0.001).miss)
    for seen, bound in ((first, bounds.anytime), (outcomes[-1], bounds.simultaneous)):
        together = replace(seen, experiment=replace(experiment, points="all")).bounds
        assert together.points == "all"
        assert np.array_equal(together.miss, bound(seen.votes.counts, 0.001, points="all").miss)


def test_an_attack_and_votes_that_are_known_are_not_computed_again(experiment: Experiment, outcome: Outcome) -> None:
    planted = plant_attack(experiment.dataset, experiment.poisoning)
    collected = []

    def grow(rows: Dataset, *settings: Any, **options: Any) -> Iterator[Votes]:
        collected.append(rows)
        yield ensemble.collect(rows, *settings, **options)

    *_, last = experiment.stream(attack=planted, grow=grow)
    assert [id(rows) for rows in collected] == [id(planted.dataset), id(experiment.dataset)]
    assert last.attack is planted
    assert last.final
    assert last.smoothed == outcome.smoothed
    assert np.array_equal(last.votes.counts, outcome.votes.counts)


def test_who_watches_gets_bounds_that_allow_for_it(experiment: Experiment) -> None:
    outcome = replace(experiment, watched=True, num_models=100).run()
    assert outcome.final
    assert np.array_equal(outcome.bounds.miss, bounds.anytime(outcome.votes.counts, 0.001).miss)


def test_points_of_the_target_class_alone_say_nothing_of_the_attack(experiment: Experiment, tmp_path: Path) -> None:
    data = experiment.dataset
    own = data.replace(x_test=data.x_test[data.y_test == 0], y_test=data.y_test[data.y_test == 0])
    found = report(replace(experiment, dataset=own, num_models=50).run())
    assert np.isnan(found.outcome.smoothed.attack_success_rate)
    assert found.accuracies[0] > 0.9
    saved = json.loads(found.write(tmp_path)[0].read_text())
    assert saved["attack_success_rate"] == {"undefended": None, "without_noise": None, "smoothed": None}
    assert saved["smoothed_attack_success_bounds"] == {"lowest": None, "highest": None, "abstained": 0}


def test_the_centre_is_the_training_set_that_was_asked_for(experiment: Experiment, outcome: Outcome) -> None:
    poisoned = replace(experiment, centre="poisoned").run()
    assert outcome.votes.manifest["dataset"] == experiment.dataset.fingerprint()
    assert poisoned.votes.manifest["dataset"] != experiment.dataset.fingerprint()
    assert poisoned.votes.counts.shape == outcome.votes.counts.shape


def test_an_unknown_centre_is_one_sentence(experiment: Experiment) -> None:
    with pytest.raises(InputError, match="choose 'clean' or 'poisoned'"):
        replace(experiment, centre="middle")


def test_wang_certifies_digits_and_its_curve_falls(digits: Dataset) -> None:
    result = wang(digits, keep=0.8, num_models=500)
    curve = result.certificate.curve(digits.y_test, range(8))
    assert curve[0] > 0.95
    assert curve[1] > 0.7
    assert (np.diff(curve) <= 0).all()
    assert curve[-1] == 0  # 500 models cannot prove a radius of 7
    # Tied noise over two values: a threat is certified exactly where its number of changes is within the radius.
    for threat, changes in [(Threat(rows=1, trigger=0), 1), (Threat(rows=1, trigger=1), 3), (Threat(0, 2), 2)]:
        assert np.array_equal(result.certify(threat), result.certificate.radius >= changes)


def test_wang_with_different_noise_per_slot(digits: Dataset) -> None:
    result = wang(digits, keep=0.9, keep_labels="3/5", num_models=300)
    assert result.smoothing == Smoothing(features=Flip(0.9), labels=Flip(0.6), test=Flip(0.9))
    gray = wang(load("digits", side=8, view="gray", classes=(0, 1, 2), points=9), 0.9, keep_test=0.8, num_models=8)
    assert gray.smoothing == Smoothing(features=Flip(0.9, 17), labels=Flip(0.9, 3), test=Flip(0.8, 17))


def test_wang_refuses_continuous_data() -> None:
    with pytest.raises(InputError, match="binary or gray view"):
        wang(load("digits", side=8, view="unit", classes=(0, 1)))


def test_report_agrees_with_direct_certificates(experiment: Experiment, outcome: Outcome) -> None:
    found = report(outcome)
    y = experiment.dataset.y_test
    right = outcome.bounds.label == y
    for i, rows in enumerate(found.rows):
        for j, trigger in enumerate(found.triggers):
            held = certify(outcome.bounds, experiment.smoothing, Threat(rows, trigger)) & right
            assert found.accuracy_map[i, j] == pytest.approx(held.mean())
    assert found.budget == 10 * (9 + 1) + 9
    assert found.threat == Threat(rows=10, trigger=9.0)
    # Of the same votes, what a noise on features alone would say: neither relabelling nor the test input is covered.
    only = replace(experiment, smoothing=Smoothing(features=Flip(0.8)))
    part = report(replace(outcome, experiment=only))
    assert part.threat == Threat(rows=10, trigger=9.0, relabel=False, on_test=False)
    assert part.budget == 10 * 9
    bags = report(replace(outcome, experiment=replace(only, smoothing=Smoothing(rows=Bagging(5)))))
    assert bags.budget == 10
    assert bags.threat.relabel  # a bag without poisoned rows has no changed labels either
    silent = replace(experiment, poisoning=replace(experiment.poisoning, relabel=False))
    assert not planted_threat(silent, 10, "L0").relabel


def test_what_is_certified_and_wrong_does_not_count(experiment: Experiment, outcome: Outcome) -> None:
    """Noise that forgets the data holds against any attack, but the predictions are no better for it."""
    half = Flip("1/2")
    forgets = replace(experiment, smoothing=Smoothing(features=half, labels=half, test=half))
    data, sure = experiment.dataset, outcome.bounds.miss < 0.5
    for y_test in (data.y_test, 1 - data.y_test):
        judged = replace(forgets, dataset=data.replace(y_test=y_test))
        found = report(replace(outcome, experiment=judged))
        share = np.mean(sure & (outcome.bounds.label == y_test))
        assert found.against_attack == found.accuracies[0] == share
        assert found.accuracy_map[-1, -1] == pytest.approx(share)


def test_triggers_of_two_norms_are_not_put_on_one_scale(experiment: Experiment) -> None:
    """A square of L2 length 2 has four pixels: taken for two changed ones, it would be certified too easily."""
    mixed = Smoothing(features=Gaussian(0.5), test=Flip(0.8))
    with pytest.raises(InputError, match="L2 on the training features and L0 on the test input"):  # before the work
        replace(experiment, smoothing=mixed)
    with pytest.raises(InputError, match="training features carry no noise"):
        replace(experiment, smoothing=Smoothing(labels=Flip(0.8), test=Flip(0.8)))


def test_mixed_norms_are_reported_by_length(experiment: Experiment) -> None:
    data = load("digits", side=8, view="unit", classes=(0, 1))
    mixed = Smoothing(features=Gaussian(0.5), labels=Flip(0.9), test=Gaussian(0.5))
    found = report(replace(experiment, dataset=data, smoothing=mixed).run())
    assert found.certificate.norm == "L2"
    assert found.certificate.slots == ("features", "test")
    assert found.threat.relabel
    unlabelled = report(replace(experiment, dataset=data, smoothing=replace(mixed, labels=None)).run())
    assert not unlabelled.threat.relabel  # not covered, and the report says so


def test_written_files_hold_what_was_found(experiment: Experiment, tmp_path: Path) -> None:
    wrong = experiment.dataset.y_test.copy()
    wrong[:5] = 1 - wrong[:5]  # so that some predictions are not right
    experiment = replace(experiment, dataset=experiment.dataset.replace(y_test=wrong))
    found = report(experiment.run())
    paths = found.write(tmp_path / "new" / "folder")
    assert {path.suffix for path in paths} == {".json", ".csv", ".npz", ".png", ".svg"}
    assert all(path.stat().st_size > 500 for path in paths)
    saved = json.loads(paths[0].read_text())
    assert saved == json.loads(json.dumps(found.as_dict()))
    assert set(saved["seconds"]) >= {"train", "vote", "certify"}
    rates, seen = saved["attack_success_rate"], saved["smoothed_attack_success_bounds"]
    assert rates["undefended"] > 0.9
    assert rates["without_noise"] == found.outcome.attack.without_noise.attack_success_rate
    assert seen["lowest"] <= rates["smoothed"] <= seen["highest"]
    assert saved["settings"]["undefended_learner"] == "regularised least squares"
    lines = list(csv.DictReader(paths[1].open()))
    assert len(lines) == experiment.dataset.num_points
    certified = np.mean([line["label"] == line["predicted"] and line["radius"] not in ("-1", "0") for line in lines])
    assert certified == pytest.approx(saved["certified_accuracy"]["1"])
    bounds_, counts = found.outcome.bounds, found.outcome.votes.counts
    for line, label, radius, mine in zip(lines, bounds_.label, found.certificate.radius, counts, strict=True):
        assert (line["predicted"], int(line["votes"])) == (experiment.dataset.classes[label], mine[label])
        assert line["radius"] == str(radius)
    cells = {(cell["rows"], cell["trigger"]): cell["accuracy"] for cell in saved["certified_map"]}
    for (rows, trigger), share in cells.items():
        held = certify(bounds_, experiment.smoothing, Threat(rows, trigger))
        assert share == pytest.approx((held & (bounds_.label == experiment.dataset.y_test)).mean())
    assert len(cells) == found.accuracy_map.size
    other = replace(found.outcome, experiment=replace(experiment, centre="poisoned"))
    assert (saved["settings"]["centre"], report(other).as_dict()["settings"]["centre"]) == ("clean", "poisoned")
    assert Votes.load(paths[2]).counts.tolist() == found.outcome.votes.counts.tolist()


def test_no_written_length_is_more_than_was_certified(experiment: Experiment, tmp_path: Path) -> None:
    """A radius rounded to the nearest six digits would be beyond what is certified half the time."""
    data, noise = load("digits", side=8, view="unit", classes=(0, 1)), Gaussian(0.5)
    found = report(replace(experiment, dataset=data, smoothing=Smoothing(features=noise, test=noise)).run())
    paths = found.write(tmp_path)
    for length, share in json.loads(paths[0].read_text())["certified_accuracy"].items():
        assert share == found.certificate.accuracy(data.y_test, float(length))
    lines = list(csv.DictReader(paths[1].open()))
    assert [float(line["miss"]) for line in lines] == found.outcome.bounds.miss.tolist()
    radii = [float(line["radius"]) for line in lines]
    assert radii == found.certificate.radius.tolist()
    for top in (1 / 3, 2 / 3, 12345.678):
        assert all(float(f"{length:.6g}") == length for length in radii_up_to(top, "L2"))
        assert radii_up_to(top, "L2")[-1] > top
    # Ten rows and the test input, a patch of nine pixels.
    assert found.budget == pytest.approx((10 + 1) ** 0.5 * 3)


def test_radii_stay_few_where_noise_hides_everything() -> None:
    assert radii_up_to(3, "L0").tolist() == [0, 1, 2, 3, 4]
    many = radii_up_to(65535, "L0")
    assert len(many) < 200
    assert many[-1] == 65535
    assert (np.diff(many) > 0).all()


@pytest.mark.mnist
def test_seed_experiment_of_the_paper() -> None:
    """MNIST 1 against 7, 100 training images, keep 0.8 everywhere, 1,000 models: mean over five seeds."""
    found = []
    for seed in range(5):
        data = load("mnist", classes=(1, 7), rows=100, points=1000, seed=seed)
        result = wang(data, keep=0.8, num_models=1000, alpha=0.001, seed=seed)
        curve = result.certificate.curve(data.y_test, [1, 2])
        found.append([clean_accuracy(result.votes.label, data.y_test), *curve])
    clean, at_one, at_two = np.mean(found, axis=0)
    assert clean >= 0.95
    assert at_one >= 0.84
    assert at_two >= 0.65


@pytest.mark.mnist
def test_different_noise_per_slot_certifies_poisoned_images() -> None:
    """All 13,007 rows: five poisoned images, a trigger of two pixels, relabelled, the trigger on the test image."""
    data = load("mnist", classes=(1, 7), points=1000)
    result = wang(data, keep_features=0.6, keep_labels=0.6, keep_test=0.8, num_models=1000)
    held = result.certify(Threat(rows=5, trigger=2)) & (result.bounds.label == data.y_test)
    assert held.mean() >= 0.5


def test_linear_learner_with_reversed_noise_still_learns(digits: Dataset) -> None:
    """Noise that turns most bits around is as good as noise that keeps them."""
    result = wang(digits, keep=0.15, num_models=300)
    assert clean_accuracy(result.votes.label, digits.y_test) > 0.95


@pytest.mark.parametrize("view", ["binary", "unit"])
def test_linear_learner_on_ten_classes_and_tables(view: str) -> None:
    flips = view == "binary"
    for name, classes in (("digits", 10), ("breast_cancer", 2)):
        data = load(name, view=view)
        pixel = Flip(0.9) if flips else Gaussian(0.1)
        noise = Smoothing(features=pixel, labels=Flip(0.9, classes), test=pixel)
        outcome = Experiment(data, Poisoning(_trigger(data), 0, 0.02), noise, Linear(), num_models=200).run()
        assert outcome.smoothed.clean_accuracy > 0.8


def _trigger(data: Dataset) -> Trigger:
    return BadPatch(2) if len(data.shape) > 1 else Features((28, 29))


def test_a_report_on_few_rows_speaks_of_no_more() -> None:
    tiny = load("digits", side=8, classes=(0, 1), rows=12, points=10)
    attack = Poisoning(BadPatch(1), target=0, rate=0.1)
    found = report(Experiment(tiny, attack, Smoothing(rows=Bagging(4)), num_models=20).run())
    assert found.rows == (0, 1, 2, 3, 5, 7, 10)
    ten = replace(found.outcome.experiment, dataset=load("digits", side=8, classes=(0, 1), rows=10, points=10))
    assert report(replace(found.outcome, experiment=ten)).rows == found.rows  # all ten of them, too
