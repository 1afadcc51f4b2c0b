"""The user's cache: votes that were dear to collect are kept between notebooks and kernels, within a bound.

It is only ever a shortcut. Where its folder cannot be written to, or holds damaged files, votes are collected as if
there were none. ``RSBD_CACHE`` names another folder; ``RSBD_CACHE=off`` does without.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import platformdirs

from rsbd.ensemble.store import Store
from rsbd.ensemble.votes import Votes
from rsbd.errors import InputError
from rsbd.files import place

LIMIT = 200_000_000
"""Bytes that the cache may take. Beyond them the votes that were used longest ago go first."""

WORTH = 1.0
"""Seconds of work below which votes are not kept: on the digits, collecting is as quick as reading."""

_PARTS_LIVE = 3600.0  # seconds after which an unfinished file is what a killed run left
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


def folder() -> Path | None:
    """Return the folder of the cache, which need not exist yet; None where it is switched off."""
    named = os.environ.get("RSBD_CACHE")
    if named is not None and named.strip().lower() in ("", "0", "off", "no", "none"):
        return None
    return place(named) if named else Path(platformdirs.user_cache_dir("rsbd")) / "votes"


@dataclass(frozen=True)
class Entry:
    """One file of the cache: its size in bytes, and when it was last used (seconds since 1970)."""

    path: Path
    size: int
    used: float


def entries(root: Path | None = None) -> list[Entry]:
    """List the files of the cache, the one used longest ago first.

    Only files whose names the cache gives, in its own folder: links and folders are no part of it.
    """
    root = folder() if root is None else root
    found = []
    if root is not None:
        with contextlib.suppress(OSError), os.scandir(root) as items:
            for item in items:
                if _ours(item.name) and item.is_file(follow_symlinks=False):
                    with contextlib.suppress(FileNotFoundError):  # another kernel has just taken it away
                        known = item.stat(follow_symlinks=False)
                        found.append(Entry(Path(item.path), known.st_size, known.st_mtime))
    return sorted(found, key=lambda entry: (entry.used, entry.path.name))


def trim(limit: int | None = None, root: Path | None = None) -> None:
    """Delete the files used longest ago until the rest take at most ``limit`` bytes, and what killed runs left."""
    kept, total = entries(root), 0
    old = time.time() - _PARTS_LIVE
    for entry in reversed(kept):
        if entry.path.name.startswith("."):
            if entry.used < old:
                _remove(entry)
            continue
        total += entry.size
        if total > (LIMIT if limit is None else limit):
            _remove(entry)


def clear(older_than: float = 0.0, root: Path | None = None) -> list[Entry]:
    """Delete what was not used within ``older_than`` seconds, and return it."""
    before = time.time() - older_than
    gone = [entry for entry in entries(root) if entry.used <= before]
    return [entry for entry in gone if _remove(entry)]


@dataclass
class Cached(Store):
    """A store in the user's cache: it keeps only what was dear, and never stops a run."""

    @property
    def path(self) -> Path:
        """The file; another one for another version of the code that trains and draws."""
        text = code() + json.dumps(self.manifest, sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.npz"

    def check(self) -> None:
        """A shortcut need not be there."""

    def load(self, at_most: int) -> Votes | None:
        """Read the votes, and note that they were used."""
        with contextlib.suppress(OSError, InputError):
            votes = super().load(at_most)
            if votes is not None:
                with contextlib.suppress(OSError):
                    os.utime(self.path)
            return votes
        return None

    def save(self, votes: Votes, last: bool = False) -> None:
        """Write votes that took longer than :data:`WORTH`; a folder that cannot be written to is let be."""
        if sum(votes.seconds.values()) < WORTH:
            return
        try:
            super().save(votes, last)
            if last:
                trim(root=self.folder)
        except OSError as error:
            if error.errno not in _READ_ONLY:
                _say_once(f"votes are not kept in {self.folder} ({error.strerror}): clear it with `rsbd cache clear`")


@contextlib.contextmanager
def keeping_all() -> Iterator[None]:
    """Keep cheap votes too, for a while: on a machine that is prepared for others."""
    global WORTH
    before, WORTH = WORTH, 0.0
    try:
        yield
    finally:
        WORTH = before


@lru_cache(maxsize=1)
def code() -> str:
    """Hash of the code that determines votes, so that a changed learner never meets its old votes."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for name in ("rng.py", "shard.py", "smoothing.py", "learners", "noises"):
        path = package / name
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _ours(name: str) -> bool:
    """``<20 hex digits>.npz``, the same set aside, and the unfinished ``.<name>.<letters>``."""
    stem, dot, _ = name.removeprefix(".").partition(".npz")
    return bool(dot) and len(stem) == 20 and set(stem) <= set("0123456789abcdef")


def _remove(entry: Entry) -> bool:
    try:
        entry.path.unlink()
    except OSError:
        return False
    return True


@lru_cache(maxsize=8)
def _say_once(message: str) -> None:
    warnings.warn(message, stacklevel=4)
