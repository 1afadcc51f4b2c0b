"""Notebook 05: the experiments measure what they say, and each check has a hint for typical mistakes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from answers import held

from rsbd import bounds, load, radius
from rsbd.course import lessons
from rsbd.course.lessons import n05_rab
from rsbd.noises import Gaussian
from rsbd.noises.smoothing import Smoothing
from rsbd.recipes import rab_knn
from rsbd.recipes.rab import per_row

DATA = lessons.two_digits(view="unit")
SMALL = load("digits", side=8, view="unit", classes=(0, 1))  # trains faster
FEW = SMALL.replace(x_test=SMALL.x_test[:12], y_test=SMALL.y_test[:12])


def on_trigger(answer):
    return lessons.check_per_image(answer, length=2.0, rows=10)


def on_models(answer):
    return lessons.check_models(answer, sigma=1.0, length=2.0, alpha=0.001)


def on_sigma(answer):
    return lessons.check_sigma(answer, DATA, length=2.5, share=0.7)


def on_small(answer):
    return lessons.check_sigma(answer, SMALL, share=0.68)


HOEFFDING = n05_rab.fewest_votes("hoeffding", 1.0, 2.0, 0.001)
EXACT = n05_rab.fewest_votes("clopper_pearson", 1.0, 2.0, 0.001)


TestAnswers = held(
    [
        (on_trigger, 2 / math.sqrt(10)),
        (on_trigger, 0.632),
        (on_trigger, per_row(2.0, rows=10)),  # as the notebook solves it
        (on_models, HOEFFDING),
        (on_models, float(HOEFFDING + 50)),
        (on_sigma, 1.5),
        (on_small, 0.55),
    ],
    [
        (on_trigger, 0.2, "add in squares"),
        (on_trigger, 2.0, "single image"),
        (on_trigger, 2 * math.sqrt(10), "That multiplies"),
        (on_trigger, 0.4, "take the root"),
        (on_trigger, 1.0, "Solve for the trigger"),
        (on_trigger, "small", "not a number"),
        (on_models, 1000, "Too few"),
        (on_models, EXACT, "Clopper-Pearson needs"),
        (on_models, math.ceil(math.log(1000) / math.log(2000) * HOEFFDING), "shared over the two classes"),
        (on_models, 20_000, "not the fewest"),
        (on_models, 0.5, "whole number"),
        (on_models, True, "whole number"),
        (on_models, math.nan, "whole number"),
        (on_models, 10**30, "whole number"),
        (on_small, 0.25, "even if all models agreed"),
        (on_small, 0.5, "little room"),
        (on_small, 2.0, "too much noise"),
        (on_sigma, -1, "standard deviation"),
        (on_sigma, 10**30, "drowns"),
    ],
)


def test_fewest_is_the_smallest_number():
    smoothing = Smoothing(features=Gaussian(1.0))
    for name, number in (("hoeffding", HOEFFDING), ("clopper_pearson", EXACT)):
        bound = getattr(bounds, name)
        reached = radius(bound([[number, 0], [number - 1, 0]], 0.001), smoothing).radius
        assert reached[0] >= 2.0 > reached[1]
    assert HOEFFDING > 10 * EXACT
    assert pytest.approx(math.log(2000) / (2 * 0.0227501319**2), rel=1e-3) == HOEFFDING


def test_hashed_models_answer_the_same_twice():
    fresh, hashed = n05_rab.asked_twice(FEW, sigma=1.0, num_models=20)
    assert 0.05 < fresh < 0.5
    assert hashed == 0


def test_sampled_neighbours_agree_with_the_computed_probability():
    counts = n05_rab.sampled_nearest(FEW, sigma=0.5, draws=400)
    assert (counts.sum(axis=1) == 400).all()
    exact = rab_knn(FEW, sigma=0.5).probabilities
    share, spread = counts / 400, 4 * np.sqrt(0.25 / 400)
    assert (share <= exact.upper + spread).all()
    assert (1 - share <= exact.miss + spread).all()
