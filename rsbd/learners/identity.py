"""What tells one experiment from another where people bring their own code: the code itself, and all that it reads.

Votes are kept and merged under a name. A function may change under an unchanged name, or read a number that has
changed; then its old votes are those of another experiment.
"""

from __future__ import annotations

import dis
import hashlib
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch

_PLAIN = (bool, int, float, complex, str, bytes, Fraction, range, type(None), type(...))
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
Seen = dict[int, tuple[int, Any]]


def named(thing: object) -> str:
    """Return ``repr``, with a digest where it holds anything that is not of this package.

    >>> named(Fraction(1, 2)), named(len)[:25]
    ('Fraction(1, 2)', '<built-in function len> #')
    """
    text = _ADDRESS.sub("", repr(thing))
    return text if ours(thing) else f"{text} #{digest(thing)}"


def ours(*parts: object) -> bool:
    """Whether all of these, and what they hold, are of this package, whose version tells them apart."""
    return all(map(_ours, parts))


def digest(*things: object) -> str:
    """Return 12 hex digits, others wherever settings, code, defaults, closures or globals that it reads are others.

    What is installed is looked at by name and version, modules beside a notebook by their files. Code that is found
    only while running, such as by ``importlib``, is not seen.

    Examples
    --------
    >>> digest(partial(max, 2)) == digest(partial(max, 2)), digest(partial(max, 2)) == digest(partial(max, 3))
    (True, False)
    """
    seen: Seen = {}
    return hashlib.sha256(repr([_describe(thing, seen) for thing in things]).encode()).hexdigest()[:12]


def _ours(part: object) -> bool:
    if part is None or isinstance(part, (int, float, str, Fraction)):
        return True
    if isinstance(part, tuple):
        return ours(*part)
    known = type(part).__module__.startswith("rsbd.") and is_dataclass(part)
    return known and ours(*(getattr(part, field.name) for field in fields(part)))  # type: ignore[arg-type]


def _describe(thing: Any, seen: Seen) -> object:
    if isinstance(thing, _PLAIN):
        return repr(thing)
    if id(thing) in seen:
        return seen[id(thing)][0]
    seen[id(thing)] = (len(seen), thing)  # kept, so that no other thing takes its address
    name = type(thing).__name__
    if isinstance(thing, torch.Tensor):
        thing = thing.detach().cpu().numpy()
    if isinstance(thing, np.ndarray) and not thing.dtype.hasobject:
        return name, thing.dtype.str, thing.shape, hashlib.sha256(thing.tobytes()).hexdigest()
    if isinstance(thing, Mapping):
        items = sorted(thing.items(), key=lambda item: _ADDRESS.sub("", repr(item[0])))
        return name, [(_describe(key, seen), _describe(value, seen)) for key, value in items]
    if isinstance(thing, (set, frozenset)):
        return name, sorted(repr(_describe(item, seen)) for item in thing)
    if isinstance(thing, (list, tuple, np.ndarray)):
        return name, [_describe(item, seen) for item in thing]
    return name, [_describe(part, seen) for part in _parts(thing)]


def _parts(thing: Any) -> Iterator[object]:
    """What a function, class, module or any other object is made of."""
    if isinstance(thing, ModuleType):
        yield from (thing.__name__, _version(thing.__name__))
        if not _installed(thing.__name__) and getattr(thing, "__file__", None):
            yield Path(str(thing.__file__)).read_bytes()
    elif isinstance(thing, CodeType):
        yield from (thing.co_code, thing.co_names, thing.co_varnames, thing.co_consts)
    elif isinstance(thing, (FunctionType, type)):
        yield from (thing.__module__, thing.__qualname__, _version(thing.__module__))
        if not _installed(thing.__module__):
            yield from _class(thing) if isinstance(thing, type) else _function(thing)
    elif isinstance(thing, partial):
        yield from (thing.func, thing.args, thing.keywords)
    elif isinstance(thing, MethodType):
        yield from (thing.__func__, thing.__self__)
    elif isinstance(thing, (staticmethod, classmethod)):
        yield thing.__func__
    elif isinstance(thing, property):
        yield from (thing.fget, thing.fset)
    else:
        yield type(thing)
        yield getattr(thing, "__dict__", None) or _ADDRESS.sub("", repr(thing))


def _function(function: FunctionType) -> Iterator[object]:
    yield from (function.__code__, function.__defaults__, function.__kwdefaults__)
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            yield "empty"
    read = sorted(_globals(function.__code__))
    yield {name: function.__globals__[name] for name in read if name in function.__globals__}


def _class(found: type) -> Iterator[object]:
    yield found.__bases__
    for name, value in sorted(vars(found).items()):
        if not name.startswith("__") or isinstance(value, (FunctionType, staticmethod, classmethod)):
            yield from (name, value)


def _globals(code: CodeType) -> set[str]:
    """Names that code and the functions and classes inside it look up outside of it."""
    names = {
        str(step.argval) for step in dis.get_instructions(code) if step.opname.startswith(("LOAD_GLOBAL", "LOAD_NAME"))
    }
    return names.union(*(_globals(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


def _version(module: str) -> str:
    root = sys.modules.get(module.partition(".")[0])
    return str(getattr(root, "__version__", ""))


@lru_cache(maxsize=256)
def _installed(module: str) -> bool:
    """Whether it comes with Python, with pip or with this package: then its version tells what it does."""
    root = module.partition(".")[0]
    if root in ("rsbd", *sys.builtin_module_names):
        return True
    file = getattr(sys.modules.get(root), "__file__", None)
    if root == "__main__" or not file:
        return False
    path = Path(file).resolve()
    standard = Path(sysconfig.get_path("stdlib")).resolve()
    return bool({"site-packages", "dist-packages"} & set(path.parts)) or path.is_relative_to(standard)
