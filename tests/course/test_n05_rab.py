"""Notebook 05: each check accepts the solution, rejects the stub, and has a hint for typical mistakes."""

from __future__ import annotations

import math

import pytest
from answers import held

from rsbd import load
from rsbd.course import lessons
from rsbd.recipes.rab import per_row, rab

DATA = lessons.two_digits(view="unit")
SMALL = load("digits", side=8, view="unit", classes=(0, 1))  # trains faster


def on_trigger(answer):
    return lessons.check_per_image(answer, length=2.0, rows=10)


def on_sigma(answer):
    return lessons.check_sigma(answer, DATA, length=2.5, share=0.6)


def on_small(answer):
    return lessons.check_sigma(answer, SMALL, share=0.5)


TestAnswers = held(
    [
        (on_trigger, 2 / math.sqrt(10)),
        (on_trigger, 0.632),
        (on_trigger, per_row(2.0, rows=10)),  # as the notebook solves it
        (on_sigma, 1.5),
        (on_small, 0.5),
    ],
    [
        (on_trigger, 0.2, "add in squares"),
        (on_trigger, 2.0, "single image"),
        (on_trigger, 2 * math.sqrt(10), "That multiplies"),
        (on_trigger, 0.4, "take the root"),
        (on_trigger, 1.0, "Solve for the trigger"),
        (on_trigger, "small", "not a number"),
        (on_small, 0.25, "even if all models agreed"),
        (on_small, 0.42, "little room"),
        (on_small, 2.0, "too much noise"),
        (on_sigma, -1, "standard deviation"),
        (on_sigma, 10**30, "drowns"),
    ],
)


@pytest.mark.slow
def test_sigma_is_judged_on_practice_points_and_then_certified_once():
    said = on_small(0.5).words
    once = rab(SMALL, 0.5).certificate.accuracy(SMALL.y_test, 1.0)
    assert said.endswith(f"certified once: {100 * once:.0f} %.")
    assert "practice" in said
