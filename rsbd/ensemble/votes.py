"""The votes of an ensemble: how many models gave each point each label, in memory and in files that grow meanwhile."""

import hashlib
import itertools
import json
import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger, Evidence
from rsbd.evasion.triggers import from_record
from rsbd.files import read_arrays, refuse_broken, try_to_write, write_arrays
from rsbd.types import Ints, Labels

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Votes:
    """Counts of labels over the models that have voted.

    Parameters
    ----------
    counts : ndarray
        Models that gave each point each label, shape (points, classes), int64.
    models : tuple of (int, int)
        Which models voted, as sorted half-open spans: ``((0, 1000),)`` for the first thousand.
    manifest : mapping
        Everything that determines the votes: data, noise, learner, seed, versions. Only equal manifests merge; code of
        yours that has no name is never equal.
    seconds : mapping
        Time spent on ``train`` and ``vote``, summed over workers; neither saved nor compared.
    kept : ndarray, optional
        Models that gave each point each label and that no trigger moves, shape (triggers, points, classes), int64.
    reached : ndarray, optional
        Models that give each point each label without a trigger or with some, shape (triggers, points, classes).

    Examples
    --------
    >>> a = Votes(np.array([[3, 1]]), ((0, 4),), {"seed": 0})
    >>> b = Votes(np.array([[2, 0]]), ((4, 6),), {"seed": 0})
    >>> a.merge(b).counts, a.merge(b).models
    (array([[5, 1]]), ((0, 6),))
    """

    counts: Ints
    models: Spans
    manifest: Mapping[str, Any]
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)
    kept: Ints | None = None
    reached: Ints | None = None

    @classmethod
    def none(cls, num_points: int, num_classes: int, manifest: Mapping[str, Any]) -> "Votes":
        """Return the votes before any model has voted."""
        counts, triggers = np.zeros((num_points, num_classes), np.int64), len(manifest.get("triggers", ()))
        moved = np.stack([counts] * triggers) if triggers else None
        return cls(counts, (), manifest, {}, moved, moved)

    @property
    def num_models(self) -> int:
        """Number of models that have voted."""
        return sum(stop - start for start, stop in self.models)

    @property
    def label(self) -> Labels:
        """The smoothed classifier's estimate: the label with most votes, the lowest one on a tie. Shape (points,)."""
        label: Labels = self.counts.argmax(1)
        return label

    @property
    def triggers(self) -> tuple[AnyTrigger, ...]:
        """The triggers on the test input that votes were held against."""
        return tuple(map(from_record, self.manifest.get("triggers", ())))

    def against(self, trigger: AnyTrigger, by_window: bool = False) -> Evidence:
        """Return the evidence for a certificate against a trigger: what :func:`rsbd.bounds.kept_votes` bounds.

        Parameters
        ----------
        trigger : AnyTrigger
            One of ``triggers``.
        by_window : bool
            Count for each place of the trigger by itself, which certifies more where the places are few or the patch
            large. Then its ``windows`` must be among ``triggers``.

        Raises
        ------
        InputError
            The votes were not held against it.
        """
        known = self.triggers
        wanted = trigger.windows(tuple(self.manifest["shape"])) if by_window and known else (trigger,)
        if self.kept is None or self.reached is None or not set(wanted) <= set(known):
            given = "trigger.windows(dataset.shape)" if by_window else f"[{trigger!r}]"
            raise InputError(f"these votes were not held against {trigger}", f"collect(..., triggers={given})")
        rows = [known.index(one) for one in wanted]
        return Evidence(trigger, self.counts, self.kept[rows], self.reached[rows])

    def merge(self, other: "Votes") -> "Votes":
        """Add the votes of other models.

        Raises
        ------
        InputError
            The votes are of another experiment, or some model has voted in both.
        """
        different = [k for k in {*self.manifest, *other.manifest} if self.manifest.get(k) != other.manifest.get(k)]
        if "unnamed" in different:
            unnamed = "these votes are of code of yours without a name, so another version's could be among them"
            raise InputError(unnamed, 'give the learner or noise a name, such as name="two layers, version 1"')
        if different:
            raise InputError(f"these votes differ in {', '.join(sorted(different))}", "merge votes of one experiment")
        models = join_spans(self.models, other.models)
        spent = {k: self.seconds.get(k, 0) + other.seconds.get(k, 0) for k in {*self.seconds, *other.seconds}}
        counts = {name: array + getattr(other, name) for name, array in self._counts().items()}
        return replace(self, **counts, models=models, seconds=spent)

    def times(self, number: int) -> "Votes":
        """Return the votes with each one counted ``number`` times, which proves nothing."""
        counts: dict[str, Any] = {name: array * number for name, array in self._counts().items()}
        return replace(self, **counts)

    def first_points(self, number: int) -> "Votes":
        """Return the votes on the first ``number`` points."""
        counts: dict[str, Any] = {name: array[..., :number, :] for name, array in self._counts().items()}
        return replace(self, **counts)

    def _counts(self) -> dict[str, Ints]:
        arrays = {"counts": self.counts, "kept": self.kept, "reached": self.reached}
        return {name: array for name, array in arrays.items() if array is not None}

    def save(self, path: str | Path) -> None:
        """Write to an ``.npz`` file, whole or not at all. The same votes give the same bytes."""
        manifest = json.dumps(self.manifest, sort_keys=True).encode()
        spans = np.asarray(self.models, dtype=np.int64).reshape(-1, 2)
        arrays: dict[str, Any] = {**self._counts(), "models": spans, "manifest": np.frombuffer(manifest, np.uint8)}
        write_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Votes":
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            The file is missing, damaged or not a file of votes.
        """
        with refuse_broken(path, "votes", "collect again"):
            arrays = read_arrays(path)
            spans = tuple((int(start), int(stop)) for start, stop in arrays["models"])
            votes = cls(arrays["counts"], spans, json.loads(arrays["manifest"].tobytes()))
            votes = replace(votes, kept=arrays.get("kept"), reached=arrays.get("reached"))
            votes._check()
        return votes

    def _check(self) -> None:
        """Raise for contents that no run could have written, even if their hash is right."""
        counts, spans = self.counts, self.models
        fine = counts.ndim == 2 and counts.dtype == np.int64 and isinstance(self.manifest, dict)
        if not fine or spans != join_spans(spans, ()) or any(not 0 <= start < stop for start, stop in spans):
            raise ValueError("it holds something else")
        if counts.size and (counts.min() < 0 or (counts.sum(1) != self.num_models).any()):
            raise ValueError("its counts do not add up to its models")
        moved = [array for name, array in self._counts().items() if name != "counts"]
        if len(moved) != (2 if self.triggers else 0):
            raise ValueError("it does not hold the votes against its triggers")
        if any(array.shape != (len(self.triggers), *counts.shape) or array.dtype != np.int64 for array in moved):
            raise ValueError("it holds something else")
        order = [np.zeros(1, np.int64), *moved[:1], counts, *moved[1:], np.array(self.num_models)]
        if moved and any((less > more).any() for less, more in itertools.pairwise(order)):
            raise ValueError("its votes against triggers do not fit its votes")


def join_spans(first: Spans, second: Spans) -> Spans:
    """Return the union of two sets of spans that share no model.

    >>> join_spans(((0, 64),), ((128, 192), (64, 128)))
    ((0, 192),)
    """
    joined: list[tuple[int, int]] = []
    for start, stop in sorted((*first, *second)):
        if joined and start < joined[-1][1]:
            raise InputError(f"model {start} has voted in both", "each model may vote once")
        if joined and start == joined[-1][1]:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return tuple(joined)


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

    @property
    def path(self) -> Path:
        """The file."""
        key = hashlib.sha256(json.dumps(self.manifest, sort_keys=True).encode()).hexdigest()
        return self.folder / f"{key[:20]}.npz"

    def check(self, num_models: int) -> None:
        """Raise if votes of that many models could not be kept, before the first model is trained."""
        if self._holds(num_models):  # nothing is to be written
            return
        try:
            try_to_write(self.folder)
        except OSError as error:
            failed = f"votes cannot be kept in {self.folder} ({error.strerror})"
            raise InputError(failed, "name a folder that you can write to") from None

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
                failed = f"{error.what} and cannot be set aside as {aside.name} ({why.strerror})"
                raise InputError(failed, error.remedy) from None
            warnings.warn(f"{error}; it was set aside as {aside.name} and the run starts anew", stacklevel=2)
            return None
        return None if votes.num_models > at_most else votes

    def save(self, votes: Votes, last: bool = False) -> None:
        """Write the votes, unless the last write was less than ``every`` seconds ago and these are not the last votes.

        A file that holds more models, written by this run or a concurrent one, stays as it is.
        """
        if last or time.monotonic() - self._saved >= self.every:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not self._holds(votes.num_models):
                votes.save(self.path)
                self._saved = time.monotonic()

    def _holds(self, num_models: int) -> bool:
        try:
            return self._read().num_models >= num_models
        except InputError:
            return False

    def _read(self) -> Votes:
        if self.path.is_symlink():
            raise InputError(f"{self.path} is a link, which may lead anywhere", "delete it and collect again")
        votes = Votes.load(self.path)
        if votes.manifest != dict(self.manifest):
            raise InputError(f"{self.path} holds votes of another experiment", "delete it and collect again")
        return votes
