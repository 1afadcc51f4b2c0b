"""Notebook 00: the check has a hint for typical mistakes, tables say what ran, and the promise is kept."""

from __future__ import annotations

import numpy as np
from answers import held

import rsbd
from rsbd.course import lessons
from rsbd.recipes import pecan
from rsbd.recipes.report import report

DATA = lessons.two_digits()


def on_side(answer):
    return lessons.check_side(answer, DATA, images=2)


TestAnswers = held(
    [(on_side, 5), (on_side, "5"), (on_side, 5.0), (on_side, np.int64(5))],
    [
        (on_side, 4, "easier to learn"),
        (on_side, 6, "smaller square is enough"),
        (on_side, 28, "covers 100 % of the image"),
        (on_side, 14, "covers 25 % of the image"),
        (on_side, 29, "from 1 to 28"),
        (on_side, 0, "from 1 to 28"),
        (on_side, 4.5, "whole number"),
        (on_side, "wide", "whole number"),
        (on_side, [5, 5], "whole number"),
    ],
)


def test_the_quiz_on_what_stopped_the_attack_hints_without_the_answer():
    quiz = lessons.quiz("stopped")
    assert quiz.press("b").passed
    for wrong in "acd":
        assert not quiz.press(wrong).passed


def test_pure_noise_is_robust_and_useless_in_the_table_of_keeps():
    practice = DATA.hold_out()
    rows = lessons.compare_keeps(practice, [0.5], [0, 4]).text.splitlines()
    assert len({cell.strip() for cell in rows[-1].split("|")[2:4]}) == 1


def test_like_is_compared_with_like():
    attack = rsbd.Poisoning(rsbd.BadPatch(3), target=1, rate=0.05)
    noise = rsbd.Smoothing.flips(DATA, 0.8)
    found = report(rsbd.Experiment(DATA, attack, noise, rsbd.LDA(), num_models=64).run())
    undefended, bare, smoothed = (rates.attack_success_rate for rates in found.outcome.rates.values())
    assert undefended == bare > 0.5 > smoothed  # the same learner: what is left is the noise's work
    row = [cell.strip() for cell in lessons.compare_fooled({"discriminants": found}).text.splitlines()[-1].split("|")]
    assert row[1:6] == [
        "discriminants",
        "69 %",
        "69 %",
        *(rsbd.words.percent(x) for x in (smoothed, found.accuracies[1])),
    ]


def test_the_promise_is_kept():
    planted = 10
    proved = pecan(DATA, rsbd.AnyPatch(3), num_models=1000).certificate.accuracy(DATA.y_test, planted)
    assert proved >= 0.9
    said = lessons.promise(proved, planted, 3).text
    assert f">{100 * proved:.0f} %<" in said
    assert "10 poisoned images" in said
