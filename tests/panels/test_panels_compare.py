"""The panel of every method against one attacker: honest bars, honest reasons, instant once it has trained."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from types import SimpleNamespace

import pytest

from rsbd.bounds import simultaneous
from rsbd.certify import certify
from rsbd.data import Dataset, load
from rsbd.errors import InputError
from rsbd.learners import Linear
from rsbd.noises import Flip
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.panels import SyncRunner, compare
from rsbd.panels.compare import draw_compare
from rsbd.panels.compare.compute import (
    _GRIDS,
    FAMILY_OF,
    TAUGHT,
    TRIGGERS,
    CompareComputation,
    CompareParams,
    CompareResult,
)
from rsbd.recipes.contest import CONTENDERS, Contender, Trial, voted
from rsbd.recipes.contest.result import ComparisonRow
from rsbd.recipes.contest.search import Trials

MODELS = 60


def trials(data: Dataset, models: int) -> Trials:
    return Trials(Trial(data, Smoothing(), models, 0.001, "each", 0, Linear(), triggers=TRIGGERS))


@pytest.fixture(scope="module")
def contest() -> CompareComputation:
    data = load("digits", side=8, view="unit", classes=(0, 1), rows=120, points=40)
    return CompareComputation(trials(data, MODELS))


def run(contest: CompareComputation, **attack: object) -> tuple[list[CompareResult], CompareResult]:
    steps = contest(CompareParams(**attack), lambda: False, lambda done, total: None)  # type: ignore[arg-type]
    previews = []
    while True:
        try:
            previews.append(next(steps))
        except StopIteration as stop:
            return previews, stop.value


def test_grids_are_of_methods_that_exist() -> None:
    ours = {contender.name: contender for contender in CompareComputation.contenders}
    assert list(ours) == [contender.name for contender in CONTENDERS]
    assert set(_GRIDS) <= set(ours)
    for contender in CONTENDERS:
        assert set(ours[contender.name].grid) == set(contender.grid)


@pytest.mark.parametrize(
    "attack",
    [
        {"rows": 1, "trigger": 1},
        {"rows": 3, "trigger": 0, "on_test": False},
        {"rows": 0, "trigger": 1},
        {"rows": 2, "trigger": 2, "relabel": False, "on_test": False},
    ],
    ids=str,
)
def test_reasons_are_the_librarys_and_bars_are_shares(contest: CompareComputation, attack: dict[str, object]) -> None:
    _, found = run(contest, **attack)
    assert [row.method for row in found.rows] == [contender.name for contender in contest.contenders]
    for contender, row in zip(contest.contenders, found.rows, strict=True):
        data = contest.trials.halves[True][contender.view].data
        defences = list(contender.defences(data, found.params.attack))
        reason = contender.refuses(defences[0], found.params.threat, data.num_rows)
        if reason is None:
            assert 0 <= row.certified[0] <= 1
            assert row.models <= MODELS
        else:
            assert (row.certified, row.reason) == (None, reason)


def test_a_bar_is_what_certify_says() -> None:
    data = load("digits", side=8, view="unit", classes=(0, 1), rows=120, points=40)
    noise = Smoothing(test=Flip(0.9))
    only = Contender("one", "", "binary", {"keep": (0.9,)}, lambda d, a, keep: noise, voted())
    contest = CompareComputation(trials(data, 400), (only,))
    _, found = run(contest, rows=0, trigger=1)
    seen = contest.trials.halves[True]["binary"].data
    evidence = simultaneous(Trial(seen, noise, 400, 0.001, "each", seed=0).collect(Linear()).counts, 0.001)
    held = certify(evidence, noise, Threat(0, 1)) & (evidence.label == seen.y_test)
    assert found.rows[0].certified[0] == pytest.approx(held.mean())
    assert 0 < held.mean() < 1


def test_moving_within_one_kind_of_attack_trains_nothing(contest: CompareComputation) -> None:
    run(contest, rows=1, trigger=1)
    trained = set(contest.trials.proofs)
    for rows, trigger in ((2, 1), (20, 4), (7, 3), (1, 1)):
        previews, found = run(contest, rows=rows, trigger=trigger)
        assert not previews
        assert len(found.rows) == len(contest.contenders)
    assert set(contest.trials.proofs) == trained


def test_previews_say_that_they_are_previews() -> None:
    data = load("digits", side=8, view="unit", classes=(0, 1), rows=60, points=20)
    fresh = CompareComputation(trials(data, 20))
    previews, final = run(fresh)
    assert previews
    for found in previews:
        assert f"(preview, {len(found.rows)} of {len(fresh.contenders)} methods)" in draw_compare(found).alt
        assert draw_compare(found).note == f"{len(found.rows)} of {len(fresh.contenders)} methods"
    assert draw_compare(final).alt.endswith("(final)")


def test_certified_accuracy_falls_with_the_attack(contest: CompareComputation) -> None:
    weak = run(contest, rows=1, trigger=1, on_test=False)[1]
    strong = run(contest, rows=20, trigger=4, on_test=False)[1]
    for before, after in zip(weak.rows, strong.rows, strict=True):
        if before.certified is not None and before.noise == after.noise:
            assert after.certified <= before.certified


def test_the_picture_says_everything_in_words(contest: CompareComputation) -> None:
    _, found = run(contest, rows=2, trigger=1)
    picture = draw_compare(found)
    for row in found.rows:
        assert row.method in picture.alt
        assert (row.reason or row.noise) in picture.alt
    assert "2 poisoned rows, a trigger of 1 pixel, relabelled" in picture.alt
    assert "2 of 120 training rows poisoned" in picture.sentence
    assert "only that nothing is proved" in picture.sentence
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', picture.svg)]
    assert min(sizes) >= 14


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ([0.0, 0.0, None], "(1 of 90 training rows poisoned) for any test image. 1 method cannot"),
        ([0.0, 0.22, None], "the only method that proves anything is B, with 22 % of test images right and certified."),
        ([0.5, 0.9], "the best methods are B, with 90 % of test images right and certified, and A, with 50 %. Each"),
        (
            [0.5, 0.9, 0.1, 0.7],
            "best methods are B, with 90 % of test images right and certified, D, with 70 %, and A, with 50 %.",
        ),
    ],
)
def test_the_sentence_reads_well_however_many_prove_something(shares: list[float | None], said: str) -> None:
    rows = tuple(
        ComparisonRow(name, "", (), (), share if share is None else (share,), noise="keep 0.8")
        for name, share in zip("ABCD", shares, strict=False)
    )
    names = tuple(row.method for row in rows)
    trial = SimpleNamespace(data=SimpleNamespace(name="digits", num_rows=90), num_models=60)
    assert said in draw_compare(CompareResult(CompareParams(), trial, rows, names)).sentence
    assert " so far" in draw_compare(CompareResult(CompareParams(), trial, rows, (*names, "E"))).sentence


def test_methods_stand_under_what_they_hide_and_a_few_can_be_chosen(contest: CompareComputation) -> None:
    assert list(FAMILY_OF) == [contender.name for contender in CONTENDERS]
    _, few = run(contest, rows=2, every=False)
    assert few.methods == TAUGHT == tuple(row.method for row in few.rows)
    words = list(ET.fromstring(draw_compare(few).svg).itertext())
    for method in TAUGHT:
        assert FAMILY_OF[method] in words[: words.index(method)]
    assert "PECAN" not in words
    pending = " ".join(ET.fromstring(draw_compare(replace(few, rows=few.rows[:1])).svg).itertext())
    assert all(method in pending for method in TAUGHT)


def test_nothing_changed_is_said_so(contest: CompareComputation) -> None:
    for attack in ({"rows": 0, "trigger": 0}, {"rows": 5, "trigger": 0, "relabel": False}):
        _, found = run(contest, **attack)
        assert all(row.certified is not None for row in found.rows)
        assert "changes nothing" in draw_compare(found).sentence


def test_bad_settings_are_one_sentence() -> None:
    with pytest.raises(InputError, match="no setting 'colour'"):
        compare(colour=1, runner=SyncRunner())
    with pytest.raises(InputError, match="outside this panel's range"):
        compare(rows=100, runner=SyncRunner())


def test_every_trigger_of_the_slider_has_an_answer():
    data = load("digits", side=8, view="unit", classes=(0, 1), rows=60, points=10)
    panel = compare(data, num_models=40, runner=SyncRunner())
    for trigger in (3, 9):
        panel.set(trigger=trigger)
        panel.wait()
        assert f"a trigger of {trigger} pixels" in panel.alt
        assert "bags, kept votes: " in panel.alt
