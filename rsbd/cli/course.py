"""Where the notebooks are, and a copy of them that the user may change."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import rsbd
from rsbd.errors import InputError

FIRST = "00_start_here.ipynb"


def stored() -> tuple[Path, bool]:
    """Return the folder of the notebooks, and whether it is a checkout that may be worked in.

    Raises
    ------
    InputError
        If this installation has no notebooks.
    """
    package = Path(rsbd.__file__).resolve().parent
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "notebooks" / FIRST).is_file():
        return checkout / "notebooks", True
    if (package / "_course" / FIRST).is_file():
        return package / "_course", False
    raise InputError(f"this installation of rsbd in {package} has no notebooks: install it again with pip")


def folder(to: Path | None = None) -> tuple[Path, int]:
    """Return a folder with the course that the user can write to, and how many old files were kept in it.

    A checkout is used as it is. The course of an installed package is copied, to `to`, or to ``rsbd-course``
    in the working folder or else the home folder. What is there already is the user's work: it is never
    overwritten.

    Raises
    ------
    InputError
        If there are no notebooks, or nowhere to copy them.
    """
    source, is_checkout = stored()
    if is_checkout and to is None:
        return source, 0
    tried = [to] if to else [Path.cwd() / "rsbd-course", Path.home() / "rsbd-course"]
    for target in tried:
        try:
            return target.resolve(), _copy_new(source, target)
        except OSError:
            continue
    raise InputError(
        f"the course cannot be copied to {' or '.join(map(str, tried))}: "
        "name a folder that you can write to with --to"
    )


def _copy_new(source: Path, target: Path) -> int:
    kept = 0
    for file in sorted(source.rglob("*")):
        inside = file.relative_to(source)
        if file.is_dir() or any(part.startswith((".", "__")) for part in inside.parts):
            continue
        copy = target / inside
        if copy.exists():
            kept += 1
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    if not os.access(target, os.W_OK):
        raise PermissionError(target)
    return kept
