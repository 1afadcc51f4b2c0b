"""Notebook 02: bounds fail or hold as the text says, and each check has a hint for typical mistakes."""

from __future__ import annotations

import numpy as np
import pytest
from answers import held
from scipy.stats import beta, binom, norm

from rsbd.course import lessons
from rsbd.errors import InputError

POINT = (0.3, -0.25)


def on_radius(answer):
    return lessons.check_radius(answer, votes=990, num=1000, sigma=0.5)


P_A = float(beta.ppf(0.001, 990, 11))
RADIUS = 0.5 * float(norm.ppf(P_A))

TestAnswers = held(
    [
        (on_radius, RADIUS),
        (on_radius, round(RADIUS, 3)),
        (on_radius, np.floor(1000 * RADIUS) / 1000),
    ],
    [
        (on_radius, 0.5 * norm.ppf(0.99), "First bound"),
        (on_radius, norm.ppf(P_A), "multiply by sigma"),
        (on_radius, P_A, "bound on the probability"),
        (on_radius, 0.5 * norm.ppf(beta.ppf(0.0005, 990, 11)), "shares alpha"),
        (on_radius, 2.0, "Two steps"),
        (on_radius, "far", "not a number"),
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


def test_the_votes_are_the_panels():
    from rsbd.panels.plane.compute import PlaneParams, compute_plane

    seen = compute_plane(PlaneParams(x=0.3, y=-0.25))
    assert (lessons.plane_votes(POINT, 0.3, 1000) == [seen.counts]).all()


def test_the_best_of_ten_fails_as_often_as_any_of_ten():
    votes = np.arange(1001)
    each = binom.pmf(votes, 1000, 0.5)[beta.ppf(0.05, votes, 1001 - votes) > 0.5].sum()  # of one bound: at most alpha
    assert each < 0.05
    assert lessons.best_of(10, "certified points") == pytest.approx(1 - (1 - each) ** 10, abs=0.02)
    assert lessons.best_of(10, "practice points") == pytest.approx(each, abs=0.01)
    with pytest.raises(InputError, match="'certified points' or 'practice points'"):
        lessons.best_of(10, "test points")


def test_the_quiz_on_abstaining_names_the_bounds():
    said = lessons.QUIZZES["abstain"]
    for letter, (votes, num) in {"a": (9, 10), "b": (60, 100), "c": (540, 1000), "d": (5200, 10_000)}.items():
        least = float(beta.ppf(0.001, votes, num - votes + 1))
        assert said[letter]["claim"] == f"{votes:,} of {num:,}"
        assert f"{np.floor(1000 * least) / 10:.1f} %" in said[letter]["said"]
        assert (least > 0.5) == (letter == said["right"])


def test_the_picture_names_its_curves():
    shown = lessons.draw_radius_by_sigma((0, 0.1), num=300)
    for words in ("Answer A: at most", "Answer B: at most", "It abstains between sigma"):
        assert words in shown.sentence
