"""Notebook 09: each check accepts the solution, and has a hint for typical mistakes."""

from __future__ import annotations

import pytest
from answers import held

import rsbd
from rsbd import recipes
from rsbd.course import lessons
from rsbd.errors import InputError
from rsbd.noises.smoothing import Threat
from rsbd.panels.compare.compute import TAUGHT
from rsbd.recipes.contest import CONTENDERS, Comparison
from rsbd.words import percent

DATA = rsbd.load("digits", side=8, view="unit", classes=(0, 1))
BINARY = lessons.two_digits()
BACKDOOR = ("features", "labels", "test")


def on_combination(answer):
    return lessons.check_combination(answer, BINARY, Threat(rows=10, trigger=1), share=0.4)


def bags(size: int, keep: float) -> rsbd.Smoothing:
    return rsbd.Smoothing(rows=rsbd.Bagging(size), test=rsbd.Flip(keep))


TestAnswers = held(
    [
        (on_combination, bags(8, 0.8)),
        (on_combination, bags(12, 0.7)),
    ],
    [
        (on_combination, rsbd.Smoothing(rows=rsbd.Bagging(12)), "he threat changes the test input"),
        (on_combination, rsbd.Smoothing(test=rsbd.Flip(0.9)), "training features"),
        (on_combination, bags(100, 0.8), "even 1,000 votes that all agree"),
        (on_combination, bags(12, 0.6), "not clear enough"),
        (on_combination, "bags", "Give an rsbd.Smoothing"),
        (on_combination, rsbd.Smoothing(rows=rsbd.Bagging(12), test=rsbd.Flip(0.9, values=3)), "takes 2 values"),
    ],
)


def test_noise_is_chosen_on_practice_points_and_the_test_points_certified_once() -> None:
    noise, threat = bags(8, 0.8), Threat(rows=10, trigger=1)
    votes = rsbd.collect(BINARY, noise, rsbd.Linear(), BINARY.x_test, 1000)
    evidence = rsbd.bounds.simultaneous(votes.counts, 0.001)
    held = rsbd.certify(evidence, noise, threat, BINARY.num_rows) & (evidence.label == BINARY.y_test)
    assert on_combination(noise).words.endswith(f"certified once: {percent(float(held.mean()))}.")
    assert "test images" not in on_combination(bags(12, 0.6)).words


def test_who_faces_what_agrees_with_the_library() -> None:
    lines = {name: tuple(cells) for name, _, *cells in lessons.who_faces(DATA)}
    assert set(lines) == {contender.name for contender in CONTENDERS}
    assert lines["DPA"] == ("yes", "yes", "\u2013")
    assert lines["RAB"] == ("yes", "\u2013", "\u2013")
    assert lines["Rosenfeld et al."] == ("\u2013", "yes", "\u2013")
    assert lines["Cohen et al."] == ("\u2013", "\u2013", "yes")
    assert [line[0] for line in lessons.who_faces(DATA, lessons.taught())] == list(TAUGHT)
    assert lines["BagFlip"] == ("yes", "yes", "yes")  # the answer of exercise 1


@pytest.fixture(scope="module")
def found() -> Comparison:
    few = [c for c in CONTENDERS if c.name in ("DPA", "bags + test flips", "flips per slot")]
    return recipes.compare(DATA, (1, 3), (1, 2), relabel=[True], num_models=100, contenders=few, learner=rsbd.Linear())


def test_figures_of_the_text_are_those_of_the_comparison(found) -> None:
    (row,) = [row for row in found.against(BACKDOOR) if row.method == "bags + test flips"]
    assert lessons.held(found, row.method, BACKDOOR) == row.certified[0]
    assert lessons.held(found, row.method, BACKDOOR, rows=3) == row.certified[2]
    with pytest.raises(InputError, match="DPA does not face"):
        lessons.held(found, "DPA", BACKDOOR)
    with pytest.raises(InputError, match="no threat"):
        lessons.held(found, row.method, BACKDOOR, rows=4)
    assert lessons.held(found, row.method, BACKDOOR, rows=3, pixels=2) == row.certified[3]


def test_each_method_is_drawn_against_the_smallest_threat_of_each_kind(found) -> None:
    ax = lessons.draw_methods(found)
    rows = [row for attack in found.attacks for row in found.against(attack)]
    shown = sorted(f"{100 * row.certified[0]:.0f}" for row in rows if row.certified)
    assert sorted(text.get_text() for text in ax.texts) == shown
    assert sum(patch.get_hatch() is not None for patch in ax.patches) == sum(row.certified is None for row in rows)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [r.method for r in found.against(BACKDOOR)]
    assert ax.get_xticklabels()[-1].get_text() == "pixels\n+ labels\n+ test image"


def test_a_map_by_rows_is_drawn_and_said(found) -> None:
    ax = lessons.draw_rows(found, BACKDOOR, 1, rate=0.02)
    able = [row for row in found.against(BACKDOOR) if row.certified]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [row.method for row in able]  # DPA does not face it
    shares = [row.certified[i] for row in able for i in (0, 2)]
    assert [text.get_text() for text in ax.texts] == [f"{100 * share:.0f}" for share in shares]
    ticks = ax.get_xticklabels()
    assert [tick.get_text() for tick in ticks] == ["1\n< 1 %", "3\n1 %"]
    assert [tick.get_fontweight() for tick in ticks] == ["normal", "bold"]
    said = lessons.fallen(found, BACKDOOR, 1)
    assert "bags + test flips: " in said
    assert "DPA" not in said
    assert said.count(" at 3") == 2
    assert "100 models" in lessons.compared(found)
