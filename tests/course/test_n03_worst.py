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
from rsbd.noises import Flip, Gaussian

WORLD = n03_worst.Bits("3/4", "000", "110")


def on_worst(answer):
    return lessons.check_worst(answer, keep="4/5", miss="1/10")


def on_first(answer):
    return lessons.check_first(answer, keep="1/4")


def on_first_kept(answer):
    return lessons.check_first(answer, keep="3/4")


def on_reach(answer):
    return lessons.check_reach(answer, keep="4/5", p_a="0.99")


TestAnswers = held(
    [
        (on_worst, Fraction(2, 5)),
        (on_worst, 0.4),
        (on_worst, "2/5"),
        (on_first, "old"),
        (on_first, " OLD "),
        (on_reach, 2),
        (on_first_kept, "new"),
    ],
    [
        (on_worst, 0.1, "the miss itself"),
        (on_worst, Fraction(1, 40), "divides by the factor"),
        (on_worst, 0.08, "multiplies by keep"),
        (on_worst, 0.8, "what share"),
        (on_worst, 1, "stays below"),
        (on_worst, 0.3, "what is Q / P there"),
        (on_worst, "much", "not a number"),
        (on_first, "new", "shows the *other* value"),
        (on_first, "even", "gains nothing"),
        (on_first, "third", "none of the three"),
        (on_first_kept, "old", "dearest outcome"),
        (on_first_kept, "even", "gains nothing"),
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


def test_pairs_must_be_sorted_again():
    (pa, qa), (pb, qb) = (n03_worst.best_first(n03_worst.Bits(*w)) for w in (("3/5", "00", "11"), ("7/10", "0", "1")))
    P, Q = n03_worst.both(pa, pb), n03_worst.both(qa, qb)
    together, allowed = Flip("3/5").shift(2) * Flip("7/10").shift(1), Fraction(18, 100)
    assert n03_worst.filled(P, Q, allowed) == together.upper(allowed) > Fraction(1, 2)
    assert n03_worst.in_turn(P, Q, allowed) < Fraction(1, 2)  # and so would certify wrongly


def test_the_half_line_is_as_probable_as_the_formula_says():
    for p, delta in ((0.05, 0.5), (0.2, 0.0)):
        assert n03_worst.half_line(p, delta, 0.5) == pytest.approx(Gaussian(0.5).shift(delta).upper(p), abs=0.005)


def test_the_cloud_shows_everyone():
    ax = n03_worst.cloud(WORLD)
    dots = next(line for line in ax.lines if line.get_marker() == "o")
    assert len(dots.get_xdata()) == 256


@pytest.mark.parametrize(("held", "attacked"), [("0", "11"), ("", ""), ("00000", "11111"), ("0a", "11")])
def test_other_bits_are_refused(held, attacked):
    with pytest.raises(InputError, match=r"give two strings|write bits"):
        n03_worst.Bits("3/4", held, attacked)
