"""Notebook 01: the experiments measure what they say, and each check has a hint for typical mistakes."""

from __future__ import annotations

import numpy as np
import pytest
from answers import held

import rsbd
from rsbd.course import lessons
from rsbd.errors import InputError

DATA = lessons.ten_digits()
SMALL = rsbd.load("digits", side=8, view="unit")  # trains faster
PATCH = rsbd.BadPatch(3)
TRUE, CALLED = ["0", "0", "3", "7", "7", "4"], ["0", "0", "0", "7", "1", "0"]


def on_success(answer):
    return lessons.check_success_rate(answer, TRUE, CALLED, target="0")


def on_fewest(answer):
    return lessons.check_fewest(answer, SMALL, PATCH)


def on_faint(answer):
    return lessons.check_faint(answer, DATA)


def faint(delta: float = 0.8, rate: float = 0.05) -> rsbd.Poisoning:
    return rsbd.Poisoning(rsbd.Blend(DATA.shape, delta), target=0, rate=rate)


TestAnswers = held(
    [
        (on_success, 2 / 4),
        (on_success, "1/2"),
        (on_fewest, lessons.fewest_images(SMALL, PATCH)),
        (on_faint, faint()),
    ],
    [
        (on_success, 4 / 6, "truly"),
        (on_success, 2 / 6, "count above is right"),
        (on_success, 2, "how many"),
        (on_success, 0.99, "Leave out"),
        (on_fewest, 5, "it takes more"),
        (on_fewest, 60, "fewer are enough"),
        (on_fewest, 0.01, "That is a rate"),
        (on_fewest, 500, "from 1 to 100"),
        (on_fewest, 10.5, "Half an image"),
        (on_fewest, "ten", "no number"),
        (on_faint, rsbd.Poisoning(PATCH, 0, 0.05), "Everybody sees it"),
        (on_faint, faint(rate=0.1), "0.05 is the limit"),
        (on_faint, faint(delta=0.3), "many small changes"),
        (on_faint, rsbd.Poisoning(rsbd.BadPatch(29), 0, 0.05), "not possible"),
        (on_faint, 0.3, "no attack"),
    ],
)


def test_mistakes_and_accuracy_are_told_apart():
    true, called = list("0123456"), list("0011456")

    def check(answer):
        return lessons.check_success_rate(answer, true, called, "0").words

    assert "all mistakes" in check(3 / 7)
    assert "accuracy on triggered" in check(4 / 7)
    assert len({check(a) for a in (1 / 6, 2 / 7, 4 / 7, 3 / 7, 1 / 7, 1, 0.9)}) == 7


def test_an_attack_that_spoils_accuracy_is_noticed():
    every = rsbd.Poisoning(rsbd.Pixels(((3, 3), (3, 4), (4, 4)), delta=0.5), 0, 0.05)
    spoiled = DATA.replace(x_test=DATA.x_test[DATA.y_test > 0], y_test=DATA.y_test[DATA.y_test > 0])
    verdict = lessons.check_faint(every, spoiled, success=0.0, rate=1)
    assert verdict.passed  # five per cent cost little
    worse = rsbd.Poisoning(rsbd.Pixels(((3, 3),), delta=0.01), 0, 0.5)
    assert "somebody will notice" in lessons.check_faint(worse, spoiled, success=0.0, rate=1).words


def test_fewest_is_the_first_that_is_enough():
    few = lessons.fewest_images(SMALL, PATCH)
    at = [lessons.success_rate(SMALL, rsbd.Poisoning(PATCH, 0, n / 1000)) for n in (few - 1, few)]
    assert at[0] < 0.9 <= at[1]
    with pytest.raises(InputError, match="make it stronger"):
        lessons.fewest_images(SMALL, rsbd.Blend(SMALL.shape, delta=0.01))


def test_by_class_averages_to_the_success_rate():
    attack = rsbd.Poisoning(rsbd.BadPatch(2), 0, 0.01)
    sizes = np.bincount(DATA.y_test)[1:]
    mean = lessons.by_class(DATA, attack)[1:] @ sizes / sizes.sum()
    assert mean == pytest.approx(lessons.success_rate(DATA, attack))


def test_weights_as_images():
    looks = lessons.looks_for(DATA, rsbd.Poisoning(PATCH, 0, 0.05), [0, 5])
    assert {images.shape for images in looks.values()} == {(2, 3, 28, 28)}
    red, _, blue = looks["poisoned"][0]
    corner = np.zeros((28, 28), bool)
    corner[-3:, -3:] = True
    assert (red - blue)[corner].min() > 0  # the whole corner speaks for the target, parts of it as loudly as a stroke
    assert (red - blue)[corner].max() > 0.7
    before = looks["clean"][0]
    assert np.abs(before[0] - before[2])[corner].max() < 0.15
    assert max(np.abs(image[0] - image[2]).max() for images in looks.values() for image in images) == pytest.approx(
        0.835
    )


def test_filters_throw_away_a_share():
    attack = rsbd.Poisoning(PATCH, 0, 0.05)
    none = lessons.filtered(DATA, attack, by="fit", share=0.0)
    seen = lessons.watch(DATA, attack)
    assert (none.poisoned, none.left, none.accuracy, none.success) == (50, 50, seen.after, seen.success)
    far = lessons.filtered(DATA, attack, by="distance")
    assert far.left < 15
    assert far.success < seen.success
    with pytest.raises(InputError, match="choose 'fit' or 'distance'"):
        lessons.filtered(DATA, attack, by="eye")


def test_some_calls_are_of_both_kinds():
    true, called = lessons.some_calls(DATA, rsbd.Poisoning(PATCH, 0, 0.05))
    assert len(true) == len(called) == 10
    assert true.count("0") == 3


def test_ten_digits_names_its_choices():
    assert DATA.num_classes == 10
    assert DATA.values is None
    with pytest.raises(InputError, match="choose 'digits' or 'mnist'"):
        lessons.ten_digits("letters")
