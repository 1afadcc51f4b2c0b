"""Files of arrays with a hash: written whole, and read without unpickling anything."""

import hashlib
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rsbd.errors import InputError, first_line
from rsbd.files import atomic_file
from rsbd.types import NDArray

_LARGEST = 1 << 30  # bytes of one file's arrays: a hundred thousand points of a thousand classes
# Exceptions of numpy, zip and zlib for bytes that are no such file.
_BROKEN = (
    OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, OverflowError, RecursionError, SyntaxError,
    NotImplementedError, RuntimeError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def write_arrays(path: str | Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to an ``.npz`` file, whole or not at all. The same arrays give the same bytes."""
    given: dict[str, Any] = {**arrays, "digest": np.frombuffer(_digest(arrays), np.uint8)}
    with atomic_file(path) as file:
        np.savez_compressed(file, **given)


def read_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """Read what :func:`write_arrays` wrote; refuse a small file that would unpack to a huge one before reading it."""
    if not Path(path).is_file() and os.path.lexists(path):  # reading a pipe would wait for ever
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
    except _BROKEN as error:
        reason = first_line(error)[:100]
        raise InputError(f"{path} is not a whole file of {what} ({reason})", f"delete it and {again}") from None


def _digest(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape} ".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.digest()
