"""Notebook 04: each check accepts the solution, rejects the stub, and has a hint for typical mistakes."""

from __future__ import annotations

from fractions import Fraction

from answers import held

import rsbd
from rsbd import bounds
from rsbd.course import lessons
from rsbd.noises.smoothing import Threat

DATA = lessons.two_digits()
SMALL = rsbd.load("digits", side=8, classes=(0, 1))  # trains faster
TIED = rsbd.Smoothing(features=rsbd.Flip(0.8), labels=rsbd.Flip(0.8), test=rsbd.Flip(0.8))


def keeps(features: object, labels: object, test: object) -> dict[str, object]:
    return {"keep_features": features, "keep_labels": labels, "keep_test": test}


def on_noise(answer):
    return lessons.check_noise(answer, DATA, Threat(rows=3, trigger=1), share=0.9)


def on_small(answer):
    return lessons.check_noise(answer, SMALL, Threat(rows=1, trigger=1))


def on_miss(answer):
    return lessons.check_miss(answer, keep=0.9)


def on_votes(answer):
    return lessons.check_votes(answer, keep=0.8, num_models=5000, alpha=0.001)


TestAnswers = held(
    [
        (on_miss, Fraction(1, 18)),
        (on_miss, 1 / 18),
        (on_miss, 0.0555556),
        (on_miss, 0.056),
        (on_votes, rsbd.radius(bounds.simultaneous([[5000, 0]], 0.001), TIED).radius),  # as the notebook solves it
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
        (on_votes, 5000, "number of votes"),
        (on_votes, 4, "One more"),
        (on_votes, 6, "One too many"),
        (on_votes, 0, "strong evidence"),
        (on_votes, 12, "rsbd.radius"),
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
