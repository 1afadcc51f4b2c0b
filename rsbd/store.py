"""Votes on disk while they arrive, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rsbd.errors import InputError
from rsbd.votes import Votes


@dataclass
class Store:
    """One experiment's file of votes, named after everything that determines them.

    Parameters
    ----------
    folder : Path
        Where the files of all experiments lie; made when the first votes are saved.
    manifest : mapping
        What determines the votes. Another experiment has another file, so that nothing is mixed up or overwritten.
    every : float
        Seconds between two states, at least. Each replaces the one before as a whole, so that a run which is killed
        at any moment leaves votes that are complete and true.
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

    def load(self, at_most: int) -> Votes | None:
        """Read the votes of up to ``at_most`` models; None where there are none, or more (counts cannot be split).

        A damaged file is set aside, with a warning.
        """
        if not self.path.exists():
            return None
        try:
            votes = Votes.load(self.path)
        except InputError as error:
            aside = self.path.with_name(self.path.name + ".damaged")
            self.path.replace(aside)
            warnings.warn(f"{error}; it was set aside as {aside.name} and the run starts anew", stacklevel=2)
            return None
        self._ahead = votes.num_models > at_most
        return None if self._ahead else votes

    def save(self, votes: Votes, last: bool = False) -> None:
        """Write the votes, unless the file is newer than ``every`` seconds and these are not the last.

        A file that holds more models than were asked for is left as it is.
        """
        if self._ahead:
            return
        if last or time.monotonic() - self._saved >= self.every:
            self.folder.mkdir(parents=True, exist_ok=True)
            votes.save(self.path)
            self._saved = time.monotonic()
