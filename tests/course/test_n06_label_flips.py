"""Notebook 06: each check accepts the solution, and has a hint for typical mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from answers import held
from ci_tools import script

from rsbd.attacks.label_flips import fewest_flips
from rsbd.bounds.chernoff import Chances, lower_tail
from rsbd.course import lessons
from rsbd.course.lessons.n06_label_flips import chernoff_exponents
from rsbd.data import load
from rsbd.noises import Flip
from rsbd.recipes import rosenfeld
from rsbd.recipes.least_squares import LeastSquares, label_flip_bounds

ROOT = Path(__file__).resolve().parents[2]
DATA = lessons.two_digits(view="unit")
MODEL = LeastSquares.fit(DATA.x)
WEIGHTS = MODEL.influence(DATA.x_test)
MOST = max(q / 100 for q in range(1, 50) if lessons.certified_share(DATA, q / 100, flips=1) >= 0.5)


def on_closed_form(answer):
    return lessons.check_closed_form(answer, miss=0.01, flip=0.25)


def on_most_noise(answer):
    return lessons.check_most_noise(answer, DATA, flips=1, share=0.5)


def on_penalty(answer):
    return lessons.check_penalty(answer, DATA, flip=0.2, flips=10)


TestAnswers = held(
    [
        (on_closed_form, 2),
        (on_closed_form, "2"),
        (on_most_noise, MOST),
        (on_penalty, 0.7),
    ],
    [
        (on_closed_form, 3, "Rounded the wrong way"),
        (on_closed_form, 5, "exact radius"),
        (on_closed_form, 1, "1 - 2q"),
        (on_closed_form, 2.94, "How many whole flips"),
        (on_closed_form, 17, "natural logarithms"),
        (on_most_noise, round(MOST + 0.03, 2), "drowns"),
        (on_most_noise, 0.2, "there are still enough"),
        (on_most_noise, 1 - MOST, "keep"),
        (on_most_noise, 0.123, "multiple of 0.01"),
        (on_most_noise, 0, "no probability"),
        (on_most_noise, "much", "no number"),
        (on_penalty, 0.01, "Too little"),
        (on_penalty, 50, "Too much"),
        (on_penalty, 1, "default itself"),
        (on_penalty, -1, "not possible"),
        (on_penalty, "big", "no number"),
    ],
)


def test_the_curve_is_chernoffs_bound():
    point = int(np.argsort(fewest_flips(WEIGHTS, DATA.y)[1])[30])
    y = DATA.y if WEIGHTS[point] @ DATA.y > 0.5 else 1 - DATA.y
    one = np.where(y == 1, 0.7, 0.3)
    bound = lower_tail(WEIGHTS[[point]], Chances(one, 1 - one, 0 * one), 0.5)[0]
    curve = chernoff_exponents(WEIGHTS[point], y, 0.7, np.linspace(0, 200, 4001))
    assert np.exp(curve.min()) == pytest.approx(bound, rel=1e-3)
    assert bound == pytest.approx(label_flip_bounds(MODEL, DATA.x_test[[point]], DATA.y, Flip(0.7)).miss[0])
    drawn = lessons.draw_chernoff(WEIGHTS[point], DATA.y, 0.7)
    assert f"{bound:.2g}" in drawn.texts[0].get_text()


def test_pictures_say_their_numbers():
    label, needed = fewest_flips(WEIGHTS, DATA.y)
    for point in (int(np.flatnonzero(label == c)[0]) for c in (0, 1)):
        drawn = lessons.draw_flips(WEIGHTS[point], DATA.y, certified=4)
        words = [text.get_text() for text in drawn.texts]
        assert f"{needed[point]} flips turn it" in words
        assert "certified: 4" in words
        worst = drawn.lines[1].get_ydata()
        assert worst[needed[point]] <= 0.5 < worst[needed[point] - 1]
        assert (drawn.lines[0].get_ydata() >= worst - 1e-12).all()
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
