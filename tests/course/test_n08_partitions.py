"""Notebook 08: each check accepts the solution, and has a hint for typical mistakes."""

from __future__ import annotations

from fractions import Fraction
from math import comb

from answers import held

from rsbd import Threat, load, radius
from rsbd.course import lessons
from rsbd.noises import Bagging
from rsbd.recipes import bagflip, bagging, dpa

DATA = lessons.two_digits()
SMALL = load("digits", side=8, classes=(0, 1))  # trains faster
BAG = {"size": 20, "poisoned": 4, "num_rows": 204}


def on_radius(answer):
    return lessons.check_dpa_radius(answer, votes=[19, 31])


def on_parts(answer):
    return lessons.check_parts(answer, DATA, rows=5, share=0.95)


def on_bag(answer):
    return lessons.check_bag_misses(answer, **BAG)


TestAnswers = held(
    [
        (on_radius, (31 - 19 - 1) // 2),
        (on_radius, "5"),
        (on_parts, 50),
        (on_parts, 45.0),
        (on_bag, (1 - 4 / 204) ** 20),
        (on_bag, Fraction(200, 204) ** 20),
        (on_bag, round((1 - 4 / 204) ** 20, 6)),
    ],
    [
        (on_radius, 6, "At a tie the lower label wins"),
        (on_radius, 12, "lead in votes"),
        (on_radius, 11, "takes 2 from the lead"),
        (on_radius, 2, "in and out at once"),
        (on_radius, 15, "close the gap"),
        (on_radius, 40, "Each row turns one vote"),
        (on_radius, "few", "not a number"),
        (on_parts, 15, "no more than 3 changed rows"),
        (on_parts, 20, "hardly a vote to spare"),
        (on_parts, 0, "at least 1"),
        (on_parts, 2.5, "whole number"),
        (on_parts, 10_000, "up to 200"),
        (on_parts, "all", "no number of parts"),
        (on_parts, [30], "no number of parts"),
        (on_parts, float("inf"), "no number of parts"),
        (on_bag, 200 / 204, "one draw"),
        (on_bag, 1 - (200 / 204) ** 20, "at least one"),
        (on_bag, 1 - 20 * 4 / 204, "counts a bag twice"),
        (on_bag, comb(200, 20) / comb(204, 20), "without replacement"),
        (on_bag, (1 - 20 / 204) ** 4, "exchanged"),
        (on_bag, 0.5, "all draws must miss"),
    ],
)


def test_votes_that_are_not_clear_need_more_rows_for_each_model():
    assert "Give each model more rows" in lessons.check_parts(120, DATA, rows=5, share=1.0).words


def test_the_tie_break_depends_on_who_is_the_rival():
    assert lessons.check_dpa_radius(6, votes=[31, 19]).passed  # here the winner also wins a tie
    assert not lessons.check_dpa_radius(6, votes=[19, 31]).passed
    assert lessons.check_dpa_radius(5, votes=[19, 31, 0]).passed
    assert "round down" in lessons.check_dpa_radius(5.5, votes=[19, 31]).words
    assert lessons.check_dpa_radius(6, votes=[0, 31, 19]).passed


def test_answers_are_those_of_the_library():
    overlap = 1 - float(Bagging(20).shift(4, num_rows=204).upper(Fraction(0)))
    assert on_bag(overlap).passed
    assert (dpa(DATA, 30).changed.accuracy(DATA.y_test, 5) >= 0.95) is on_parts(30).passed


def test_what_is_proved_against_a_threat():
    few, large = Threat(rows=3, trigger=25, on_test=False), Threat(rows=3, trigger=1, on_test=True)
    dealt, bags, flips = dpa(SMALL, 30), bagging(SMALL, 10), bagflip(SMALL, 30, 0.95)
    assert lessons.proved(dealt, SMALL, few) == dealt.changed.accuracy(SMALL.y_test, 3)
    assert lessons.proved(bags, SMALL, few) == bags.certificate.accuracy(SMALL.y_test, 3)
    assert lessons.proved(dealt, SMALL, large) == lessons.proved(bags, SMALL, large) == "not covered"
    assert lessons.proved(flips, SMALL, large) == flips.certificate.accuracy(SMALL.y_test, 3)
    wholly = radius(flips.bounds, flips.smoothing, num_rows=SMALL.num_rows).accuracy(SMALL.y_test, 3)
    assert lessons.proved(flips, SMALL, few) >= wholly  # a bag with a poisoned row is not given up
