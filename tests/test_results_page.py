"""The figures that README.md and RESULTS.md quote are those of the stored results and of fresh runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ci_tools import script
from PIL import Image

from rsbd.course.lessons import Stored, stored
from rsbd.words import percent

ROOT = Path(__file__).resolve().parents[1]
LINES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "notebooks" / "RESULTS.md").read_text("utf-8").splitlines()
    if line.startswith("| ")
]


def result(name: str) -> Stored:
    return stored(name, ROOT / "notebooks" / "results")


def quoted(start: str) -> dict[tuple[int, int], str]:
    """Return what the planted attack's lines of a data set claim, by poisoned rows and side of the patch."""
    found = [line for line in LINES if line[0].startswith(start) and len(line) == 5]
    assert len(found) == 3
    return {(int(re.sub(r",| .*", "", line[1])), int(line[2][0])): line[4] for line in found}


@pytest.mark.slow
def test_digits_and_pictures_are_those_of_a_run() -> None:
    overview = script("overview")
    noise, bags = overview.run_both()
    words = {"overview": overview.alt(overview.run()), "defences": overview.alt_defences(noise, bags)}
    for name, said in words.items():
        assert Image.open(ROOT / "notebooks" / "images" / f"{name}.png").info["Description"] == said
    assert f"![{words['defences']}](notebooks/images/defences.png)" in (ROOT / "README.md").read_text("utf-8")
    for (rows, side), share in quoted("digits 0/1").items():
        assert share == percent(bags.accuracy_map[bags.rows.index(rows), side - 1])


def test_bags_on_mnist_are_those_of_the_stored_result() -> None:
    found = result("mnist-bags")
    assert found["settings"]["models"] == 4000
    for (rows, side), share in quoted("MNIST 1/7").items():
        assert share == percent(found.map((rows,), (side,))[2][0, 0])


def test_noise_on_mnist_is_that_of_the_stored_results() -> None:
    tied, apart = result("mnist-tied"), result("mnist-apart")
    shares = [tied["certified_accuracy"]["1"], tied["certified_accuracy"]["2"], apart.map((5,), (2,))[2][0, 0]]
    lines = [line for line in LINES if line[1] in ("0.8, 0.8, 0.8", "0.6, 0.6, 0.8")]
    assert [line[4] for line in lines] == [percent(share) for share in shares]
    assert [line[2] for line in lines] == ["1,000", "1,000", "4,000"]


def test_the_stored_results_are_of_one_version() -> None:
    known = [result(f"mnist-{name}")["settings"] for name in ("tied", "bags", "apart", "compare")]
    assert len({settings["version"] for settings in known}) == 1
