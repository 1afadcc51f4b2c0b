"""The main panel: its numbers are the library's, votes are reused, words and picture say what was found."""

import dataclasses
import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from fake_found import fake

from rsbd import bounds, ensemble
from rsbd.attacks import BadPatch
from rsbd.attacks.poisoning import Poisoning
from rsbd.certify import certified_map
from rsbd.data import load
from rsbd.errors import InputError
from rsbd.learners.linear.linear import Linear
from rsbd.panels import Cancelled, SyncRunner, backdoor, engine, memory
from rsbd.panels.backdoor import _axis_end, _images, compute, draw_backdoor, draw_compact_backdoor
from rsbd.panels.backdoor.compute import BackdoorComputation, BackdoorParams, LabelledImages
from rsbd.panels.chart import share_map
from rsbd.panels.controls import Choice, Slider, controls_of, shown_controls
from rsbd.recipes.experiment import Experiment
from rsbd.recipes.planted import SuccessBounds

DIGITS = load("digits", side=8, classes=(1, 7))


def run(bench, params, cancel=lambda: False):
    previews, steps = [], bench(params, cancel, lambda done, total: None)
    while True:
        try:
            previews.append(next(steps))
        except StopIteration as stop:
            return previews, stop.value


@pytest.fixture(scope="module")
def bench():
    return BackdoorComputation(DIGITS, 0, Linear())


@pytest.fixture
def trained(monkeypatch):
    """Count the models that are really trained."""
    calls, stream = [], ensemble.stream

    def counting(dataset, smoothing, learner, x, num_models, seed, resume, **options):
        calls.append(num_models - (resume.num_models if resume else 0))
        return stream(dataset, smoothing, learner, x, num_models, seed, resume=resume, **options)

    monkeypatch.setattr(ensemble, "stream", counting)
    return calls


def test_numbers_are_those_of_the_experiment(bench):
    params = BackdoorParams(num_models=192, keep=0.85)
    _, found = run(bench, params)
    attack = Poisoning(BadPatch(3), target=0, rate=0.05)
    outcome = Experiment(DIGITS, attack, params.smoothing(DIGITS), num_models=192, alpha=0.001).run()
    shown = found.report
    assert shown.outcome.rates == outcome.rates
    assert shown.outcome.success_bounds == outcome.success_bounds
    assert shown.threat.rows == outcome.attack.mask.sum()
    assert shown.budget == shown.threat.rows * 10 + 9
    table = certified_map(outcome.bounds, DIGITS.y_test, params.smoothing(DIGITS), compute.MAP_ROWS, compute.MAP_PIXELS)
    np.testing.assert_allclose(shown.accuracy_map, table)
    assert found.accuracies[0] > 0.9
    assert 0 < shown.accuracy_map[0, 0] == found.accuracies[1]


@pytest.mark.parametrize("noise", ["tied", "slots", "gaussian"])
def test_alpha_needs_no_training(trained, noise):
    bench = BackdoorComputation(DIGITS, 0, Linear())
    _, loose = run(bench, BackdoorParams(noise=noise, num_models=128, alpha=0.1))
    assert trained == [128, 128]
    _, strict = run(bench, BackdoorParams(noise=noise, num_models=128, alpha=0.0001))
    assert trained == [128, 128]
    assert strict.params.alpha == 0.0001
    assert strict.accuracies[0] < loose.accuracies[0]
    assert strict.report.outcome.smoothed == loose.report.outcome.smoothed


def test_attack_retrains_one_ensemble_and_noise_both(trained):
    bench = BackdoorComputation(DIGITS, 0, Linear())
    run(bench, BackdoorParams(num_models=128))
    run(bench, BackdoorParams(num_models=128, poisoned=20))
    assert trained == [128] * 3
    run(bench, BackdoorParams(num_models=128, keep=0.9))
    assert trained == [128] * 5


def test_more_models_are_added_and_fewer_are_known(trained):
    bench = BackdoorComputation(DIGITS, 0, Linear())
    _, few = run(bench, BackdoorParams(num_models=128))
    _, many = run(bench, BackdoorParams(num_models=320))
    assert trained == [128, 128, 192, 192]
    _, again = run(bench, BackdoorParams(num_models=128))
    assert len(trained) == 4
    np.testing.assert_array_equal(few.accuracies, again.accuracies)
    _, fresh = run(BackdoorComputation(DIGITS, 0, Linear()), BackdoorParams(num_models=320))
    np.testing.assert_array_equal(many.accuracies, fresh.accuracies)
    assert many.report.outcome.smoothed == fresh.report.outcome.smoothed


def test_previews_stand_on_anytime_bounds_and_the_end_on_one_look(monkeypatch):
    monkeypatch.setattr(engine, "FIRST_PREVIEW", 0.0)
    monkeypatch.setattr(engine, "NEXT_PREVIEW", 0.0)
    seen, found = run(BackdoorComputation(DIGITS, 0, Linear()), BackdoorParams(num_models=320))
    assert found.report.outcome.final
    assert len(seen) >= 3
    assert [p.models for p in seen] == sorted({p.models for p in seen})
    votes = ensemble.collect(DIGITS, found.params.smoothing(DIGITS), Linear(), DIGITS.x_test, 320)
    assert found.accuracies[0] == accuracy(bounds.simultaneous(votes.counts, 0.001))
    for preview in seen:
        assert not preview.report.outcome.final
        votes = ensemble.collect(DIGITS, found.params.smoothing(DIGITS), Linear(), DIGITS.x_test, preview.models)
        assert preview.accuracies[0] == accuracy(bounds.anytime(votes.counts, 0.001))
        assert f"{preview.models} of 320 models" in draw_backdoor(preview).alt
        assert f"preview, {preview.models} of 320 models" in draw_backdoor(preview).svg
        assert draw_backdoor(preview).sentence.startswith(f"Preview ({preview.models} of 320 models): ")


def accuracy(evidence):
    return np.mean((evidence.label == DIGITS.y_test) & (evidence.miss < 0.5))


def test_repeated_clopper_pearson_errs_more_often_than_alpha_and_the_preview_does_not():
    """Why a preview may not rest on bounds for one look: at a probability known, they fail at some look."""
    random, alpha, looks = np.random.default_rng(0), 0.05, range(64, 3200, 64)
    votes = (random.random((2000, 3200)) < 0.8).cumsum(1)[:, [n - 1 for n in looks]]
    failed = {}
    for name, bound in (("naive", bounds.simultaneous), ("watched", bounds.anytime)):
        wrong = np.zeros(len(votes), bool)
        for n, k in zip(looks, votes.T, strict=True):
            found = bound(np.stack([k, n - k], 1), alpha)
            wrong |= found.miss < 0.2
        failed[name] = wrong.mean()
    assert failed["naive"] > alpha
    assert failed["watched"] < alpha


def test_cancel_is_seen_within_a_block():
    asked = []

    def cancel():
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        run(BackdoorComputation(DIGITS, 0, Linear()), BackdoorParams(num_models=5000), cancel)
    assert len(asked) == 3


def test_memory_of_data_sets_is_bounded(monkeypatch):
    """Poisoned copies of a data set are large: only the last two are kept."""
    bench, planted, plant = BackdoorComputation(DIGITS, 0, Linear()), [], memory.plant_attack
    monkeypatch.setattr(memory, "plant_attack", lambda *a: planted.append(1) or plant(*a))
    for poisoned in (0, 4, 8, 12, 12, 8):
        run(bench, BackdoorParams(num_models=100, poisoned=poisoned))
    assert len(bench.attacks._kept) == 2
    assert len(planted) == 4


def test_half_collected_votes_are_not_kept(trained):
    bench = BackdoorComputation(DIGITS, 0, Linear())
    with pytest.raises(Cancelled):
        run(bench, BackdoorParams(num_models=640), lambda: True)
    _, found = run(bench, BackdoorParams(num_models=640))
    assert found.report.outcome.final
    assert trained[-1] == 640


@pytest.mark.parametrize(
    "settings",
    [
        {"noise": "tied", "keep": 0.7},
        {"noise": "slots", "keep_features": 0.7, "keep_labels": 0.7, "keep_test": 0.8},
        {"noise": "gaussian", "sigma": 0.8, "keep_labels": 0.8},
    ],
)
def test_at_threat_agrees_with_the_map(settings):
    """On a point of the grid, the attack's own figure is the cell's; the staircase skips only true zeros."""
    data = load("digits", side=8, classes=(0, 1))
    params = BackdoorParams(trigger_pixels=1, poisoned=1, num_models=1024, alpha=0.05, **settings)
    _, found = run(BackdoorComputation(data, 0, Linear()), params)
    assert found.report.threat.rows == 1
    assert found.report.against_attack == found.report.accuracy_map[1, 0]
    smoothing = params.smoothing(data)
    votes = ensemble.collect(data, smoothing, Linear(), data.x_test, 1024)
    sizes = list(found.report.triggers)
    evidence = bounds.simultaneous(votes.counts, 0.05)
    table = certified_map(evidence, data.y_test, smoothing, (0, 1, 2, 3), sizes)
    np.testing.assert_allclose(found.report.accuracy_map[:4], table)
    assert table[0, 0] > 0


def test_gaussian_radius_is_a_length():
    _, found = run(
        BackdoorComputation(DIGITS, 0, Linear()),
        BackdoorParams(noise="gaussian", sigma=0.8, num_models=256, trigger_pixels=4),
    )
    assert found.report.certificate.norm == "L2"
    assert found.report.threat.trigger == 2.0
    assert found.report.budget == pytest.approx(2 * math.sqrt(found.report.threat.rows + 1))
    assert np.all(np.diff(found.accuracies) <= 0)
    assert "an L2 length of" in draw_backdoor(found).sentence
    assert "labels untouched" in draw_backdoor(found).sentence


def test_nothing_poisoned_is_said():
    _, found = run(BackdoorComputation(DIGITS, 0, Linear()), BackdoorParams(poisoned=0, num_models=128))
    assert found.report.threat.rows == 0
    assert "no poisoned image, a trigger of 9 pixels on the test image" in draw_backdoor(found).sentence
    np.testing.assert_array_equal(found.images[0].images, found.images[1].images)
    assert "nothing poisoned" in draw_backdoor(found).svg
    assert "small frame" not in draw_backdoor(found).svg


def test_a_first_share_becomes_a_number_of_images():
    panel = backdoor(num_models=100, poison_rate=0.02, runner=SyncRunner())
    assert panel.params.poisoned == 4
    assert "poisoned: 4 (2 %)" in panel.svg
    assert panel.controls.rows["poisoned"].children[0].description == "poisoned images (of 204)"
    panel.set(poisoned=5)
    assert "5 images poisoned" in panel.alt


def test_sentence_quotes_what_the_curve_says():
    said = draw_backdoor(fake()).sentence
    assert said.startswith(
        "52 % of test images are proved to stay right whatever changes up to 2 pixels and labels in "
    )
    assert "in the training set and the test image together" in said
    assert "(72 images relabelled, a trigger of 9 pixels on them and on the test image) nothing is proved" in said
    assert "(1,000 models, keep 0.8, alpha 0.001)" in said
    assert "97 %" in said
    assert (
        "34 % with the same learner without noise, and 12 % smoothed (with confidence 1 \u2212 alpha: 10 % to 16 %)"
        in said
    )
    none = draw_backdoor(fake(accuracies=np.array([0.4, 0.2, 0, 0, 0, 0, 0, 0]))).sentence
    assert "20 % of test images" in none
    assert "up to 1 pixel or label in" in none
    never = draw_backdoor(fake(accuracies=np.array([0.4, 0, 0, 0, 0, 0, 0, 0]))).sentence
    assert never.startswith("At this noise nothing is proved beyond radius 0, against any change in the training set")


@pytest.mark.parametrize(
    "found",
    [
        fake(),
        fake(models=200),
        fake(attack_success=(math.nan,) * 3, success_bounds=SuccessBounds(math.nan, math.nan, 0)),
        fake(accuracies=np.zeros(8), certified=np.zeros((9, 6))),
        fake(accuracies=np.ones(8), certified=np.ones((9, 6)), rows=500, trigger=49),
        fake(radii=np.arange(502.0), accuracies=np.linspace(1, 0, 502)),
        fake(radii=np.linspace(0, 2, 101), accuracies=np.linspace(0.9, 0, 101), norm="L2", budget=1.2),
        fake(dataset="<b>", target='"&<'),
    ],
)
@pytest.mark.parametrize("render", [draw_backdoor, draw_compact_backdoor])
def test_picture_is_xml_inside_its_frame(found, render):
    picture = render(found)
    root = ET.fromstring(picture.svg)
    _, _, width, height = map(float, root.get("viewBox").split())
    for node in root.iter():
        for name, limit in (("x", width), ("y", height), ("cx", width), ("cy", height)):
            if node.get(name) is not None:
                assert -1 <= float(node.get(name)) <= limit + 1, (node.tag, name, node.text)
    assert "nan" not in picture.svg
    assert picture.note in {"1,000 models", "200 of 1,000 models"}


@pytest.mark.parametrize("control", controls_of(BackdoorParams), ids=lambda control: control.name)
def test_the_description_names_every_setting(control):
    kinds = [kind for kind in ("tied", "slots", "gaussian") if shown_controls(BackdoorParams(noise=kind))[control.name]]
    options = {Slider: lambda: (control.low, control.high), Choice: lambda: [v for _, v in control.options]}
    values = options.get(type(control), lambda: (False, True))()
    found = fake()
    for kind in kinds:
        settings = [{"noise": kind, control.name: value} for value in values]
        described = [dataclasses.replace(found, params=dataclasses.replace(found.params, **s)) for s in settings]
        assert len({draw_backdoor(each).alt for each in described}) == len(values), f"alt does not say {control.name}"


def test_the_curve_ends_where_the_radii_do():
    held = fake(radii=np.arange(502.0), accuracies=np.ones(502))
    assert _axis_end(held) == 501  # the next round number would claim more
    assert _axis_end(fake(radii=np.arange(40.0), accuracies=np.linspace(1, 0, 40))) == 50


def test_the_trigger_is_framed_where_it_was_stamped():
    found = fake()
    clean, poisoned, noised = found.images
    assert _images(found).count("stroke-width:2.5") == 3
    one = LabelledImages(np.concatenate([poisoned.images[:1], clean.images[1:]]), ("0", *clean.labels[1:]))
    assert _images(dataclasses.replace(found, images=(clean, one, noised))).count("stroke-width:2.5") == 1
    assert _images(dataclasses.replace(found, images=(clean, clean, noised))).count("stroke-width:2.5") == 0


@pytest.mark.parametrize(
    ("ink", "soft", "blue", "paper"),
    [("#1a1a1a", "#444444", "#0072b2", "#ffffff"), ("#f4f4f4", "#cfcfcf", "#56b4e9", "#111111")],
    ids=["light", "dark"],
)
def test_figures_of_the_map_are_readable_and_more_is_bluer(ink, soft, blue, paper):
    def colour(name):
        return np.array([int(name[i : i + 2], 16) / 255 for i in (1, 3, 5)])

    def luminance(rgb):
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    before = -0.1
    for share in np.linspace(0, 1, 21):
        cell = share_map((0, 0, 50, 30), np.array([[share]]), [""], [""])
        opacity = re.search(r"fill-opacity:([\d.]+)", cell)
        covered = float(opacity[1]) if opacity else 0.0
        assert covered > before
        before = covered
        ground = luminance(covered * colour(blue) + (1 - covered) * colour(paper))
        low, high = sorted([ground, luminance(colour(ink if share else soft))])
        assert (high + 0.05) / (low + 0.05) >= 4.5, share


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"target": "3"}, "is not a class"),
        ({"dataset": "breast_cancer"}, "shows images"),
        ({"kepe": 0.9}, "no setting 'kepe'"),
        ({"keep": 1.5}, "keep is 1.5"),
        ({"noise": "salt"}, "choose 'tied'"),
        ({"poison_rate": 0.5}, "share from 0 to 0.1"),
        ({"poison_rate": "x"}, "poison rate is 'x'"),
        ({"poison_rate": 0.001}, "0.001 of 204 rows is no row: give 0, or 0.0049"),
        ({"poisoned": 1, "poison_rate": 0.01}, "give one of the two"),
        ({"dataset": load("digits", side=8, view="unit")}, "continuous"),
    ],
)
def test_bad_settings_are_one_sentence(kwargs, message):
    with pytest.raises(InputError, match=message):
        backdoor(runner=SyncRunner(), **kwargs)


def test_impossible_rate_is_shown_and_raised():
    panel = backdoor(num_models=100, runner=SyncRunner())
    panel.engine.submit(BackdoorParams(poisoned=180))
    assert "eligible" in panel.sentence
    with pytest.raises(InputError, match="eligible"):
        panel.wait(1)


def test_controls_follow_the_noise():
    panel = backdoor(num_models=100, runner=SyncRunner())

    def shown():
        return {name for name, row in panel.controls.rows.items() if row.layout.display != "none"}

    always = {"noise", "trigger_pixels", "poisoned", "num_models", "alpha"}
    assert shown() == always | {"keep"}
    panel.set(noise="slots")
    assert shown() == always | {"keep_features", "keep_labels", "keep_test"}
    panel.set(noise="gaussian")
    assert shown() == always | {"sigma", "keep_labels"}
    assert backdoor(num_models=100, compact=True, runner=SyncRunner()).controls.rows.keys() == {
        "keep",
        "trigger_pixels",
        "poisoned",
    }
