"""What recipes return, in one shape: label, radius, bounds, certificate, votes and settings."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from rsbd.bounds import Bounds
from rsbd.certify import Certificate, certified_map, certify
from rsbd.certify.tables import Column, Tabled, columns_of, load_table, pack, save_table, unpack
from rsbd.data import Dataset
from rsbd.ensemble import Votes
from rsbd.errors import check_kind
from rsbd.evasion import AnyTrigger
from rsbd.learners.identity import settings_text
from rsbd.noises import Smoothing, Threat
from rsbd.types import ArrayLike, Bools, Floats, Ints, NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PARTS: dict[str, type] = {"certificate": Certificate, "bounds": Bounds, "votes": Votes}


def check_datasets(namespace: dict[str, Any]) -> None:
    """Make every function of a namespace refuse, before it begins, a first argument that is no data set."""
    for name, function in namespace.items():
        if isinstance(function, FunctionType):
            namespace[name] = _checked(function)


def _checked(function: Any) -> Any:
    @wraps(function)
    def checked(*args: Any, **named: Any) -> Any:
        if args or "dataset" in named:
            check_kind("dataset", args[0] if args else named["dataset"], Dataset)
        return function(*args, **named)

    return checked


class Result(Tabled):
    """What a recipe returns.

    Attributes
    ----------
    certificate : Certificate
        What is proved about each point.
    label, radius : array, shape (points,)
        Those of the certificate.
    bounds : Bounds or None
        Bounds on the probabilities of the classes, where the proof goes through them.
    votes : Votes or None
        Votes of the ensemble, where models voted. (Of :func:`rsbd.recipes.duels`, the votes of each pair.)
    settings : mapping
        Settings that determine the result, as text and numbers.
    """

    if TYPE_CHECKING:
        certificate: Certificate
        label: Ints
        radius: Ints | Floats
        bounds: Any
        votes: Any
        settings: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        """Return what a result of this kind does not have as a field of its own."""
        if name in ("label", "radius"):
            return getattr(self.certificate, name)
        if name in ("bounds", "votes"):
            return None
        if name == "settings":
            return self._settings()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _settings(self) -> Mapping[str, Any]:
        given = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in _PARTS}  # type: ignore[arg-type]
        own = {k: v if v is None or isinstance(v, int | float | str) else settings_text(v) for k, v in given.items()
               if not isinstance(v, np.ndarray | Mapping | Tabled | tuple)}  # fmt: skip
        return {**own, **(self.votes.manifest if isinstance(self.votes, Votes) else {})}

    def describe(self) -> Mapping[str, Any]:
        """Return the settings of the certificate and those of the recipe."""
        return {**self.settings, **self.certificate.describe()}

    def columns(self) -> dict[str, Column]:
        """Return label, radius, bounds and votes of each point, each of shape (points,)."""
        evidence = {} if self.bounds is None else {"miss": self.bounds.miss, "runner_up": self.bounds.runner_up}
        votes = {"votes": self.votes.counts} if isinstance(self.votes, Votes) else {}
        return {**self.certificate.columns(), **columns_of({**evidence, **votes})}

    def plot(self, ax: "Axes | None" = None, y: ArrayLike | None = None) -> "Axes":
        """Draw the share of points that are certified at each radius and, if labels `y` are given, right as well."""
        from rsbd import plots

        radii = np.unique(np.append(self.radius[self.radius >= 0], 0))
        shares = self.certificate.curve(self.certificate.label if y is None else y, radii)
        drawn = plots.certified_accuracy(radii, shares, norm=self.certificate.norm, ax=ax)
        if y is None:
            drawn.set_ylabel("certified share of the points")
        return drawn

    def save(self, path: str | Path) -> None:
        """Write to an ``.npz`` file, whole or not at all; :meth:`load` returns these parts as a `SavedResult`."""
        arrays: dict[str, NDArray[Any]] = {}
        settings: dict[str, Any] = {"settings": dict(self.settings)}
        for name, kind in _PARTS.items():
            part = getattr(self, name)
            if isinstance(part, kind):
                found, settings[name] = pack(part)
                arrays |= {f"{name}.{key}": array for key, array in found.items()}
        save_table(path, "result", arrays, settings)

    @staticmethod
    def load(path: str | Path) -> "SavedResult":
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            The file is missing, damaged, or holds something else.
        """
        return load_table(path, "result", _joined)


def _joined(arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> "SavedResult":
    parts: dict[str, Any] = {"bounds": None, "votes": None}
    for name, kind in _PARTS.items():
        if name in settings:
            own = {key.partition(".")[2]: array for key, array in arrays.items() if key.startswith(f"{name}.")}
            parts[name] = unpack(kind, own, settings[name])
    return SavedResult(settings=settings["settings"], **parts)


@dataclass(frozen=True, repr=False, eq=False)
class SavedResult(Result):
    """A result that was read from a file, without what its recipe adds to these parts."""

    certificate: Certificate
    bounds: Bounds | None
    votes: Votes | None
    settings: Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Proof(Result):
    """A smoothed classifier's predictions, and what is proved about them.

    Parameters
    ----------
    smoothing : Smoothing
        The noise in each slot.
    bounds : Bounds
        Label, miss and runner-up per point, at the confidence 1 - alpha; with certainty where ``alpha`` is 0.
    certificate : Certificate
        Certified radius per point.
    num_rows : int, optional
        Number of training rows, where the rows carry noise.
    """

    smoothing: Smoothing
    bounds: Bounds
    certificate: Certificate
    num_rows: int | None = None

    def certify(self, threat: Threat) -> Bools:
        """Return which points keep their label against ``threat``: bool array (points,)."""
        return certify(self.bounds, self.smoothing, threat, self.num_rows)


@dataclass(frozen=True, kw_only=True, repr=False)
class Certified(Proof):
    """A proof from the votes of an ensemble.

    Parameters
    ----------
    votes : Votes
        Counts of labels over the models, (points, classes).
    """

    votes: Votes

    def __post_init__(self) -> None:
        if note := one_label(self.votes):
            warnings.warn(note, stacklevel=5)


def one_label(votes: Votes) -> str:
    """Say that all points have one label, as they do where a base learner learns nothing; else return "".

    Examples
    --------
    >>> import numpy as np
    >>> one_label(Votes(np.array([[2, 0], [3, 0]]), (), {})), one_label(Votes(np.array([[2, 0], [0, 3]]), (), {}))
    ('All 2 points have the label 0: unless all are of that class, the base learner tells nothing apart', '')
    """
    labels = votes.label
    if len(labels) < 2 or (labels != labels[0]).any():
        return ""
    said = f"All {len(labels):,} points have the label {labels[0]}"
    return f"{said}: unless all are of that class, the base learner tells nothing apart"


@dataclass(frozen=True, kw_only=True, repr=False)
class Guarded(Certified):
    """A proof from votes that no trigger on the test input can move; ``bounds`` are those for the first trigger.

    Parameters
    ----------
    held : mapping
        Bounds for each trigger that the votes were held against.
    """

    held: Mapping[AnyTrigger, Bounds]

    def certify(self, threat: Threat) -> Bools:
        """Return which points keep their label against ``threat``, by the first trigger that covers the threat's."""
        wanted = threat.any_trigger
        covering = (held for trigger, held in self.held.items() if wanted is None or trigger.covers(wanted))
        return certify(next(covering, self.bounds), self.smoothing, threat, self.num_rows)

    def map(self, y: Ints, rows: Sequence[int]) -> Floats:
        """Return the certified accuracy against each number of poisoned rows and each trigger: (rows, triggers)."""
        return certified_map(list(self.held.values()), y, self.smoothing, rows, [*self.held], num_rows=self.num_rows)


@dataclass(frozen=True, kw_only=True, repr=False)
class LabelFlips(Proof):
    """A proof against flipped training labels, which holds with certainty.

    Parameters
    ----------
    penalty : float
        The regularisation of least squares.
    closed_form : Certificate
        Certified label flips by the paper's closed form, about half of those of ``certificate``.
    """

    penalty: float
    closed_form: Certificate
