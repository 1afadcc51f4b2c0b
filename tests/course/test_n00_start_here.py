"""Notebook 00: each check accepts the solution, rejects the stub, and has a hint for typical mistakes."""

from __future__ import annotations

from answers import held

import rsbd
from rsbd.course import lessons

DATA = lessons.two_digits()


def attack(size: int = 10, rate: float = 0.01, target: int = 0) -> rsbd.Poisoning:
    return rsbd.Poisoning(rsbd.BadPatch(size), target=target, rate=rate)


def on_attack(answer):
    return lessons.check_attack(answer, DATA, images=2)


def on_budget(answer):
    return lessons.check_budget(answer, rows=3, trigger=4)


TestAnswers = held(
    [
        (on_budget, 3 * 4 + 3 + 4),
        (on_budget, "19"),
        (on_attack, attack()),
        (on_attack, attack(size=9)),
        (on_attack, attack(size=14, rate=0.005)),
    ],
    [
        (on_budget, 12, "labels"),
        (on_budget, 15, "test image"),
        (on_budget, 16, "relabelled"),
        (on_budget, 4, "every poisoned image"),
        (on_budget, 3, "pixels as well"),
        (on_budget, 100, "three things"),
        (on_budget, "many", "not a number"),
        (on_budget, True, "not a number"),
        (on_budget, [19], "not a number"),
        (on_attack, attack(rate=0.05), "only 2 are allowed"),
        (on_attack, attack(rate=0.0), "no image at all"),
        (on_attack, attack(size=1), "easier to learn"),
        (on_attack, attack(target=1), "wants the label"),
        (on_attack, attack(size=29), "not possible"),
        (on_attack, 0.05, "no attack"),
    ],
)


def test_no_two_hints_of_a_check_are_the_same():
    answers = (12, 15, 16, 4, 3, 7)
    assert len({on_budget(answer).words for answer in answers}) == len(answers)


def test_an_attack_that_spoils_accuracy_is_noticed():
    # A "trigger" that most images of the class carry anyway: nearly half of the rows are simply mislabelled.
    everywhere = rsbd.Poisoning(rsbd.Pixels(((4, 4),)), target=0, rate=0.45)
    verdict = lessons.check_attack(everywhere, DATA, images=100)
    assert verdict.passed is False
    assert "somebody will notice" in verdict.words
