"""The panel of the planted attack: it shows what pecan proves, and the patch that is really worst for one model."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from rsbd import Dataset, bounds, load, recipes
from rsbd.certify import radius
from rsbd.errors import InputError
from rsbd.evasion import AnyPatch
from rsbd.learners import Problem, RobustLinear
from rsbd.learners.randomness import generators
from rsbd.noises import ClassBagging, Smoothing
from rsbd.panels import SyncRunner, planted
from rsbd.panels.planted.compute import ALPHA, PlantedComputation, PlantedParams, PlantedResult, one_vote
from rsbd.panels.planted.draw import draw_planted

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
    assert f"beside {rows} poisoned images, whatever they show" in panel.alt
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
    *_, votes = compute.memory.stream(None, *run, triggers=triggers)
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


def test_a_setting_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="side is 9"):
        planted(DATA, side=9, runner=SyncRunner())
