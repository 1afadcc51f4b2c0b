"""Paths as users write them, and files that are written completely or not at all, of arrays with a hash too."""

import hashlib
import os
import secrets
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from rsbd.errors import InputError, first_line
from rsbd.types import NDArray

_LARGEST = 1 << 30  # bytes of one file's arrays: a hundred thousand points of a thousand classes


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
    path = read_path(path)
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


def write_texts(folder: str | Path, texts: Mapping[str, str]) -> list[Path]:
    """Write text files, given by name, into a folder, which is made if it is missing; return their paths."""
    folder = read_path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def read_path(name: str | Path) -> Path:
    """Return the path of a file or folder as users write it: ``~`` is their home, and an empty name is an error.

    >>> read_path(" ")
    Traceback (most recent call last):
    rsbd.errors.InputError: ' ' names no file or folder: give its name
    """
    if not isinstance(name, str | os.PathLike) or not str(name).strip() or "\0" in str(name):
        raise InputError(f"{name!r} names no file or folder", "give its name")
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise InputError(f"'{name}' is in the home of an unknown user", "write the path out in full") from None


def try_to_write(folder: Path) -> None:
    """Create a folder if it is missing, and raise ``OSError`` if nothing can be written there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"rsbd")  # on a full disk a file can be created, but not written


def write_arrays(path: str | Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to an ``.npz`` file, whole or not at all. The same arrays give the same bytes."""
    given: dict[str, Any] = {**arrays, "digest": np.frombuffer(_digest(arrays), np.uint8)}
    with atomic_file(path) as file:
        np.savez_compressed(file, **given)


def read_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """Read what :func:`write_arrays` wrote; refuse a small file that would unpack to a huge one before reading it."""
    path = read_path(path)
    if not path.is_file() and os.path.lexists(path):  # reading a pipe would wait for ever
        raise ValueError("it is no file")
    with zipfile.ZipFile(path) as packed:
        if sum(member.file_size for member in packed.infolist()) > _LARGEST:
            raise ValueError("it would unpack to more than a gigabyte")
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != "digest"}
        if file["digest"].tobytes() != _digest(arrays):
            raise InputError(f"{path} was changed after it was written", "delete it and make it again")
    return arrays


@contextmanager
def refuse_broken(path: str | Path, what: str, again: str) -> Iterator[None]:
    """Turn what is raised for a file that is missing, damaged or another kind of file into an InputError."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"there is no file of {what} at {path}", f"check the name, or {again}") from None
    except InputError:
        raise
    except Exception as error:  # of numpy, zip, zlib and others, for bytes that are no such file
        reason = first_line(error)[:100]
        raise InputError(f"{path} is not a whole file of {what} ({reason})", f"delete it and {again}") from None


def _digest(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape} ".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.digest()
