"""Notebook 09: each check accepts the solution, and has a hint for typical mistakes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from answers import held

import rsbd
from rsbd import recipes
from rsbd.course import lessons
from rsbd.errors import InputError
from rsbd.noises.smoothing import Threat
from rsbd.recipes.contest import CONTENDERS, Comparison

DATA = rsbd.load("digits", side=8, view="unit", classes=(0, 1))
BINARY = lessons.two_digits()
FULL = Threat(rows=1, trigger=1)
NAMES = ["Wang et al., tied", "RAB", "DPA", "bagging", "BagFlip", "Cohen et al."]
BACKDOOR = ("features", "labels", "test")


def on_facing(answer):
    return lessons.check_facing(answer, DATA, FULL, NAMES)


def on_length(answer):
    return lessons.check_length(answer, rows=9, trigger=4)


def on_combination(answer):
    return lessons.check_combination(answer, BINARY, Threat(rows=10, trigger=1), share=0.5)


def bags(size: int, keep: float) -> rsbd.Smoothing:
    return rsbd.Smoothing(rows=rsbd.Bagging(size), test=rsbd.Flip(keep))


TestAnswers = held(
    [
        (on_facing, {"Wang et al., tied", "BagFlip"}),
        (on_facing, ["BagFlip", "Wang et al., tied"]),
        (on_length, 6),
        (on_length, (9 * 4) ** 0.5),
        (on_combination, bags(8, 0.8)),
        (on_combination, bags(12, 0.7)),
    ],
    [
        (on_facing, {"RAB", "BagFlip"}, "RAB cannot: the threat changes the training labels"),
        (on_facing, {"DPA"}, "DPA cannot: the threat changes the test input"),
        (on_facing, {"Cohen et al."}, "Cohen et al. cannot: the threat changes the training features"),
        (on_facing, {"BagFlip"}, "1 method that can face it is missing"),
        (on_facing, set(), "2 methods that can face it are missing"),
        (on_facing, {"Kumar"}, "none of these"),
        (on_facing, "BagFlip", "Give a set of names"),
        (on_facing, 3, "Give a set of names"),
        (on_length, 36, "counts changed pixels"),
        (on_length, 2, "length on one image"),
        (on_length, 18, "do not add up"),
        (on_length, 9, "number of images"),
        (on_length, 7, "squares"),
        (on_length, "long", "number"),
        (on_combination, rsbd.Smoothing(rows=rsbd.Bagging(12)), "he threat changes the test input"),
        (on_combination, rsbd.Smoothing(test=rsbd.Flip(0.9)), "training features"),
        (on_combination, bags(100, 0.8), "even 1,000 votes that all agree"),
        (on_combination, bags(12, 0.6), "not clear enough"),
        (on_combination, "bags", "Give an rsbd.Smoothing"),
        (on_combination, rsbd.Smoothing(rows=rsbd.Bagging(12), test=rsbd.Flip(0.9, values=3)), "takes 2 values"),
    ],
)


def test_hints_do_not_give_the_answer_away() -> None:
    assert "6" not in on_length(7).words
    assert "Wang" not in on_facing({"BagFlip"}).words


def test_who_faces_what_agrees_with_the_library() -> None:
    lines = {name: tuple(cells) for name, _, *cells in lessons.who_faces(DATA)}
    assert set(lines) == {contender.name for contender in CONTENDERS}
    assert lines["DPA"] == ("yes", "yes", "\u2013")
    assert lines["RAB"] == ("yes", "\u2013", "\u2013")
    assert lines["Rosenfeld et al."] == ("\u2013", "yes", "\u2013")
    assert lines["Cohen et al."] == ("\u2013", "\u2013", "yes")
    full = {name for name, cells in lines.items() if set(cells) == {"yes"}}
    assert full == set(lessons.facing(DATA, FULL))


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
    name, share = lessons.best(found, BACKDOOR, 0)
    assert share == max(r.certified[0] for r in found.against(BACKDOOR) if r.certified)
    assert name in {r.method for r in found.against(BACKDOOR)}
    with pytest.raises(InputError, match="no threat"):
        lessons.held(found, row.method, BACKDOOR, rows=4)
    assert lessons.held(found, row.method, BACKDOOR, rows=3, pixels=2) == row.certified[3]
    cells, rows, pixels = lessons.cells(found, row.method, BACKDOOR)
    assert (rows, pixels) == ([1, 3], [1, 2])
    assert cells.tolist() == [list(row.certified[:2]), list(row.certified[2:])]


def test_nobody_is_best_where_nothing_is_certified(found) -> None:
    nothing = [replace(row, certified=row.certified and (0.0,) * 4) for row in found.rows]
    assert lessons.best(replace(found, rows=tuple(nothing)), BACKDOOR, 0) == ("none", 0.0)


def test_each_method_is_drawn_against_the_smallest_threat_of_each_kind(found) -> None:
    ax = lessons.draw_methods(found)
    rows = [row for attack in found.attacks for row in found.against(attack)]
    shown = sorted(f"{100 * row.certified[0]:.0f}" for row in rows if row.certified)
    assert sorted(text.get_text() for text in ax.texts) == shown
    assert len(ax.patches) == sum(row.certified is None for row in rows)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [r.method for r in found.against(BACKDOOR)]
    assert ax.get_xticklabels()[-1].get_text() == "training\npixels\n+ labels\n+ test image"


def test_the_curves_are_drawn_and_said(found) -> None:
    ax = lessons.by_rows(found, BACKDOOR, 0.05, DATA.num_rows, pixels=1)
    drawn = [line for line in ax.get_lines() if len(line.get_xdata()) == 2 and line.get_marker() != "None"]
    assert len(drawn) == 2  # DPA does not face it
    (row,) = [row for row in found.against(BACKDOOR) if row.method == "bags + test flips"]
    assert [row.certified[0], row.certified[2]] in [list(line.get_ydata()) for line in drawn]
    said = lessons.fallen(found, BACKDOOR, 1)
    assert "bags + test flips: " in said
    assert "DPA" not in said
    assert said.count(" at 3") == 2
    assert "100 models" in lessons.compared(found)
