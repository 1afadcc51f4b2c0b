"""Damage files in reproducible ways, and compare folders before and after."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random

WORDS = (
    "", " ", "-1", "0", "1", "0.5", "1e400", "nan", "-inf", "3.7", "0x10", "1_000", "٣", "½", "1/0", "4/5", "10000001",
    "9" * 40, "-" * 3, "--", "--help", "\0", "a\nb", "\udcff", "é" * 300, "x" * 5000, "%s%n{0}", "$(touch owned)",
    "; touch owned", "`touch owned`", "../../owned", "/dev/null/x", "None", "True", "[]", "patch", "digits", "auto",
    "cpu", "linear", "poisoned", "all", "mnist", "gaussian",
)  # fmt: skip
# Number of inputs that are tried: of damaged files of each kind, and of odd words for each command (others: 10).
FILE_INPUTS = {"votes": 420, "store": 40, "mnist": 40}
COMMAND_INPUTS = {
    "certify": 300,
    "compare": 60,
    "lecture": 40,
    "lab": 60,
    "data download": 40,
}


def damage(whole: bytes, other: bytes, random: Random) -> bytes:
    """Return a damaged copy of a file: cut, bits flipped, overwritten, spliced with another file, or extended."""
    data, kind = bytearray(whole), random.randrange(7)
    at = random.randrange(len(data) + 1)
    if kind == 0:
        return bytes(data[:at])
    if kind == 1:
        for _ in range(random.randrange(1, 20)):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif kind == 2:
        data[at : at + 16] = random.randbytes(16)
    elif kind == 3:
        return bytes(data[:at] + other[at:])
    elif kind == 4:
        data[at:at] = random.randbytes(random.randrange(1, 2000))
    elif kind == 5:
        data[at : at + 8] = b"\xff" * 8  # sizes as large as they can be
    else:
        return other if random.random() < 0.5 else random.randbytes(random.randrange(3000))
    return bytes(data)


def snapshot(folder: Path, but: tuple[Path, ...] = ()) -> dict[str, object]:
    """Return the content of every file below a folder, without following links and without the folders in ``but``."""
    seen: dict[str, object] = {}
    for root, folders, files in os.walk(folder):
        here = Path(root)
        folders[:] = [name for name in folders if here / name not in but]
        for name in (*folders, *files):
            path = here / name
            seen[str(path)] = path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes()
    return seen


@contextlib.contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise TimeoutError if the block takes longer than this."""

    def late(*_: object) -> None:
        raise TimeoutError(f"no answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
