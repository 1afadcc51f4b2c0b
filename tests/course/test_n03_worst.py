"""Notebook 03: the small world is enumerated correctly, and each check has a hint for typical mistakes."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from answers import held

from rsbd.course import lessons
from rsbd.course.lessons import n03_worst
from rsbd.errors import InputError
from rsbd.noises import Flip

WORLD = n03_worst.Bits("3/4", "000", "110")


def on_worst(answer):
    return lessons.check_worst(answer, keep="4/5", miss="1/10")


def on_reach(answer):
    return lessons.check_reach(answer, keep="4/5", p_a="0.99")


TestAnswers = held(
    [
        (on_worst, Fraction(2, 5)),
        (on_worst, 0.4),
        (on_worst, "2/5"),
        (on_reach, 2),
    ],
    [
        (on_worst, 0.1, "the miss itself"),
        (on_worst, Fraction(1, 40), "divides by the factor"),
        (on_worst, 0.08, "multiplies by keep"),
        (on_worst, 0.8, "what share"),
        (on_worst, 1, "stays below"),
        (on_worst, 0.3, "what is Q / P there"),
        (on_worst, "much", "not a number"),
        (on_reach, 3, "One too many"),
        (on_reach, 1, "One more"),
        (on_reach, 0, "first limit"),
        (on_reach, 20, "threshold()"),
    ],
)


def test_the_world_is_what_the_noise_does():
    assert sum(WORLD.P) == sum(WORLD.Q) == 1
    for outcome, p, q in zip(WORLD.outcomes, WORLD.P, WORLD.Q, strict=True):
        assert p == np.prod([Fraction(3, 4) if bit == "0" else Fraction(1, 4) for bit in outcome])
        assert q == WORLD.P[WORLD.outcomes.index("".join("10"[int(b)] for b in outcome[:2]) + outcome[2])]


def test_everyone_is_all_classifiers():
    before, after, unit = WORLD.everyone()
    assert len(before) == 256
    for answers, p, q in list(zip(product((0, 1), repeat=8), before, after, strict=True))[::17]:
        assert Fraction(int(p), unit) == sum(a * w for a, w in zip(answers, WORLD.P, strict=True))
        assert Fraction(int(q), unit) == sum(a * w for a, w in zip(answers, WORLD.Q, strict=True))


@pytest.mark.parametrize("keep", ["3/4", "1/2", "1/4"])
def test_the_bound_holds_and_is_tight(keep):
    world, law = n03_worst.Bits(keep, "000", "110"), Flip(keep).shift(2)
    before, after, unit = world.everyone()
    for p, q in zip(before.tolist(), after.tolist(), strict=True):
        assert Fraction(q, unit) <= law.upper(Fraction(p, unit))
    for corner in {Fraction(int(p), unit) for p in before}:
        assert n03_worst.filled(world.P, world.Q, corner) == law.upper(corner) >= world.worst(corner)
    assert any(
        Fraction(q, unit) == law.upper(Fraction(p, unit)) for p, q in zip(before.tolist(), after.tolist(), strict=True)
    )


def test_the_cloud_shows_everyone():
    shown = n03_worst.draw_classifiers(WORLD)
    assert "256 classifiers" in shown.sentence
    assert "0 dots lie above" in shown.sentence


@pytest.mark.parametrize(("held", "attacked"), [("0", "11"), ("", ""), ("00000", "11111"), ("0a", "11")])
def test_other_bits_are_refused(held, attacked):
    with pytest.raises(InputError, match=r"give two strings|write bits"):
        n03_worst.Bits("3/4", held, attacked)
