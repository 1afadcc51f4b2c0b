"""Files are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from rsbd.errors import InputError


@contextmanager
def whole(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes the place of ``path`` only once it is complete.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole(Path(folder) / "a.txt") as file:
    ...         _ = file.write(b"done")
    ...     [p.name for p in Path(folder).iterdir()]
    ['a.txt']
    """
    path = Path(path)
    part = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        # Of the file that was asked for, and not of our own beside it; a full disk names no file.
        if isinstance(error, OSError) and error.errno and error.filename in (None, str(part)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def place(name: str | Path) -> Path:
    """Read the name of a file or folder as people write it: ``~`` is a home, and no name is not the folder at hand.

    >>> place(" ")
    Traceback (most recent call last):
    rsbd.errors.InputError: ' ' names no file or folder: give its name
    """
    if not str(name).strip() or "\0" in str(name):
        raise InputError(f"{str(name)!r} names no file or folder", "give its name")
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise InputError(
            f"'{name}' is in the home of a user who is not known here", "write the path out in full"
        ) from None


def try_to_write(folder: Path) -> None:
    """Make a folder if need be, and raise ``OSError`` where nothing can be written: before the work, not after it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"rsbd")  # a full disk takes names, but nothing in them
