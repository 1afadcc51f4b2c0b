"""The known data sets: where their files come from and how their numbers are read."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np

from rsbd.data.own import is_file_name, number_labels, read_own
from rsbd.errors import InputError, first_line
from rsbd.files import read_path, try_to_write
from rsbd.types import Labels, NDArray


@dataclass(frozen=True, eq=False)
class Raw:
    """A data set as stored: integer codes ``0 .. levels - 1``, or floats in [0, 1] where `levels` is None."""

    x: NDArray[Any]
    y: Labels
    x_test: NDArray[Any]
    y_test: Labels
    classes: tuple[str, ...]
    levels: int | None


@dataclass(frozen=True)
class Source:
    """A known data set: what ``sources.toml`` says of it."""

    description: str
    rows: int
    points: int
    files: Sequence[str] = ()
    cls: str = ""
    classes: Sequence[str] = ()
    sides: Sequence[int] = ()
    embedded: Mapping[str, Any] = field(default_factory=dict)

    def present(self, root: Path) -> bool:
        """Return True if every file of the data set is under `root`."""
        return all((root / file).is_file() for file in self.files)

    def where(self, root: Path) -> str:
        """Say whether the data set is in the package, here (under `root`), or missing."""
        return "in the package" if not self.files else "here" if self.present(root) else "missing"

    def read(self, root: Path) -> Raw:
        """Read the data set: from scikit-learn, or from the data folder; CIFAR by torchvision, which takes a second."""
        if self.embedded:
            return _read_embedded(self.rows, **self.embedded)
        if self.classes:
            x, y, x_test, y_test = (_read_idx(root / file) for file in self.files)
            return Raw(x, y.astype(np.int64), x_test, y_test.astype(np.int64), tuple(self.classes), levels=256)
        from rsbd.data import vision

        train, test = vision.train_and_test(self.cls, root)
        # CIFAR stores colours last; torch and this package expect them first.
        x, x_test = (np.asarray(half.data, np.uint8).transpose(0, 3, 1, 2) for half in (train, test))
        return Raw(x, np.array(train.targets), x_test, np.array(test.targets), tuple(train.classes), levels=256)


_ENTRIES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
SOURCES = {name: Source(**entry) for name, entry in _ENTRIES.items()}


def data_root(root: str | Path | None = None) -> Path:
    """Return the folder of the downloaded data sets: `root`, else ``$RSBD_DATA``, else the user's cache."""
    return read_path(root or os.environ.get("RSBD_DATA") or _cache() / "data")


def _cache() -> Path:
    try:
        import platformdirs
    except ImportError:  # the library alone, without what the course and the commands need
        return Path.home() / ".cache" / "rsbd"
    return Path(platformdirs.user_cache_dir("rsbd"))


def shuffled(count: int, seed: int | tuple[int, ...]) -> Labels:
    """Return a permutation that is the same with every version of numpy: sorted uniforms instead of a shuffle."""
    return np.argsort(np.random.default_rng(seed).random(count), kind="stable")


def _split(x: NDArray[Any], y: Labels, rows: int, classes: tuple[str, ...], levels: int | None) -> Raw:
    order = shuffled(len(x), 20240601)  # fixed, so that the training rows are the same everywhere
    train, test = order[:rows], order[rows:]
    return Raw(x[train], y[train], x[test], y[test], classes, levels)


def _read_embedded(
    rows: int, file: str, header: int, shape: list[int], classes: list[str], levels: int | None = None, tops: Any = 1
) -> Raw:
    """Read the files of scikit-learn, which takes a second to import; without levels, scale numbers to [0, 1]."""
    (package,) = cast("list[str]", getattr(find_spec("sklearn"), "submodule_search_locations", []))
    table = np.loadtxt(Path(package, "datasets", "data", file), delimiter=",", skiprows=header)
    x = table[:, :-1].reshape(-1, *shape)
    codes = x.astype(np.uint8) if levels else np.clip(x / np.array(tops), 0, 1).astype(np.float32)
    return _split(codes, table[:, -1].astype(np.int64), rows, tuple(classes), levels)


def _read_idx(file: Path) -> NDArray[np.uint8]:
    """Read bytes in the IDX format of MNIST: two zeros, 8 for bytes, the number of axes, and the length of each."""
    data = file.read_bytes()
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"{file.name} does not begin as a file of MNIST")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(np.frombuffer(data, ">u4", data[3], 4))


def source(name: str) -> Source:
    """Return the source called `name`.

    Raises
    ------
    InputError
        If no data set has that name.
    """
    if name not in SOURCES:
        raise InputError(f"there is no dataset {name!r}", f"choose one of {', '.join(SOURCES)}, or a file .npz or .csv")
    return SOURCES[name]


@lru_cache(maxsize=2)
def _read(name: str, root: Path) -> Raw:
    try:
        found = source(name)
        raw = found.read(root)
        sizes = tuple(map(len, (raw.x, raw.y, raw.x_test, raw.y_test)))
        if sizes != (found.rows, found.rows, found.points, found.points):
            raise ValueError(f"it has {sizes[0]} rows and {sizes[2]} points, not {found.rows} and {found.points}")
        return raw
    except InputError:
        raise
    except Exception as error:  # a damaged file can make its reader raise anything
        failed = f"{name} in {root} cannot be read ({first_line(error)})"
        raise InputError(failed, f"delete it there and run `rsbd data download {name}`") from error


def read_raw(name: str, root: Path, *, download: bool = False) -> Raw:
    """Read a whole data set; if it is missing and `download` is True, download it first.

    Raises
    ------
    InputError
        If it is unknown, missing, unreadable, or cannot be downloaded or written.
    """
    if is_file_name(name):
        return _own(name)
    found = source(name)
    if not found.present(root):
        if not download:
            get = f"run `rsbd data download {name}` (needs the network), or set RSBD_DATA to a folder that holds it"
            raise InputError(f"{name} is not in {root}", get)
        _download(found, name, root)
    return _read(name, root)


def _own(name: str) -> Raw:
    """Read a file of one's own; a third of the rows are test points unless the file splits them."""
    given = read_own(name)
    classes, labels = number_labels(given["y"], given.get("y_test", []))
    for key, y in zip(("y", "y_test"), labels, strict=True):
        if len(y) != len(given.get(key.replace("y", "x"), ())):
            raise InputError(f"{name} has {len(y)} labels {key} for other inputs", "give one label for each input")
    if "x_test" not in given:
        return _split(given["x"], labels[0], len(labels[0]) - len(labels[0]) // 3, classes, None)
    return Raw(given["x"], labels[0], given["x_test"], labels[1], classes, None)


def _download(found: Source, name: str, root: Path) -> None:
    from rsbd.data import vision

    try:
        try_to_write(root)
    except OSError as error:
        failed = f"{name} cannot be written to {root} ({error.strerror})"
        raise InputError(failed, "set RSBD_DATA to a folder that you can write to") from error
    try:
        vision.train_and_test(found.cls, root, download=True)
    except (OSError, RuntimeError) as error:  # urllib's errors are OSErrors
        failed = f"{name} could not be downloaded ({first_line(error)})"
        again = "connect to the network and try again, or copy it from another machine and set RSBD_DATA to its folder"
        raise InputError(failed, again) from error
