"""The counts of votes from which a certificate against a trigger on the test input follows."""

from dataclasses import dataclass

from rsbd.evasion.triggers import AnyTrigger
from rsbd.types import Ints


@dataclass(frozen=True, eq=False)
class Evidence:
    """Votes, and how many of them triggers can move.

    Parameters
    ----------
    trigger : AnyTrigger
        The attacker uses one of these triggers.
    counts : ndarray
        Models that gave each point each label, shape (points, classes).
    kept : ndarray
        Those among them that no trigger moves, shape (windows, points, classes). With several windows, each row is
        about a trigger in that window, and the attacker must choose one for all models.
    reached : ndarray
        Models that give each point each label without a trigger or with some, shape (windows, points, classes).
    """

    trigger: AnyTrigger
    counts: Ints
    kept: Ints
    reached: Ints
