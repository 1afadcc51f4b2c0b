"""Notebook 02: bounds fail or hold as the text says, and each check has a hint for typical mistakes."""

from __future__ import annotations

import numpy as np
import pytest
from answers import held
from scipy.stats import beta, norm

from rsbd.course import lessons
from rsbd.errors import InputError

CASES = {"a": (9, 10), "b": (60, 100), "c": (560, 1000), "d": (5200, 10_000)}
POINT = (0.3, -0.25)


def on_radius(answer):
    return lessons.check_radius(answer, votes=990, num=1000, sigma=0.5)


def on_abstain(answer):
    return lessons.check_abstain(answer, CASES)


def on_enough(answer):
    return lessons.check_enough(answer, wanted=1.5, sigma=0.5)


P_A = float(beta.ppf(0.001, 990, 11))
RADIUS = 0.5 * float(norm.ppf(P_A))
ENOUGH = int(np.ceil(np.log(0.001) / norm.logcdf(3)))


TestAnswers = held(
    [
        (on_radius, RADIUS),
        (on_radius, round(RADIUS, 3)),
        (on_radius, np.floor(1000 * RADIUS) / 1000),
        (on_abstain, ["a", "b"]),
        (on_abstain, {"b", "a"}),
        (on_abstain, "a, b"),
        (on_enough, ENOUGH),
    ],
    [
        (on_radius, 0.5 * norm.ppf(0.99), "First bound"),
        (on_radius, norm.ppf(P_A), "multiply by sigma"),
        (on_radius, P_A, "bound on the probability"),
        (on_radius, 0.5 * norm.ppf(beta.ppf(0.0005, 990, 11)), "shares alpha"),
        (on_radius, 2.0, "Two steps"),
        (on_radius, "far", "not a number"),
        (on_abstain, [], "majority is not enough"),
        (on_abstain, ["b"], "in case a"),
        (on_abstain, ["a", "b", "c"], "in case c"),
        (on_abstain, ["a", "b", "d"], "10,000 votes are"),
        (on_abstain, ["e"], "choose among"),
        (on_abstain, [["a"]], "choose among"),
        (on_abstain, 3, "no list"),
        (on_enough, 1000, "certify at most 1.232"),
        (on_enough, ENOUGH - 1, "more are needed"),
        (on_enough, ENOUGH + 1, "fewer are enough"),
        (on_enough, 0.99865, "That is a probability"),
        (on_enough, 5113.5, "whole number"),
        (on_enough, "many", "not a number"),
    ],
)


def test_which_rules_break_their_promise():
    shares = {rule: lessons.broken(rule) for rule in ("same votes", "shared", "other votes")}
    assert shares["same votes"] > 0.08  # twice alpha, less what whole votes leave
    assert shares["shared"] <= 0.05
    assert shares["other votes"] <= 0.05
    with pytest.raises(InputError, match="choose 'same votes'"):
        lessons.broken("none")


def test_looking_again_breaks_one_bound_and_not_the_other():
    assert lessons.peeking("simultaneous") > 0.2
    assert lessons.peeking("simultaneous", every=1000) <= 0.05
    assert lessons.peeking("anytime") <= 0.05
    with pytest.raises(InputError, match="'simultaneous' or 'anytime'"):
        lessons.peeking("never")


def test_the_radius_is_the_panels():
    from rsbd.panels.plane.compute import PlaneParams, compute_plane

    seen = compute_plane(PlaneParams(x=0.3, y=-0.25))
    assert lessons.plane_radius(POINT, 0.3, 1000) == (0, seen.radius)
    assert (lessons.plane_votes(POINT, 0.3, 1000) == [seen.counts]).all()
    assert lessons.plane_radius(POINT, 0.8, 30)[0] == -1


def test_around_the_circle_the_majority_holds():
    _, size = lessons.plane_radius(POINT, 0.3, 10_000)
    assert lessons.around(POINT, size, 0.3).min() > 0.5


def test_most_radius_grows_with_the_votes_and_starts_at_none():
    sizes = [lessons.most_radius(n, 1.0) for n in (1, 10, 100, 1000)]
    assert sizes[0] == 0
    assert sizes == sorted(sizes)
    assert sizes[-1] == pytest.approx(norm.ppf(0.001**0.001), abs=1e-6)


def test_pictures_name_their_curves():
    by_sigma = lessons.draw_radius_by_sigma(POINT, [0.1, 0.3, 0.6, 0.8, 1.0, 1.5, 2.0], 300)
    assert {text.get_text() for text in by_sigma.texts} == {"answers A", "answers B", "abstains"}
    by_votes = lessons.draw_radius_by_votes([1, 0.9], [10, 100, 1000])
    assert [text.get_text() for text in by_votes.texts] == ["all agree", "90 % agree"]
