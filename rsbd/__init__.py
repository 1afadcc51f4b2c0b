"""Certified robustness against backdoor attacks by randomized smoothing.

Data flows one way: dataset, poison, noise, ensemble, votes, bounds, certificate, curve, panel.
Start with :mod:`rsbd.recipes`; each recipe is a paper's method in a few lines.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rsbd.bounds import Bounds as Bounds

__version__ = "0.1.0"

# Name -> home. Resolved on first use, so that `import rsbd` and `rsbd --help` do not pay for torch.
_HOMES: dict[str, str] = {}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rsbd' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
