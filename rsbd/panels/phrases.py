"""The sentences of a panel: templates in the ``words.toml`` beside its drawing, filled with numbers."""

import string
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rsbd.words import confidence, count, down, percent

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
    ``{radius:down 3}`` and ``{alpha:confidence}`` as :mod:`rsbd.words` does, and anything else as Python does.

    Examples
    --------
    >>> from rsbd.panels.label_flips import compute
    >>> phrases_of(compute.__file__)("against", flips=3)
    'Against any 3 flipped training labels'
    """
    templates = tomllib.loads(Path(module).with_name("words.toml").read_text("utf-8"))

    def fill(case: str, /, **values: object) -> str:
        return _Formatter().vformat(templates[case], (), values)

    return fill
