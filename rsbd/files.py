"""Paths as users write them, and files that are written completely or not at all."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from rsbd.errors import InputError


@contextmanager
def atomic_file(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that replaces ``path`` only once it is complete.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_file(Path(folder) / "a.txt") as file:
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
        # The error must name the file that was asked for, and not the temporary one; a full disk names no file.
        if isinstance(error, OSError) and error.errno and error.filename in (None, str(part)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def write_text(path: str | Path, text: str) -> None:
    """Write a text file completely or not at all."""
    with atomic_file(path) as file:
        file.write(text.encode())


def read_path(name: str | Path) -> Path:
    """Return the path of a file or folder as users write it: ``~`` is their home, and an empty name is an error.

    >>> read_path(" ")
    Traceback (most recent call last):
    rsbd.errors.InputError: ' ' names no file or folder: give its name
    """
    if not str(name).strip() or "\0" in str(name):
        raise InputError(f"{str(name)!r} names no file or folder", "give its name")
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise InputError(f"'{name}' is in the home of an unknown user", "write the path out in full") from None


def try_to_write(folder: Path) -> None:
    """Create a folder if it is missing, and raise ``OSError`` if nothing can be written there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"rsbd")  # on a full disk a file can be created, but not written
