"""The function `load`: a data set by name, in a view, reduced to some classes and a seeded subset."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from rsbd.data.dataset import Dataset
from rsbd.data.own import is_file_name
from rsbd.data.sources import Raw, data_root, read_raw, shuffled, source
from rsbd.errors import InputError, check_among, check_whole, is_whole
from rsbd.types import Floats, Labels, NDArray, Points

_UNIT = 2.0**-18  # float32 holds multiples up to 64 exactly, and rounding errors of other machines round away


def enlarged(codes: NDArray[Any], side: int, top: int) -> Floats:
    """Enlarge square pictures by cubic interpolation; each picture depends on its own pixels only.

    For each picture, the result is that of ``scipy.ndimage.zoom(picture, side / n, order=3, mode="nearest",
    grid_mode=True)``, clipped and rounded to whole levels, so that noise on a lattice has the pixels on its lattice.
    What is below half of `top` stays below it: all views agree on what is white.

    Parameters
    ----------
    codes : array (pictures, n, n)
        Levels from 0 to `top`.
    side : int
        The new side in pixels.
    top : int
        The highest level.

    Returns
    -------
    float64 array (pictures, side, side)
        Whole levels from 0 to `top`.

    Examples
    --------
    >>> picture = np.zeros((1, 8, 8))
    >>> picture[0, 2:5, 3:] = 16
    >>> white = enlarged(picture, side=28, top=16)[0] >= 8
    >>> white.any(axis=1).sum(), white.any(axis=0).sum()  # of 28, instead of 3 and 5 of 8
    (np.int64(11), np.int64(18))
    """
    weights = _weights(codes.shape[-1], side)
    found = weights @ codes.astype(np.float64) @ weights.T  # linear in rows and in columns
    found = np.rint(np.clip(found, 0, top) / _UNIT) * _UNIT  # as on every machine
    return np.where(2 * found < top, np.minimum(np.rint(found), (top - 1) // 2), np.rint(found))


@lru_cache
def _weights(stored: int, side: int) -> Floats:
    """Return what each stored pixel of a line adds to each new one: (side, stored)."""
    from scipy.ndimage import zoom

    return np.asarray(zoom(np.eye(stored), (side / stored, 1), order=3, mode="nearest", grid_mode=True))


View = Literal["binary", "gray", "unit"]


def load(
    name: str = "digits",
    *,
    view: View | str = "binary",
    classes: Iterable[int | str] | None = None,
    rows: int | None = None,
    points: int | None = None,
    side: int | None = None,
    seed: int = 0,
    root: str | Path | None = None,
    download: bool = False,
) -> Dataset:
    """Load a data set by name.

    Nothing is fitted on the data (no mean, no range, no principal axes). If something were fitted on data without
    noise, one poisoned row could move the others, which no certificate here covers.

    Parameters
    ----------
    name : str
        ``digits`` or ``breast_cancer`` (embedded), ``mnist``, ``fashion-mnist`` or ``cifar10`` (on disk); or a file of
        your own, inputs from 0 to 1: ``.npz`` with ``x``, ``y`` and perhaps ``x_test``, ``y_test``, or ``.csv`` with a
        column ``label``. A third of the rows are test points unless the file splits them.
    view : {"binary", "gray", "unit"}
        ``binary``: 1 where the input is at least 0.5, else 0 (values=2). ``gray``: the levels
        ``j / (values - 1)``, 17 of them for digits and 256 for the other pictures. ``unit``: the same numbers, taken as
        continuous (values=None). Interpolated pixels are rounded to the levels of the data set.
    classes : iterable of int or str, optional
        Two or more class names to keep, relabelled 0, 1, ... in the order given; all by default.
    rows, points : int, optional
        Size of a stratified random subset of the training rows and test points. Every class keeps at least
        one, and the subset of one size contains the smaller ones of the same seed.
    side : int, optional
        Side of the pictures of ``digits`` in pixels. They are stored with 8x8 pixels and enlarged to 28x28 by cubic
        interpolation, so that people recognise them; 8 gives the originals. Other data sets have one size only.
    seed : int
        Seed of the subsets; the split into rows and points is fixed.
    root : path, optional
        Folder in torchvision's own layout; ``$RSBD_DATA`` or the user's cache folder by default.
    download : bool
        Fetch a missing data set from the network.

    Returns
    -------
    Dataset
        Its arrays are read-only: to change some, copy them and call ``replace``.

    Raises
    ------
    InputError
        If the name, view, side, a class or a size does not fit, or the data set is missing or cannot be downloaded.

    Examples
    --------
    >>> load(classes=(1, 7), rows=100, points=50)
    Dataset('digits enlarged to 28x28', 100 rows, 50 points, shape 28x28, classes 1/7, values=2)
    >>> load("digits", view="gray", side=8)
    Dataset('digits', 1000 rows, 797 points, shape 8x8, classes 0/1/2/3/4/5/6/7/8/9, values=17)
    >>> load("breast_cancer", view="unit").classes
    ('malignant', 'benign')
    """
    if view not in ("binary", "gray", "unit"):
        raise InputError(f"there is no view {view!r}", "choose binary, gray or unit")
    seed = check_whole("seed", seed)
    size = _size(name, side)
    raw = read_raw(name, data_root(root), download=download)
    if view == "gray" and raw.levels is None:
        raise InputError(f"{name} has continuous measurements and no gray view", "choose view 'unit' or 'binary'")
    kept = _kept(name, raw, classes)
    train = _subset(raw.y, kept, rows, "rows", name, (seed, 0))
    test = _subset(raw.y_test, kept, points, "points", name, (seed, 1))
    relabel = np.zeros(len(raw.classes), np.int64)
    relabel[kept] = np.arange(len(kept))
    size = None if size == raw.x.shape[-1] else size
    told = f"{name} enlarged to {size}x{size}" if size else name
    x, x_test = (_seen(codes, raw.levels, view, size) for codes in (raw.x[train], raw.x_test[test]))
    y, y_test = relabel[raw.y[train]], relabel[raw.y_test[test]]
    values = {"binary": 2, "gray": raw.levels, "unit": None}[view]
    return Dataset(told, x, y, x_test, y_test, tuple(raw.classes[k] for k in kept), values)


def _size(name: str, side: int | None) -> int | None:
    """Return the side of the pictures, or None for pictures as they are stored."""
    sides = () if is_file_name(name) else source(name).sides
    if side is None:
        return sides[0] if sides else None
    if not sides:
        raise InputError(f"side is {side!r}, but {name} has inputs of one size only", "leave side out")
    check_among("side", side, sides)
    return int(side)


def _seen(codes: NDArray[Any], levels: int | None, view: str, side: int | None) -> Points:
    top = 1 if levels is None else levels - 1
    if side:
        codes = enlarged(codes, side, top)
    x = np.asarray(codes, np.float32) / np.float32(top)
    return cast("Points", (x >= 0.5).astype(np.float32) if view == "binary" else x)


def _kept(name: str, raw: Raw, classes: Iterable[int | str] | None) -> list[int]:
    if classes is None:
        return list(range(len(raw.classes)))
    wanted = [str(c) for c in ([classes] if isinstance(classes, str | int) else classes)]
    for missing in (c for c in wanted if c not in raw.classes):
        raise InputError(f"{name} has no class {missing!r}", f"choose from {', '.join(raw.classes)}")
    if len(wanted) < 2 or len(set(wanted)) < len(wanted):
        listed = ", ".join(wanted) or "empty"
        raise InputError(f"classes are {listed}", f"name at least two different ones of {', '.join(raw.classes)}")
    return [raw.classes.index(c) for c in wanted]


def _subset(y: Labels, kept: list[int], size: int | None, what: str, name: str, seed: tuple[int, ...]) -> Labels:
    """Return the positions of a stratified subset; all of the kept classes, in stored order, for None."""
    among = np.flatnonzero(np.isin(y, kept))
    if size is None:
        return among
    if not is_whole(size, len(kept)) or size > len(among):
        raise InputError(f"{size!r} {what} of {name} are wanted", f"give {len(kept)} (one a class) to {len(among)}")
    # Place the j-th member of a class of n at j/n. In the order of these places, one member of each class comes first,
    # and then every class stays within one of its share at every size.
    among = among[shuffled(len(among), seed)]
    place = np.empty(len(among))
    for k in kept:
        members = np.flatnonzero(y[among] == k)
        place[members] = np.arange(len(members)) / len(members)
    return among[np.argsort(place, kind="stable")[: int(size)]]
