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

import numpy as np
import torch

from rsbd.errors import InputError
from rsbd.types import Labels, NDArray

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
        raise InputError("torchvision, which reads this data set, is missing", "pip install torchvision") from None
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
    _declare_missing_operators()
    return importlib.import_module("torchvision")


def _open(cls: str, root: Path, *, train: bool, download: bool) -> Any:
    torchvision()
    datasets = importlib.import_module("torchvision.datasets")
    return getattr(datasets, cls)(str(root), train=train, download=download)


def pictures(cls: str, root: Path, *, train: bool) -> tuple[NDArray[np.uint8], Labels, tuple[str, ...]]:
    """Read one half of the torchvision data set class `cls`: codes 0 to 255 (rows, [C,] H, W), labels, class names."""
    data = _open(cls, root, train=train, download=False)
    x = np.asarray(data.data, dtype=np.uint8)
    if x.ndim == 4:  # CIFAR stores colours last; torch and this package expect them first
        x = x.transpose(0, 3, 1, 2)
    # MNIST calls its classes '1 - one'; people type the digit.
    names = tuple(name.split(" - ")[0].lower() for name in data.classes)
    return x, np.asarray(data.targets, dtype=np.int64), names


def download_pictures(cls: str, root: Path) -> None:
    """Download both halves of the torchvision data set class `cls` into `root`, progress on stderr."""
    with contextlib.redirect_stdout(sys.stderr):
        for train in (True, False):
            _open(cls, root, train=train, download=True)
