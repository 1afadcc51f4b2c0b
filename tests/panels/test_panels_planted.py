"""The panel of the planted attack: it shows what pecan proves, and the patch that is really worst for one model."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from rsbd import Dataset, bounds, load, recipes
from rsbd.certify import radius
from rsbd.errors import InputError
from rsbd.evasion import AnyPatch, Evidence
from rsbd.learners import Problem, RobustLinear
from rsbd.learners.randomness import generators
from rsbd.noises import ClassBagging, Smoothing
from rsbd.panels import SyncRunner, planted
from rsbd.panels.planted import draw_planted
from rsbd.panels.planted.compute import ALPHA, BAGS, NUMBERS, PlantedComputation, PlantedParams, PlantedResult, one_vote

DATA = load("digits", side=8, classes=(0, 1), rows=60, points=30)


def last(steps: Any) -> PlantedResult:
    """Return the final result of a computation that may yield previews."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def test_it_shows_what_the_recipe_proves() -> None:
    panel = planted(DATA, poisoned=2, side=2, num_models=300, runner=SyncRunner())
    shown = last(panel.engine.compute(panel.params, lambda: False, lambda done, total: None))
    proved = recipes.pecan(DATA, [AnyPatch(side) for side in shown.sides], num_models=300)
    assert (shown.table == proved.map(DATA.y_test, shown.rows)).all()
    two = recipes.pecan(DATA, AnyPatch(2), num_models=300).certificate
    assert shown.proved == two.accuracy(DATA.y_test, 2) > 0
    assert (shown.held.radius == two.radius).all()
    assert np.nanmin(two.by_class(DATA.y_test, 2)) == 0
    assert f"{100 * shown.proved:.0f} % of the test images, none of one class, are right" in panel.sentence
    rows = two.radius[0]
    assert f"beside {rows} poisoned images, of any kind" in panel.alt
    assert shown.table[0, 0] >= shown.table[-1, 0]
    assert shown.table[0, 0] >= shown.table[0, -1]
    panel.set(poisoned=1, side=1)
    lowest = np.nanmin(recipes.pecan(DATA, AnyPatch(1), num_models=300).certificate.by_class(DATA.y_test, 1))
    assert f"of the test images, at least {100 * lowest:.0f} % in each class, are right" in panel.sentence


def test_previews_hold_whenever_they_are_read() -> None:
    triggers = tuple(map(AnyPatch, range(1, 8)))
    compute = PlantedComputation(DATA, RobustLinear(), triggers=triggers)
    params = PlantedParams(poisoned=1, side=1, num_models=400)
    smoothing = Smoothing(rows=ClassBagging.of(DATA))
    run = (DATA, smoothing, RobustLinear(), DATA.x_test, 100, 0)
    *_, votes = compute.memory.stream(*run, triggers=triggers)
    shown = compute.result(params, smoothing, votes)
    evidence = votes.against(AnyPatch(1))
    watched = radius(bounds.kept_votes(evidence, ALPHA, True, watched=True), smoothing, num_rows=DATA.num_rows)
    once = radius(bounds.kept_votes(evidence, ALPHA, True), smoothing, num_rows=DATA.num_rows)
    assert (shown.held.radius == watched.radius).all()
    assert watched.radius.sum() < once.radius.sum()
    picture = draw_planted(shown)
    assert picture.sentence.startswith("Preview (100 of 400 models): with 100 models, each")
    assert "(preview, 100 of 400 models)" in picture.alt


@pytest.mark.parametrize("seed", range(4))
def test_the_patch_is_the_worst_of_all(seed: int) -> None:
    """Every content of 0 and 1 at every place, on the model itself: linear scores are extreme there."""
    draw = np.random.default_rng(seed)
    x = draw.random((12, 4, 4)).round(2).astype(np.float32)
    data = Dataset("tiny", x[:9], np.arange(9) % 3, x[9:], [0, 1, 2], ("a", "b", "c"))
    problem, streams = Problem.of(data, Smoothing(rows=ClassBagging.of(data))), generators(seed, range(1))
    models = RobustLinear().train(problem, streams)
    seen = set()
    for point, image in enumerate(data.x_test):
        found = one_vote(data, point, 2, seed=seed)
        every = [image.copy() for _ in range(9 * 16)]
        for at, (row, column, content) in enumerate(product(range(3), range(3), product((0, 1), repeat=4))):
            every[at][row : row + 2, column : column + 2] = np.reshape(content, (2, 2))
        tried = torch.tensor(np.stack([image, found.attacked, *every])).flatten(1).float()
        scores = models.scores(tried, None, streams)[0].numpy()
        leads = scores[found.label] - np.delete(scores, found.label, 0).max(0)
        assert found.label == scores[:, 0].argmax()
        assert leads[1] == pytest.approx(leads.min(), abs=1e-5)
        assert found.lead - found.loss == pytest.approx(leads.min(), abs=1e-5)
        row, column = found.place
        untouched = np.ones((4, 4), bool)
        untouched[row : row + 2, column : column + 2] = False
        assert (found.attacked == image)[untouched].all()
        assert not found.kept or (scores.argmax(0) == found.label).all()
        assert found.kept == (found.taken < 1)
        seen.add(found.kept)
    assert seen


def test_at_nothing_it_says_that_nothing_is_proved() -> None:
    panel = planted(DATA, poisoned=12, side=7, num_models=100, runner=SyncRunner())
    assert "nothing is proved against any 7x7 patch" in panel.sentence
    assert "may fail or succeed" in panel.sentence
    assert "so nothing is proved about it" in panel.svg


@pytest.mark.parametrize("label", [0, 1])
def test_a_kept_vote_for_another_class_is_not_said_to_count(label: int) -> None:
    panel = planted(DATA, poisoned=1, side=1, num_models=100, runner=SyncRunner())
    found = last(panel.engine.compute(panel.params, lambda: False, lambda done, total: None))
    vote = replace(found.vote, label=label, kept=True)
    won = label == found.held.label[0]
    said = list(ET.fromstring(draw_planted(replace(found, vote=vote)).svg).itertext())
    assert ("kept: it counts" in said) == won
    assert ("kept, but a" in said) == (f"vote for \u201c{label}\u201d" in said) == (not won)


def test_a_setting_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="side is 9"):
        planted(DATA, side=9, runner=SyncRunner())


def test_the_other_way_round_a_defence_is_chosen_on_practice_images_and_proved_on_the_test_images() -> None:
    panel = planted(DATA, poisoned=1, side=1, wanted=0.5, runner=SyncRunner())
    shown = last(panel.engine.compute(panel.params, lambda: False, lambda done, total: None))
    practice, patch = DATA.hold_out(), AnyPatch(1)

    def share(each: int, models: int) -> float:
        found = recipes.pecan(practice, patch, bag=ClassBagging.of(practice, each), num_models=models)
        return found.certificate.accuracy(practice.y_test, 1)

    chosen = shown.params.each, shown.params.num_models
    assert shown.practice == share(*chosen) >= 0.5
    for models in NUMBERS[: NUMBERS.index(chosen[1])]:
        assert all(share(each, models) < 0.5 for each in BAGS)
    final = recipes.pecan(DATA, patch, bag=ClassBagging.of(DATA, chosen[0]), num_models=chosen[1])
    proved = final.certificate.accuracy(DATA.y_test, 1)
    assert shown.proved == proved
    assert f"{100 * proved:.0f} % of the test images are right and certified" in panel.sentence
    assert "the fewest models tried that prove 50 % on 15 practice images" in panel.sentence
    assert f"Even if all vote alike, a proof takes {shown.least:,.0f} models at least; with noise" in panel.sentence
    assert panel.controls.rows["each"].layout.display == "none"


def test_while_a_defence_is_chosen_the_one_that_is_set_is_shown_as_a_preview() -> None:
    panel = planted(DATA, poisoned=1, side=1, num_models=100, runner=SyncRunner())
    compute, asked = panel.engine.compute, replace(panel.params, wanted=0.5)
    shown = next(compute(asked, lambda: False, lambda done, total: None))
    assert shown.proved == last(compute(panel.params, lambda: False, lambda done, total: None)).proved
    meanwhile = draw_planted(shown)
    assert meanwhile.sentence.startswith("Preview while defences are tried: with 100 models")
    assert "asked for 50 %" in meanwhile.alt
    assert meanwhile.alt.endswith("(preview, defences are tried)")
    answer = last(compute(asked, lambda: False, lambda done, total: None))
    assert draw_planted(answer).alt.endswith("(final)")
    known = next(compute(asked, lambda: False, lambda done, total: None), answer)  # no preview of another defence
    assert "defences are tried" not in draw_planted(known).alt


def test_a_wish_that_nothing_meets_is_answered_honestly() -> None:
    panel = planted(DATA, poisoned=12, side=7, wanted=0.9, runner=SyncRunner())
    assert "none of the defences tried proves 90 %, and this one comes closest" in panel.sentence
    panel.set(wanted=0.0)
    assert "practice" not in panel.sentence


@pytest.mark.parametrize(("poisoned", "each"), [(0, 1), (3, 1), (6, 2), (12, 5)])
def test_fewer_models_than_the_panel_says_never_certify_even_if_all_vote_alike(poisoned: int, each: int) -> None:
    panel = planted(DATA, poisoned=poisoned, each=each, num_models=100, side=1, runner=SyncRunner())
    least = last(panel.engine.compute(panel.params, lambda: False, lambda done, total: None)).least
    smoothing, patch = Smoothing(rows=ClassBagging.of(DATA, each)), AnyPatch(1)

    def holds(models: int) -> bool:
        counts = np.array([[models, 0]])
        evidence = Evidence(patch, counts, counts[None], np.array([[[models, 0]]]))
        found = bounds.kept_votes(evidence, ALPHA, runner_up=True)
        return bool(radius(found, smoothing, num_rows=DATA.num_rows).radius[0] >= poisoned)

    if least == np.inf:
        assert "no number suffices" in panel.svg
        assert not holds(10**9)
    else:
        assert holds(int(least))
        assert not holds(int(least) - 1)
