"""The results that recipes return: bounds on class probabilities, and the certificate that follows from them."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rsbd.bounds import Bounds
from rsbd.bounds.nearest import Race
from rsbd.certify import Certificate, certified_map, certify
from rsbd.ensemble import Votes
from rsbd.evasion import AnyTrigger
from rsbd.noises import Smoothing, Threat
from rsbd.recipes.result import Result
from rsbd.types import Bools, Floats, Ints


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
class Exact(Proof):
    """A proof without votes, which holds with certainty.

    Parameters
    ----------
    probabilities : Race
        Bounds on the probability of every class, (points, classes).
    """

    probabilities: Race


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
