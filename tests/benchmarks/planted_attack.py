"""How many predictions bags prove against the attack that was planted, line by line, with what was asked and aimed at.

Run ``RSBD_DATA=folder python tests/benchmarks/planted_attack.py``, or with parts of names of lines. Settings were
chosen on held-out training rows; seed 0; alpha 0.001 for each point. It takes some minutes on two cores.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial

from rsbd import AnyPatch, AnyPixels, ClassBagging, Dataset, load
from rsbd.recipes import duels, fpa, pecan

PATCH = AnyPatch(3)


@dataclass(frozen=True)
class Line:
    """A line of the table: how it is measured, and for each number of rows what was asked and aimed at."""

    name: str
    measure: Callable[[list[int]], list[float]]
    bars: dict[int, tuple[float, float]]


@cache
def data(name: str, classes: tuple[int, ...] | None, points: int | None = None, view: str = "binary") -> Dataset:
    return load(name, classes=classes, points=points, view=view)


def bags(name: str, classes: tuple[int, int], each: int, trigger, models: int, rows: list[int], **how) -> list[float]:
    pair = data(name, classes)
    found = pecan(pair, trigger, bag=ClassBagging.of(pair, each), num_models=models, **how)
    return found.map(pair.y_test, rows)[:, 0].tolist()


def pairs(each: int, trigger, rows: list[int]) -> list[float]:
    ten = data("mnist", None, 1000)
    return duels(ten, trigger, each).certificate.curve(ten.y_test, rows).tolist()


def columns(pixels: list[int]) -> list[float]:
    gray = data("mnist", (1, 7), None, "unit")
    return fpa(gray).certificate.curve(gray.y_test, pixels).tolist()


def digits(first: int, second: int, each: int):
    return partial(bags, "digits", (first, second), each, PATCH, 1000)


SEVENS, DUEL = partial(bags, "mnist", (1, 7)), "mnist, ten classes, 1,000 models a duel"
LINES = [
    Line("digits 0/1, 1,000 models, any 3x3; rows", digits(0, 1, 1), {10: (0.90, 0.95), 20: (0.45, 0.60)}),
    Line("digits 1/7, 1,000 models, any 3x3; rows", digits(1, 7, 2), {10: (0.66, 0.80)}),
    Line("digits 3/8, 1,000 models, any 3x3; rows", digits(3, 8, 1), {10: (0.60, 0.80)}),
    Line(
        "mnist 1/7, 4,000 models, any 3x3; rows",
        partial(SEVENS, 1, PATCH, 4000),
        {650: (0.80, 0.87), 1000: (0.67, 0.75), 1300: (0.33, 0.50)},
    ),
    Line(
        "mnist 1/7, 1,000 models, any 5x5, by window; rows",
        partial(SEVENS, 2, AnyPatch(5), 1000, by_window=True),
        {650: (0.28, 0.45)},
    ),
    Line(
        "mnist 1/7, 4,000 models, any 9 pixels; rows",
        partial(SEVENS, 2, AnyPixels(9), 4000),
        {100: (0.83, 0.90), 5: (0.87, 0.90)},
    ),
    Line("mnist 1/7, labels kept, the same pixels in all rows; pixels", columns, {9: (0.79, 0.90), 25: (0.50, 0.90)}),
    Line(f"{DUEL}, any 3x3, few rows; rows", partial(pairs, 6, PATCH), {60: (0.45, 0.65)}),
    Line(f"{DUEL}, any 3x3; rows", partial(pairs, 3, PATCH), {300: (0.24, 0.50)}),
    Line(f"{DUEL}, no trigger; rows", partial(pairs, 2, ()), {300: (0.46, 0.75)}),
]


def measured(wanted: list[str]) -> Iterator[str]:
    """Yield a line of text for each number of rows."""
    for line in LINES:
        if wanted and not any(part in line.name for part in wanted):
            continue
        began = time.process_time()
        found = line.measure(list(line.bars))
        spent = time.process_time() - began
        for (size, (asked, aim)), seen in zip(line.bars.items(), found, strict=True):
            yield f"{line.name} {size:,}: asked {asked:.2f}, aim {aim:.2f}, seen {seen:.3f} ({spent:.0f} s of CPU)"


if __name__ == "__main__":
    for text in measured(sys.argv[1:]):
        print(text, flush=True)
