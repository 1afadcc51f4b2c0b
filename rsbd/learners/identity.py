"""The text under which votes of a learner and its noise are kept, and the names that code of the user needs for that.

Settings determine what the code of this package computes, but not what other code computes: a function may change
under an unchanged name. So the author of other code gives it a name, and a new one with each version.
"""

import secrets
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from rsbd.errors import InputError
from rsbd.learners.base import Learner
from rsbd.noises import Noise


def settings_text(thing: object) -> str:
    """Return the type of `thing` and all settings in it, without addresses in memory.

    >>> from rsbd.noises import Flip
    >>> settings_text(Flip("4/5")), settings_text(len)
    ('Flip(keep=Fraction(4, 5), values=2)', 'len')
    """
    if isinstance(thing, (np.generic, np.ndarray)):
        thing = thing.tolist()
    if isinstance(thing, Mapping):
        thing = list(thing.items())
    if _is_plain(thing):
        return repr(thing)
    if isinstance(thing, (list, tuple)):
        return f"({', '.join(map(settings_text, thing))})"
    if callable(thing) and hasattr(thing, "__qualname__"):
        return str(thing.__qualname__)
    parts = ", ".join(f"{name}={settings_text(value)}" for name, value in _settings(thing).items())
    return f"{type(thing).__qualname__}({parts})"


def check_named(*things: object) -> None:
    """Raise unless :func:`settings_text` tells each of these from every other one.

    Raises
    ------
    InputError
        Code that is not of this package has no name.

    Examples
    --------
    >>> from rsbd.learners import Module
    >>> check_named(Module(len, name="two layers, version 1"))
    >>> check_named(Module(len))
    Traceback (most recent call last):
    rsbd.errors.InputError: Module(...) runs code of yours, and votes of another version of that code ...
    """
    unnamed = _unnamed(things)
    if unnamed is not None:
        raise InputError(
            f"{type(unnamed).__qualname__}(...) runs code of yours, and votes of another version of that code would be "
            "taken for this one's",
            'give it a name, and a new one whenever the code changes: name="two layers, version 1"',
        )


def unnamed_mark(*things: object) -> dict[str, str]:
    """Return an entry for the manifest of votes that nobody can repeat: a random one, unless all things are named.

    Examples
    --------
    >>> from rsbd.learners import Linear, Module
    >>> unnamed_mark(Linear()), list(unnamed_mark(Module(len)))
    ({}, ['unnamed'])
    """
    return {} if _unnamed(things) is None else {"unnamed": secrets.token_hex(16)}


def _is_plain(thing: object) -> bool:
    return thing is None or isinstance(thing, (int, float, str, Fraction, np.generic))


def _settings(thing: Any) -> Mapping[str, object]:
    """Return what can be read of the settings, and the name."""
    if is_dataclass(thing):
        found = {field.name: getattr(thing, field.name) for field in fields(thing)}
    else:
        found = dict(sorted(thing.get_params(deep=False).items())) if hasattr(thing, "get_params") else {}
    return found | ({"name": thing.name} if _has_name(thing) else {})


def _has_name(thing: object) -> bool:
    return isinstance(thing, (Learner, Noise)) and bool(getattr(thing, "name", None))


def _unnamed(thing: object) -> object:
    """Return the learner, noise or other thing inside that the text does not determine; None if all is determined."""
    if _is_plain(thing) or _has_name(thing):  # a name speaks for all that is inside
        return None
    if isinstance(thing, tuple):
        return next((found for found in map(_unnamed, thing) if found is not None), None)
    if not (is_dataclass(thing) and type(thing).__module__.startswith("rsbd.")):
        return thing
    found = _unnamed(tuple(_settings(thing).values()))
    return found if found is None or isinstance(found, (Learner, Noise)) else thing
