"""Each line of the table runs, and the library agrees with its peer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from benchmarks.table import RESULTS, WORKS, Work, line, main, needs_mnist, shown

LINES = [pytest.param(make, marks=pytest.mark.mnist if needs_mnist(make) else ()) for make in WORKS]


@pytest.mark.parametrize("make", LINES)
@pytest.mark.usefixtures("one_thread")
def test_the_library_agrees_with_its_peer(make: Callable[[bool], Work]) -> None:
    work = make(True)
    assert work.agree(work.peer[1](), work.ours[1]())


def test_a_line_has_the_columns_of_the_table() -> None:
    slow, fast = (2, lambda: sum(range(300_000))), (4, lambda: sum(range(200_000)))
    work, _, _, ratio, share, _ = line(Work("sums", "sums", slow, fast, lambda one, other: True), turns=1)[1:].split(
        "|"
    )
    assert (work, share) == (" sums ", "  ")
    assert float(ratio.strip(" x")) > 1


@pytest.mark.mnist
def test_the_page_shows_every_line() -> None:
    _, _, *rows = shown(RESULTS.read_text("utf-8")).splitlines()
    assert [row.split(" | ")[0] for row in rows] == [f"| {make(True).name}" for make in WORKS]


def test_a_part_of_the_table_is_not_written() -> None:
    with pytest.raises(SystemExit, match="all lines"):
        main(["MLP"], write=True)
