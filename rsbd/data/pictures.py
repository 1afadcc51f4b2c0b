"""Read MNIST, Fashion-MNIST and CIFAR-10 from their published files, and download these files."""

import gzip
import hashlib
import io
import tarfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rsbd.files import atomic_file
from rsbd.types import NDArray

IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
CIFAR = ("batches.meta.txt", *(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
_CIFAR_ARCHIVE = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"


def read_idx(folder: Path, part: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read the pictures (rows, 28, 28) and labels of a part of MNIST, "train" or "t10k"."""
    found = []
    for name, dims in ((f"{part}-images-idx3-ubyte", 3), (f"{part}-labels-idx1-ubyte", 1)):
        content = (folder / name).read_bytes()
        if content[:4] != bytes((0, 0, 8, dims)):
            raise ValueError(f"{name} is no IDX file of bytes")
        found.append(np.frombuffer(content, np.uint8, offset=4 + 4 * dims))
    return found[0].reshape(-1, 28, 28), found[1].astype(np.int64)


def read_cifar(files: Sequence[Path]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read the pictures (rows, 3, 32, 32) and labels of batches of CIFAR-10."""
    # A record is a byte for the label, and then the red, green and blue of a picture.
    records = np.concatenate([np.fromfile(file, np.uint8).reshape(-1, 1 + 3 * 32 * 32) for file in files])
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)


def fetch_idx(folder: Path, address: str, sums: Sequence[str]) -> None:
    """Download each of the four files of MNIST that is missing; `sums` are the MD5 sums of the packed files."""
    for name, md5 in zip(IDX, sums, strict=True):
        if not (folder / name).is_file():
            _write(folder / name, gzip.decompress(_download(f"{address}/{name}.gz", md5)))


def fetch_cifar(folder: Path) -> None:
    """Download CIFAR-10 and unpack its batches."""
    with tarfile.open(fileobj=io.BytesIO(_download(*_CIFAR_ARCHIVE))) as archive:
        for name in CIFAR:  # members are looked up, so that none can be written anywhere else
            member = archive.extractfile(f"cifar-10-batches-bin/{name}")
            _write(folder / name, member.read() if member else b"")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        file.write(content)


def _download(url: str, md5: str) -> bytes:
    """Return the file at an address; raise OSError unless it is the published one."""
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 (the addresses are in this package)
        content: bytes = answer.read()
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise OSError(f"{url} does not hold the published file")
    return content
