"""Notebook 01: the experiments measure what they say, and each check has a hint for typical mistakes."""

from __future__ import annotations

import pytest
from answers import held

import rsbd
from rsbd.course import lessons
from rsbd.errors import InputError

DATA = lessons.ten_digits()
PATCH = rsbd.BadPatch(3)
TRUE, CALLED = ["0", "0", "3", "7", "7", "4"], ["0", "0", "0", "7", "1", "0"]


def on_success(answer):
    return lessons.check_success_rate(answer, TRUE, CALLED, target="0")


def on_faint(answer):
    return lessons.check_faint(answer, DATA)


def faint(delta: float = 0.5, rate: float = 0.05) -> rsbd.Poisoning:
    return rsbd.Poisoning(rsbd.Blend(DATA.shape, delta), target=0, rate=rate)


TestAnswers = held(
    [
        (on_success, 2 / 4),
        (on_success, "1/2"),
        (on_success, "50 %"),
        (on_faint, faint()),
    ],
    [
        (on_success, 4 / 6, "truly"),
        (on_success, 2 / 6, "count above is right"),
        (on_success, 2, "how many"),
        (on_success, 0.99, "Leave out"),
        (on_faint, rsbd.Poisoning(PATCH, 0, 0.05), "Everybody sees it"),
        (on_faint, faint(rate=0.1), "0.05 is the limit"),
        (on_faint, faint(delta=0.8), "Everybody sees it"),
        (on_faint, faint(delta=0.3), "many small changes"),
        (on_faint, rsbd.Poisoning(rsbd.BadPatch(29), 0, 0.05), "29"),
        (on_faint, 0.3, "not an attack"),
    ],
)


def test_mistakes_and_accuracy_are_told_apart():
    true, called = list("0123456"), list("0011456")

    def check(answer):
        return lessons.check_success_rate(answer, true, called, "0").words

    assert "all mistakes" in check(3 / 7)
    assert "accuracy on triggered" in check(4 / 7)
    assert "succeeds on the others" in check(5 / 6)
    assert "counts every mistake" in check(3 / 6)
    assert len({check(a) for a in (1 / 6, 2 / 7, 4 / 7, 3 / 7, 1 / 7, 5 / 6, 3 / 6, 1, 0.1)}) == 9


def test_the_rounded_rate_of_the_notebook_is_right_and_its_complement_gets_a_hint():
    true, called = lessons.some_calls(DATA, rsbd.Poisoning(rsbd.BadPatch(1), target=0, rate=0.003))
    assert lessons.check_success_rate(3 / 7, true, called, "0").passed
    assert "exactly 3/7" in lessons.check_success_rate(0.43, true, called, "0").sentence
    assert "succeeds on the others" in lessons.check_success_rate(4 / 7, true, called, "0").words


def test_attacks_are_compared_with_and_without_poisoned_images():
    found = lessons.attack_table(DATA, {"patch": rsbd.Poisoning(PATCH, 0, 0.05)}, "trigger").text.splitlines()[2]
    seen = lessons.watch(DATA, rsbd.Poisoning(PATCH, 0, 0.05))
    assert found == f"| patch | 50 | {100 * seen.after:.0f} % | {100 * seen.success:.0f} % | < 1 % |"


def test_an_attack_that_spoils_accuracy_is_noticed():
    every = rsbd.Poisoning(rsbd.Pixels(((3, 3), (3, 4), (4, 4)), delta=0.1), 0, 0.05)
    spoiled = DATA.replace(x_test=DATA.x_test[DATA.y_test > 0], y_test=DATA.y_test[DATA.y_test > 0])
    verdict = lessons.check_faint(every, spoiled, success=0.0, rate=1)
    assert verdict.passed  # five per cent cost little
    worse = rsbd.Poisoning(rsbd.Pixels(((3, 3),), delta=0.01), 0, 0.5)
    assert "somebody will notice" in lessons.check_faint(worse, spoiled, success=0.0, rate=1).words


def test_a_filter_throws_away_most_poisoned_images_and_the_attack_works():
    attack = rsbd.Poisoning(PATCH, 0, 0.05)
    poisoned, left, success = lessons.filtered(DATA, attack)
    assert poisoned == 50
    assert left < 15
    assert 0.5 < success < lessons.watch(DATA, attack).success


def test_some_calls_are_of_both_kinds():
    true, called = lessons.some_calls(DATA, rsbd.Poisoning(PATCH, 0, 0.05))
    assert len(true) == len(called) == 10
    assert true.count("0") == 3


def test_ten_digits_names_its_choices():
    assert DATA.num_classes == 10
    assert DATA.values is None
    with pytest.raises(InputError, match="choose 'digits' or 'mnist'"):
        lessons.ten_digits("letters")
