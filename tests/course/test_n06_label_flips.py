"""Notebook 06: each check accepts the solution, and has a hint for typical mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from answers import held
from ci_tools import script

from rsbd.attacks.label_flips import fewest_flips
from rsbd.course import lessons
from rsbd.data import load
from rsbd.recipes import rosenfeld
from rsbd.recipes.rosenfeld import LeastSquares

ROOT = Path(__file__).resolve().parents[2]
DATA = lessons.two_digits(view="unit")
MODEL = LeastSquares.fit(DATA.x)
WEIGHTS = MODEL.influence(DATA.x_test)
TRIAL = DATA.hold_out()
LEAST = next(k / 100 for k in range(51, 100) if lessons.certified_share(TRIAL, k / 100, flips=1) >= 0.5)


def on_smallest_keep(answer):
    return lessons.check_smallest_keep(answer, DATA, flips=1, share=0.5)


def on_penalty(answer):
    return lessons.check_penalty(answer, DATA, keep=0.8, flips=10)


TestAnswers = held(
    [
        (on_smallest_keep, LEAST),
        (on_smallest_keep, f"{100 * LEAST:.0f} %"),
        (on_penalty, 0.5),
        (on_penalty, "1/2"),
    ],
    [
        (on_smallest_keep, round(LEAST - 0.03, 2), "drowns"),
        (on_smallest_keep, 0.9, "one step less is enough"),
        (on_smallest_keep, 0.4, "flip probability"),
        (on_smallest_keep, 0.777, "multiple of 0.01"),
        (on_smallest_keep, 0, "not a probability"),
        (on_smallest_keep, 2, "not a probability"),
        (on_smallest_keep, "much", "not a probability"),
        (on_penalty, 0.001, "Too little"),
        (on_penalty, 50, "Too much"),
        (on_penalty, 1, "default itself"),
        (on_penalty, -1, "not a multiple"),
        (on_penalty, "big", "not a multiple"),
    ],
)


def test_settings_are_chosen_on_practice_points_and_certified_once_on_test_points():
    test = lessons.certified_share(DATA, LEAST, flips=1)
    assert f"once on the test images: {100 * test:.0f} %" in on_smallest_keep(LEAST).words
    shares = [f"{100 * lessons.certified_share(DATA, 0.8, 10, times):.0f} %" for times in (0.5, 1)]
    assert f"once on the test images: {shares[0]}, with the default {shares[1]}" in on_penalty(0.5).words


def test_pictures_say_their_numbers():
    label, needed = fewest_flips(WEIGHTS, DATA.y)
    for point in (int(np.flatnonzero(label == c)[0]) for c in (0, 1)):
        drawn = lessons.draw_flips(WEIGHTS[point], DATA.y, certified=4)
        words = drawn.get_legend_handles_labels()[1]
        assert f"{needed[point]} flips change the answer" in words
        assert "certified: 4 flips" in words
        worst = drawn.lines[0].get_ydata()
        assert worst[needed[point]] <= 0.5 < worst[needed[point] - 1]
        assert (drawn.lines[1].get_ydata() >= worst - 1e-12).all()
    assert len(lessons.draw_radii(0.8).lines) == 2


def test_exact_is_about_twice_the_closed_form():
    closed, exact = lessons.radii_by_miss(0.8, [1e-6, 1e-9, 1e-12])
    assert (exact >= 1.7 * closed).all()
    assert (exact <= 2.3 * closed).all()


def test_the_stored_result_is_made_by_its_script():
    stored = lessons.stored("mnist-labels", ROOT / "notebooks" / "results")
    small = load("digits", view="unit", classes=(0, 1))
    made = script("mnist_labels").mnist_labels(small, keeps=(0.8,), steps=(0, 5, 10))
    assert set(made) == set(stored)
    assert set(made["settings"]) == set(stored["settings"])
    assert made["certified"][0]["exact"] == pytest.approx(
        rosenfeld(small, 0.8).certificate.curve(small.y_test, [0, 5, 10]), abs=1e-4
    )
    assert made["certified"][0]["exact"][1] > made["certified"][0]["closed_form"][1]
    for one in stored["certified"]:
        exact, closed = np.array(one["exact"]), np.array(one["closed_form"])
        assert (closed <= exact + 1e-9).all()
        assert (exact <= np.array(stored["attacked"]) + 1e-9).all()
    json.dumps(made)


@pytest.mark.mnist
def test_the_stored_result_is_what_the_code_computes():
    stored = lessons.stored("mnist-labels", ROOT / "notebooks" / "results")
    data = load("mnist", view="unit", classes=(1, 7))
    assert data.fingerprint() == stored["settings"]["fingerprint"]
    found = rosenfeld(data, 0.8)
    (kept,) = (one for one in stored["certified"] if one["keep"] == 0.8)
    assert found.certificate.curve(data.y_test, stored["flips"]) == pytest.approx(kept["exact"], abs=1e-3)
