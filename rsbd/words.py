"""Functions that write numbers, and sentences that hold numbers, the way every panel and lesson does."""

import math
import string
import tomllib
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any


def percent(share: float) -> str:
    """Write a share in whole per cent; 100 % means all and 0 % means none.

    Examples
    --------
    >>> percent(0.842), percent(0.999), percent(0.001), percent(float("nan"))
    ('84 %', '> 99 %', '< 1 %', 'none to test')
    """
    if math.isnan(share):
        return "none to test"
    if 0 < share <= 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{100 * share:.0f} %"


def between(lowest: float, highest: float, digits: int = 0) -> str:
    """Write an interval of shares in per cent, rounded outward, so that a guarantee does not grow in print.

    Examples
    --------
    >>> between(7 / 77, 47 / 77), between(7 / 77, 47 / 77, 1), between(0, 0)
    ('9 % to 62 %', '9.0 % to 61.1 %', '0 %')
    """
    scale = 10**digits
    low, high = math.floor(100 * scale * lowest) / scale, math.ceil(100 * scale * highest) / scale
    return f"{low:.{digits}f} % to {high:.{digits}f} %" if low < high else f"{high:.{digits}f} %"


def count(number: float, thing: str) -> str:
    """Write a whole number with its noun.

    Examples
    --------
    >>> count(1, "image"), count(1200, "image")
    ('1 image', '1,200 images')
    """
    return f"{number:,.0f} {thing}{'' if number == 1 else 's'}"


def listed(things: Sequence[str]) -> str:
    """Write a list of things with commas and "and".

    Examples
    --------
    >>> listed(["one"]), listed(["one", "two"]), listed(["one", "two", "three"])
    ('one', 'one, and two', 'one, two, and three')
    """
    *before, last = things
    return f"{', '.join(before)}, and {last}" if before else last


def down(value: float, digits: int = 2) -> str:
    """Write a number rounded down, so that a guarantee does not grow in print.

    Examples
    --------
    >>> down(0.4567), down(0.4567, 3), down(-0.001)
    ('0.45', '0.456', '-0.01')
    """
    return f"{math.floor(10**digits * value) / 10**digits:.{digits}f}"


def confidence(alpha: float) -> str:
    """Write 1 - alpha: in full, or as a difference where that would be a long row of nines. It is never 1.

    Examples
    --------
    >>> confidence(0.001), confidence(0.05), confidence(1e-300)
    ('0.999', '0.95', '1 - 1e-300')
    """
    exact = 1 - Decimal(str(float(alpha)))
    return f"{exact}" if len(f"{exact}") <= 12 else f"1 - {float(alpha)}"


def state(done: int, total: int, things: str = "models") -> str:
    """Return the end of an alt text, which tells a preview from the final result.

    Examples
    --------
    >>> state(64, 1000), state(1000, 1000)
    ('(preview, 64 of 1,000 models)', '(final)')
    """
    return "(final)" if done >= total else f"(preview, {done:,} of {total:,} {things})"


def note(done: int, total: int, things: str = "models") -> str:
    """Name the evidence of a result in a few words.

    Examples
    --------
    >>> note(64, 1000), note(1000, 1000)
    ('64 of 1,000 models', '1,000 models')
    """
    return f"{total:,} {things}" if done >= total else f"{done:,} of {total:,} {things}"


def preview(done: int, total: int, things: str = "models") -> str:
    """Begin a sentence before all models have voted: it speaks of a preview.

    Examples
    --------
    >>> preview(64, 1000), preview(1000, 1000)
    ('Preview (64 of 1,000 models): ', '')
    """
    return "" if done >= total else f"Preview ({note(done, total, things)}): "


_WRITERS: dict[str, Callable[[Any, str], str]] = {
    "confidence": lambda alpha, _: confidence(alpha),
    "count": count,
    "down": lambda value, digits: down(value, int(digits or 2)),
    "percent": lambda share, _: percent(float(share)),
}


class _Formatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        how, _, what = format_spec.partition(" ")
        return _WRITERS[how](value, what) if how in _WRITERS else str(super().format_field(value, format_spec))


def phrases_of(module: str) -> Callable[..., str]:
    """Return the function that fills a template of the ``words.toml`` beside a module, given by its ``__file__``.

    It takes the name of the template, and values by name. A template writes ``{rows:count row}``, ``{share:percent}``,
    ``{radius:down 3}`` and ``{alpha:confidence}`` as the functions of this module do, and anything else as Python does.

    Examples
    --------
    >>> from rsbd.panels.label_flips import compute
    >>> phrases_of(compute.__file__)("against", flips=3)
    'Against any 3 flipped training labels'
    """
    templates = table_beside(module)

    def fill(case: str, /, **values: object) -> str:
        return _Formatter().vformat(templates[case], (), values)

    return fill


def options_of(module: str, name: str) -> tuple[tuple[str, Any], ...]:
    """Return what a reader chooses from, as words and values: a table of the ``words.toml`` beside a module."""
    return tuple(table_beside(module)[name].items())


def table_beside(module: str, name: str = "words.toml") -> dict[str, Any]:
    """Return what a TOML file holds that stands beside a module, given by its ``__file__``."""
    return tomllib.loads(Path(module).with_name(name).read_text("utf-8"))
