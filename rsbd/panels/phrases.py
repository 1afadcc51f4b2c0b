"""The sentences of a panel: templates in the ``words.toml`` beside its drawing, filled with numbers."""

import string
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rsbd.words import count, down, percent


class _Formatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        how, _, what = format_spec.partition(" ")
        if how == "count":
            return count(value, what)
        if how == "down":
            return down(value, int(what or 2))
        return percent(float(value)) if how == "percent" else str(super().format_field(value, format_spec))


def phrases_of(module: str) -> Callable[..., str]:
    """Return the function that fills a template of the ``words.toml`` beside a module, given by its ``__file__``.

    It takes the name of the template, and values by name. A template writes ``{rows:count image}``, ``{share:percent}``
    and ``{radius:down 3}`` as :mod:`rsbd.words` does, and anything else as Python does.

    Examples
    --------
    >>> from rsbd.panels.label_flips import draw
    >>> phrases_of(draw.__file__)("against", flips=3)
    'Against any 3 flipped training labels'
    """
    templates = tomllib.loads(Path(module).with_name("words.toml").read_text("utf-8"))

    def fill(case: str, /, **values: object) -> str:
        return _Formatter().vformat(templates[case], (), values)

    return fill
