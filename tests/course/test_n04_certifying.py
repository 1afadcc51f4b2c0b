"""Notebook 04: its checks, and its picture of misses and limits."""

from __future__ import annotations

from fractions import Fraction

import pytest
from answers import held

import rsbd
from rsbd.course import lessons
from rsbd.noises.smoothing import Threat
from rsbd.recipes import wang

DATA = lessons.two_digits()
SMALL = rsbd.load("digits", side=8, classes=(0, 1))  # trains faster


def keeps(features: object, labels: object, test: object) -> dict[str, object]:
    return {"keep_features": features, "keep_labels": labels, "keep_test": test}


def on_noise(answer):
    return lessons.check_noise(answer, DATA, Threat(rows=3, trigger=1), share=0.7, num_models=2000)


def on_small(answer):
    return lessons.check_noise(answer, SMALL, Threat(rows=1, trigger=1), share=0.15)


def on_miss(answer):
    return lessons.check_miss(answer, keep=0.9)


TestAnswers = held(
    [
        (on_miss, Fraction(1, 18)),
        (on_miss, 1 / 18),
        (on_miss, 0.0555556),
        (on_miss, 0.056),
        (on_noise, keeps(0.7, 0.7, 0.8)),
        (on_small, keeps(0.8, 0.8, 0.9)),
    ],
    [
        (on_miss, 0.5, "radius 0"),
        (on_miss, Fraction(1, 9), "to reach 1"),
        (on_miss, 0.1, "of a flip"),
        (on_miss, 0.9, "That is keep"),
        (on_miss, 0.2, "below 1/2"),
        (on_miss, 5.56, "per cent"),
        (on_miss, 9, "the factor"),
        (on_miss, 4.5, "a probability"),
        (on_small, keeps(0.9, 0.9, 0.95), "Too little noise"),
        (on_small, keeps(0.6, 0.6, 0.8), "not clear enough"),
        (on_small, keeps(0.5, 0.5, 0.5), "useless"),
        (on_noise, keeps(0.8, 0.8, 1.2), "is a probability"),
        (on_noise, {"keep": 0.8}, "one number for each"),
        (on_noise, 0.8, "one number for each"),
    ],
)


def test_a_half_filled_stub_is_no_answer():
    assert on_noise(keeps(0.8, ..., 0.9)).passed is None
    assert on_noise(keeps(0.8, 0.8, None)).passed is None


def test_no_two_hints_of_a_check_are_the_same():
    answers = (0.5, 1 / 9, 0.1, 0.9, 0.3)
    assert len({on_miss(answer).words for answer in answers}) == len(answers)


@pytest.mark.slow
def test_noise_is_judged_on_practice_points_and_then_certified_once():
    said = on_small(keeps(0.8, 0.8, 0.9)).words
    result = wang(SMALL, keep_features=0.8, keep_labels=0.8, keep_test=0.9, num_models=4000)
    once = (result.certify(Threat(rows=1, trigger=1)) & (result.bounds.label == SMALL.y_test)).mean()
    assert said.endswith(f"certified once: {100 * once:.0f} %.")
    assert "practice" in said
