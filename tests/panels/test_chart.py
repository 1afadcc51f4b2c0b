"""Charts: what is drawn lies where the axes say, and nothing leaves the box."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET

import pytest

from rsbd.panels import svg
from rsbd.panels.chart import Chart, bars, ticks
from rsbd.words import percent

CHART = Chart((70, 50, 590, 400), (0, 4), (0, 1), "title", "L0 radius", "accuracy", yformat=percent)


def parse(*parts: str) -> ET.Element:
    return ET.fromstring(svg.document(600, 450, parts))


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 13), (-3, 3), (0.01, 0.02), (0, 4999), (2, 2.5)])
def test_ticks_are_few_round_and_inside(low, high):
    found = ticks(low, high)
    assert 3 <= len(found) <= 6
    assert all(low - 1e-9 <= t <= high + 1e-9 for t in found)
    steps = {round(b - a, 9) for a, b in itertools.pairwise(found)}
    assert len(steps) == 1
    assert f"{steps.pop():e}"[0] in "125"


def test_curves_are_cut_at_the_box():
    drawn = parse(CHART.line([0, 2, 9], [0.5, 3, -8], svg.BLUE))
    inner = drawn.find("{*}svg")
    assert inner is not None
    left, top, width, height = (float(inner.get(k)) for k in ("x", "y", "width", "height"))
    assert (left, top) == (67, 47)
    assert (left + width, top + height) == (593, 403)
    assert inner.get("viewBox") == "67.0 47.0 526.0 356.0"  # not scaled: a point is where the axes say
    assert "M70.0 225.0L330.0 -650.0" in inner.find("{*}path").get("d")


def test_labels_stay_on_the_page():
    drawn = parse(CHART.upright(3.9, svg.BLUE, "mark"))
    words = {t.text: t for t in drawn.findall(".//{*}text")}
    assert words["mark"].get("text-anchor") == "end"


def test_lines_outside_the_range_are_left_out():
    assert CHART.upright(5, svg.BLUE, "far") == ""
    assert "near" in CHART.upright(4, svg.BLUE, "near")


def test_every_piece_is_valid_and_escaped():
    pieces = (
        CHART.frame(), CHART.step([0, 1], [1, 0], svg.BLUE), CHART.key(("<s>", svg.BLUE, "")),
        CHART.band([0, 1], [0, 0], [1, 1], svg.GREEN),
        CHART.note("a & b"), bars((200, 20, 500, 200), ["<b>", "none"], [0.5, float("nan")], [svg.BLUE] * 2)
    )  # fmt: skip
    words = " ".join(parse(*pieces).itertext())
    assert "<s>" in words
    assert "none to test" in words
    assert not re.search("nan", "".join(pieces))
