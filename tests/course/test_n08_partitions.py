"""Notebook 08: each check accepts the solution, and has a hint for typical mistakes."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from answers import held

from rsbd import Threat, bounds, certify, load, radius
from rsbd.course import lessons
from rsbd.noises import Bagging, Smoothing
from rsbd.recipes import bagflip, bagging, dpa

DATA = lessons.two_digits()
SMALL = load("digits", side=8, classes=(0, 1))  # trains faster


def on_radius(answer):
    return lessons.check_dpa_radius(answer, votes=[19, 31])


def on_parts(answer):
    return lessons.check_parts(answer, DATA, rows=5, share=0.8)


def on_bag(answer):
    return lessons.check_bag_rows(answer, size=20, num_rows=204)


TestAnswers = held(
    [
        (on_radius, (31 - 19 - 1) // 2),
        (on_radius, "5"),
        (on_parts, 40),
        (on_parts, "45"),
        (on_bag, 6),
        (on_bag, "6"),
    ],
    [
        (on_radius, 6, "At a tie the lower label wins"),
        (on_radius, 12, "That is the lead"),
        (on_radius, 11, "That is the lead"),
        (on_radius, 2, "removed and inserted at once"),
        (on_radius, 15, "close the gap"),
        (on_radius, 40, "Each row turns one vote"),
        (on_radius, "few", "not a number"),
        (on_parts, 15, "no more than 3 changed rows"),
        (on_parts, 20, "few votes to spare, since 10 of them"),
        (on_parts, 30, "Deal out more parts"),
        (on_parts, 120, "Give each model more rows"),
        (on_parts, 0, "from 1 to 200"),
        (on_parts, 2.5, "whole number"),
        (on_parts, 10_000, "from 1 to 200"),
        (on_parts, "all", "not a number of parts"),
        (on_parts, [30], "not a number of parts"),
        (on_parts, float("inf"), "not a number of parts"),
        (on_bag, 7, "49.7 %"),
        (on_bag, 5, "counts a bag twice"),
        (on_bag, 102, "one draw"),
        (on_bag, 10, "half of the bag"),
        (on_bag, 50, "more than half of the bags"),
    ],
)


def test_the_tie_break_depends_on_who_is_the_rival():
    assert lessons.check_dpa_radius(6, votes=[31, 19]).passed  # here the winner also wins a tie
    assert not lessons.check_dpa_radius(6, votes=[19, 31]).passed
    assert lessons.check_dpa_radius(5, votes=[19, 31, 0]).passed
    assert "round down" in lessons.check_dpa_radius(5.5, votes=[19, 31]).words
    assert lessons.check_dpa_radius(6, votes=[0, 31, 19]).passed


@pytest.mark.parametrize("size", [1, 7, 20, 60])
def test_the_most_rows_of_a_bag_are_those_that_the_library_certifies(size):
    """A thousand bags that agree leave a miss so small that it is the overlap that decides."""
    unanimous, smoothing = bounds.simultaneous([[10**6, 0]], 0.001), Smoothing(rows=Bagging(size))
    held = [certify(unanimous, smoothing, Threat(m, on_test=False), 204)[0] for m in range(205)]
    assert lessons.check_bag_rows(sum(held) - 1, size=size, num_rows=204).passed


def test_parts_are_chosen_on_practice_points_and_the_test_points_certified_once():
    practice = DATA.hold_out()
    said = [int(share) for share in re.findall(r"(\d+) %", on_parts(40).words)]
    certified = [dpa(d, 40).changed.accuracy(d.y_test, 5) for d in (practice, DATA)]
    assert said == [pytest.approx(100 * share, abs=0.51) for share in certified]
    assert "test images" not in on_parts(20).words


def test_only_the_first_choice_that_passes_certifies_the_test_points(monkeypatch):
    monkeypatch.setattr(import_module("rsbd.course.lessons.self_check"), "_CHOSEN", {})
    first = on_parts(35)
    later = on_parts(40)
    assert later.passed
    once = re.findall(r"\d+ %", first.words)[-1]
    assert f"certified with your first choice ({once})" in later.words
    assert on_parts(35) == first


def test_what_is_proved_against_a_threat():
    few, large = Threat(rows=3, trigger=25, on_test=False), Threat(rows=3, trigger=1, on_test=True)
    dealt, bags, flips = dpa(SMALL, 30), bagging(SMALL, 10), bagflip(SMALL, 30, 0.95)
    y = SMALL.y_test
    for found, certificate in ((dealt, dealt.changed), (bags, bags.certificate)):
        assert lessons.proved(found, SMALL, few) == [certificate.accuracy(y, 3), *certificate.by_class(y, 3)]
        assert lessons.proved(found, SMALL, large) == ["not covered"] * 3
    certificate = flips.certificate
    assert lessons.proved(flips, SMALL, large) == [certificate.accuracy(y, 3), *certificate.by_class(y, 3)]
    wholly = radius(flips.bounds, flips.smoothing, num_rows=SMALL.num_rows).accuracy(y, 3)
    assert lessons.proved(flips, SMALL, few)[0] >= wholly  # a bag with a poisoned row is not given up
