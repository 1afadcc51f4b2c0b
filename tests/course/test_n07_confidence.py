"""Notebook 07: each check accepts the solution, and has a hint for typical mistakes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from answers import held

import rsbd
from rsbd.certify.confidence import expected, from_mean
from rsbd.course import lessons
from rsbd.course.lessons.n07_confidence import Asked
from rsbd.errors import InputError

LAW = rsbd.Flip("4/5").shift(1)
SCORES = ["0.2", "0.5", "0.6", "0.9", "1"]


def on_hand(answer):
    return lessons.check_by_hand(answer, SCORES, LAW)


def on_agree(answer):
    return lessons.check_agree(answer, LAW)


TestAnswers = held(
    [
        (on_hand, 0.31),
        (on_hand, Fraction(31, 100)),
        (on_agree, [0, 0, 1, 1, 1]),
        (on_agree, ["1", 0, 1, 0, 1.0]),
    ],
    [
        (on_hand, 0.16, "naive bound"),
        (on_hand, 0.64, "before the attack"),
        (on_hand, 0.11, "equals it reaches it"),
        (on_hand, 0.3, "same width"),
        (on_hand, 0.5, "For each score"),
        (on_agree, [0.6] * 5, "opposite"),
        (on_agree, [0.2, 0.4, 0.6, 0.8, 1], "Move the scores apart"),
        (on_agree, [0, 0, 0, 1, 1], "average is 0.4"),
        (on_agree, [0, 3], "5 scores"),
        (on_agree, 0.6, "not a list"),
        (on_agree, [..., 0, 0], "not a list"),
        (on_agree, "0 0 1 1 1", "not a list"),
    ],
)


def test_scores_on_a_straight_line_are_right_for_another_reason():
    verdict = on_agree([0, 0.5, 0.5, 1, 1])
    assert verdict.passed
    assert "straight line" in verdict.words
    assert "ends" in on_agree([0, 0, 1, 1, 1]).words


def test_by_hand_is_what_the_library_computes():
    # With so many equal copies of the five scores the band is nearly nothing.
    draws = np.repeat(np.array([float(s) for s in SCORES], dtype=np.float32), 40_000)[None]
    whole, naive = lessons.by_hand(SCORES, LAW)
    assert expected(draws, [LAW], 0.1, thresholds=draws.size)[0, 0] == pytest.approx(float(whole), abs=0.02)
    assert from_mean(draws, [LAW], 0.1)[0, 0] == pytest.approx(float(naive), abs=0.02)


def test_the_band_holds_everywhere_and_single_bounds_do_not():
    band, each = lessons.band_breaks(copies=100, alpha=0.1)
    assert band < 0.12
    assert each > 0.4


def test_twins_have_the_same_votes_and_other_scores():
    data = lessons.gray_digits()
    asked = lessons.ask(data, sigma=0.5, copies=300)
    sure, unsure = asked.twins(0.7)
    assert round(asked.votes[sure], 2) == round(asked.votes[unsure], 2)
    assert asked.average[sure] > asked.average[unsure]
    assert np.mean(asked.label == data.y_test) > 0.8
    with pytest.raises(InputError, match="lower sigma"):
        Asked(asked.label, asked.votes * 0, asked.scores).twins()


def test_pictures_say_their_numbers():
    drawn = lessons.draw_levels([0.2, 0.4, 0.6, 0.8, 1], LAW)
    words = " ".join(text.get_text() for text in drawn.get_legend().get_texts())
    assert "average = 0.60" in words
    assert "at least 0.30" in words
    assert "naive: 0.15" in words
    rng = np.random.default_rng(0)
    assert len(lessons.draw_scores([rng.random(50), rng.random(50)], ["a", "b"]).get_legend().get_texts()) == 2


def test_data_sets_by_name():
    assert lessons.gray_digits().values is None
    with pytest.raises(InputError, match="choose 'digits' or 'mnist'"):
        lessons.gray_digits("letters")
