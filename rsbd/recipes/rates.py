"""Measures what an attack does to a classifier: the two rates, and bounds on one of them that allow for few votes."""

from dataclasses import dataclass

import numpy as np

from rsbd.attacks import attack_success_rate, clean_accuracy
from rsbd.bounds import Bounds
from rsbd.types import ArrayLike, Ints


@dataclass(frozen=True)
class Rates:
    """Clean accuracy and attack success rate of a classifier.

    Parameters
    ----------
    clean_accuracy : float
        Share of the clean test points that it labels correctly.
    attack_success_rate : float
        Share of the triggered test points of other classes that it labels as the target; NaN without such points.
    """

    clean_accuracy: float
    attack_success_rate: float

    @classmethod
    def of(cls, labels: Ints, y_test: ArrayLike, target: int) -> "Rates":
        """Return the rates of the labels of the clean test points, followed by those of the triggered ones."""
        y = np.asarray(y_test)
        clean, triggered = np.split(labels, 2)
        success = attack_success_rate(triggered, y, target) if (y != target).any() else float("nan")
        return cls(clean_accuracy(clean, y), success)


@dataclass(frozen=True)
class SuccessBounds:
    """Bounds on the attack success rate of a smoothed classifier, whose labels are known from votes alone.

    Parameters
    ----------
    lowest, highest : float
        The rate if no abstained point is labelled as the target, and if all are; NaN if there is no point.
    abstained : int
        Number of points whose label the votes do not decide.
    """

    lowest: float
    highest: float
    abstained: int

    @classmethod
    def of(cls, bounds: Bounds, target: int) -> "SuccessBounds":
        """Count the points that are certainly labelled as the target, and those that certainly are not.

        Guarantee
        ---------
        With probability `1 - bounds.alpha` over the noise, the rate of the smoothed classifier on these points lies
        between `lowest` and `highest`, provided that the bounds hold for `"all"` points at once.

        Parameters
        ----------
        bounds : Bounds
            Of the triggered test points that are not of the target class.
        target : int
            Label that the attacker wants.

        Examples
        --------
        >>> from rsbd.bounds import simultaneous
        >>> SuccessBounds.of(simultaneous([[990, 10], [510, 490], [3, 997]], 0.001, points="all"), target=0)
        SuccessBounds(lowest=0.3333333333333333, highest=0.6666666666666666, abstained=1)
        """
        points = len(bounds.label)
        if not points:
            return cls(float("nan"), float("nan"), 0)
        decided = bounds.miss + bounds.runner_up < 1  # then the top class is the most probable one
        hits = int((decided & (bounds.label == target)).sum())
        abstained = int((~decided).sum())
        return cls(hits / points, (hits + abstained) / points, abstained)
