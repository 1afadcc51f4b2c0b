"""The attack panel: it shows what the library measures, for every kind of trigger, and trains nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

import rsbd
from rsbd.attacks.poisoning import stamp
from rsbd.errors import InputError
from rsbd.learners.undefended import predict_undefended, undefended_weights
from rsbd.panels import Cancelled, SyncRunner, attack, engine
from rsbd.panels.attack import compute, draw_attack
from rsbd.panels.attack.compute import AttackComputation, AttackParams, AttackResult
from rsbd.recipes.planted import Rates

DATA = rsbd.load("digits", side=8, view="unit")
COMPUTE = AttackComputation(DATA)
NUMBERS = [round(rate * 1000) for rate in compute.RATES]  # of poisoned images


def found(bench: AttackComputation = COMPUTE, **settings: object) -> AttackResult:
    steps = bench(AttackParams(**settings), lambda: False, lambda done, total: None)
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


def test_figures_are_those_of_the_library() -> None:
    seen = found(pixels=4, poisoned=30)
    trigger = rsbd.BadPatch(2)
    poisoned, mask = rsbd.Poisoning(trigger, 0, 0.03).apply(DATA, 0)
    clean = predict_undefended(poisoned, rsbd.Linear(), DATA.x_test)
    fooled = predict_undefended(poisoned, rsbd.Linear(), stamp(trigger, DATA, DATA.x_test))
    assert seen.rows == mask.sum() == 30
    assert seen.now == Rates(rsbd.clean_accuracy(clean, DATA.y_test), rsbd.attack_success_rate(fooled, DATA.y_test, 0))
    assert seen.before.clean_accuracy == rsbd.clean_accuracy(
        predict_undefended(DATA, rsbd.Linear(), DATA.x_test), DATA.y_test
    )
    assert list(seen.curve) == sorted({*NUMBERS, 30})


@pytest.mark.parametrize("kind", ["patch", "scattered", "blend"])
def test_a_trigger_changes_what_it_says(kind: str) -> None:
    settings = AttackParams(kind=kind, pixels=5, strength=0.3)
    black = np.zeros((1, *DATA.shape), np.float32)
    change = compute.trigger_of(settings, DATA.shape)(black)[0]
    touched = change[change != 0]
    assert len(touched) == (DATA.num_features if kind == "blend" else 5)
    assert np.sqrt(np.mean(touched.astype(float) ** 2)) == pytest.approx(0.3, rel=1e-5)


def test_a_full_patch_is_the_patch_of_the_library() -> None:
    full = compute.trigger_of(AttackParams(pixels=7), DATA.shape)
    assert (full(DATA.x_test) == rsbd.BadPatch(3, pixels=7)(DATA.x_test)).all()


def test_more_scattered_pixels_keep_those_of_fewer() -> None:
    few, many = (compute.trigger_of(AttackParams(kind="scattered", pixels=n), DATA.shape).positions for n in (3, 9))
    assert set(few) < set(many)


def test_clean_label_poisons_at_most_the_images_of_the_target() -> None:
    seen = found(relabel=False, poisoned=100, target=8)
    assert seen.rows == seen.eligible == (DATA.y == 8).sum() < 100
    assert seen.samples[1].labels == seen.samples[1].true == ("8",) * 4
    assert "all images of" in draw_attack(seen).sentence


def test_the_samples_are_the_attacked_ones() -> None:
    seen = found(poisoned=2)
    collected, slipped, shown = seen.samples
    assert sum(slipped.marked) == seen.rows == 2
    for i, poisoned in enumerate(slipped.marked):
        assert (slipped.images[i] != collected.images[i]).any() == poisoned
        assert (slipped.labels[i] == "0") == poisoned
    assert "0" not in shown.true
    assert len(set(shown.true)) == 4
    assert shown.marked == tuple(label == "0" for label in shown.labels)


def test_weights_show_the_shortcut() -> None:
    before, after = found(pixels=1, poisoned=50).weights
    assert after[-1, -1] == 1.0  # the brightest of all
    assert abs(before[-1, -1]) < 0.1


def test_weights_of_two_classes_and_of_a_missing_one() -> None:
    two = rsbd.load("digits", side=8, view="unit", classes=(0, 1))
    first, second = undefended_weights(two)
    assert (first == -second).all()
    assert second[3:5, 3:5].sum() > 0  # ink in the middle makes a one
    none = DATA.replace(x=DATA.x[DATA.y < 9], y=DATA.y[DATA.y < 9])
    assert not undefended_weights(none)[9].any()


def test_the_sentence_says_what_accuracy_shows() -> None:
    assert "notices nothing" in draw_attack(found()).sentence
    assert "mostly fails" in draw_attack(found(pixels=1, strength=0.02)).sentence
    assert (
        "somebody could notice" in draw_attack(found(relabel=False, kind="scattered", poisoned=100, target=8)).sentence
    )
    assert draw_attack(found(poisoned=0)).sentence.startswith("No image is poisoned")


def test_nothing_is_trained_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, trained = AttackComputation(DATA), []
    measure = AttackComputation._measure
    monkeypatch.setattr(AttackComputation, "_measure", lambda *a: trained.append(a[-1]) or measure(*a))
    found(bench)
    assert sorted(trained) == NUMBERS
    found(bench, poisoned=25)
    assert trained[-1] == 25
    assert len(trained) == len(NUMBERS) + 1
    found(bench, kind="blend")
    found(bench, kind="blend", pixels=3)  # the size of a pattern is the image's
    assert len(trained) == 2 * len(NUMBERS) + 1


def test_previews_say_that_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FIRST_PREVIEW", 0)
    preview = next(AttackComputation(DATA)(AttackParams(), lambda: False, lambda done, total: None))
    assert draw_attack(preview).alt.endswith("(preview, 2 of 13 attacks)")
    assert draw_attack(preview).note == "2 of 13 attacks"
    assert preview.now == found().now
    assert preview.before == found().before


def test_cancelled_between_trainings() -> None:
    with pytest.raises(Cancelled):
        next(AttackComputation(DATA)(AttackParams(), lambda: True, lambda done, total: None))


def test_other_images_and_targets_by_name() -> None:
    two = rsbd.load("digits", side=8, view="unit", classes=(3, 8))
    panel = attack(two, target="8", kind="blend", runner=SyncRunner())
    assert panel.params.target == 1
    assert "called \u201c8\u201d" in panel.sentence


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dataset": "breast_cancer"}, "shows images"),
        ({"dataset": rsbd.load("digits", side=8)}, "unit view"),
        ({"size": 3}, "no setting 'size'"),
        ({"kind": "hat"}, "kind is 'hat'"),
        ({"rate": 0.5}, "share from 0 to 0.1"),
        ({"target": "x"}, "not a class"),
        ({"pixels": 99}, "outside this panel's range"),
    ],
)
def test_errors_name_the_remedy(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        attack(runner=SyncRunner(), **settings)
