"""The only module that imports torchvision.

torchvision's wheel for Linux is a CUDA build. With a CPU build of torch its compiled part does not load, and the import
fails with `operator torchvision::nms does not exist`. The package uses only its data sets, which are pure Python, so it
is enough to declare the two operators that the import needs. They have no implementation, so calling one is an error.
"""

import contextlib
import importlib
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from rsbd.errors import InputError

_LIBRARY: list[torch.library.Library] = []  # kept alive: a garbage-collected library removes its operators


def _declare_missing_operators() -> None:
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, operator):
            schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            library.define(schema)  # type: ignore[no-untyped-call]
    _LIBRARY.append(library)


@lru_cache(maxsize=1)
def torchvision() -> ModuleType:
    """Import torchvision; declare its two operators if and only if the import fails without them."""
    try:
        return importlib.import_module("torchvision")
    except ModuleNotFoundError:
        raise InputError("torchvision, which some data sets need, is missing", "pip install torchvision") from None
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
    _declare_missing_operators()
    return importlib.import_module("torchvision")


def train_and_test(cls: str, root: Path, *, download: bool = False) -> list[Any]:
    """Open both halves of the torchvision data set class `cls`; first download them if asked, progress on stderr."""
    known = getattr(torchvision().datasets, cls)
    with contextlib.redirect_stdout(sys.stderr):
        return [known(str(root), train=train, download=download) for train in (True, False)]
