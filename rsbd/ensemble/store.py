"""Keeps votes on disk while they arrive, so that an interrupted run goes on where it stopped."""

import contextlib
import hashlib
import json
import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rsbd.ensemble.votes import Votes
from rsbd.errors import InputError
from rsbd.files import try_to_write


@dataclass
class Store:
    """One experiment's file of votes, named after everything that determines them.

    Parameters
    ----------
    folder : Path
        Holds the files of all experiments; made before the first model is trained.
    manifest : mapping
        Everything that determines the votes. Each manifest has a file of its own, so nothing is mixed or overwritten.
    every : float
        Least time between two writes, in seconds. Each write replaces the whole file, so a run that is killed at any
        moment leaves complete and true votes.
    """

    folder: Path
    manifest: Mapping[str, Any]
    every: float = 1.0
    _saved: float = field(default=0.0, repr=False)
    _ahead: bool = field(default=False, repr=False)

    @property
    def path(self) -> Path:
        """The file."""
        key = hashlib.sha256(json.dumps(self.manifest, sort_keys=True).encode()).hexdigest()
        return self.folder / f"{key[:20]}.npz"

    def check(self) -> None:
        """Raise if votes could not be kept, before the first model is trained."""
        if self._ahead:  # nothing will be written
            return
        try:
            try_to_write(self.folder)
        except OSError as error:
            raise InputError(
                f"votes cannot be kept in {self.folder} ({error.strerror})", "name a folder that you can write to"
            ) from None

    def load(self, at_most: int) -> Votes | None:
        """Return the stored votes of at most ``at_most`` models, or None: counts of more models cannot be split.

        A damaged file, a file of another experiment or a link is set aside, with a warning.

        Raises
        ------
        InputError
            The file cannot be set aside.
        """
        if not os.path.lexists(self.path):
            return None
        try:
            votes = self._read()
        except InputError as error:
            aside = self.path.with_name(self.path.name + ".damaged")
            try:
                self.path.replace(aside)
            except FileNotFoundError:  # another run was quicker
                pass
            except OSError as why:
                raise InputError(
                    f"{error.what} and cannot be set aside as {aside.name} ({why.strerror})", error.remedy
                ) from None
            warnings.warn(f"{error}; it was set aside as {aside.name} and the run starts anew", stacklevel=2)
            return None
        self._ahead = votes.num_models > at_most
        return None if self._ahead else votes

    def save(self, votes: Votes, last: bool = False) -> None:
        """Write the votes, unless the last write was less than ``every`` seconds ago and these are not the last votes.

        A file that holds more models, written by this run or a concurrent one, stays as it is.
        """
        if self._ahead:
            return
        if last or time.monotonic() - self._saved >= self.every:
            self.folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(InputError):
                if self._read().num_models >= votes.num_models:
                    return
            votes.save(self.path)
            self._saved = time.monotonic()

    def _read(self) -> Votes:
        if self.path.is_symlink():
            raise InputError(f"{self.path} is a link, which may lead anywhere", "delete it and collect again")
        votes = Votes.load(self.path)
        if votes.manifest != dict(self.manifest):
            raise InputError(f"{self.path} holds votes of another experiment", "delete it and collect again")
        return votes
