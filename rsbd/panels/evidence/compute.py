"""Compute the panel of evidence: the misses that votes prove, and the limits that noise and radius set."""

import math
from dataclasses import dataclass
from functools import lru_cache

from rsbd import bounds
from rsbd.bounds import Bounds
from rsbd.certify import Certificate, allocation, radius
from rsbd.data import Dataset
from rsbd.ensemble import Votes
from rsbd.noises import Smoothing
from rsbd.panels.controls import ALPHAS, MODELS, Slider, setting
from rsbd.panels.memory import EnsembleComputation
from rsbd.types import Ints

STEPS = 30
LEAST = 3e-4  # the smallest miss of the picture
_SINGLY = 12  # models that are counted one by one


@dataclass(frozen=True)
class EvidenceParams:
    """One noise, one ensemble, and how many of its votes are counted.

    Attributes
    ----------
    keep : float in [0, 1]
        Probability that a pixel or a label keeps its value, in the training set and in the test image.
    num_models : int
        Planned members of the ensemble.
    alpha : float
        Failure probability of each certificate.
    point : int
        Number of the test image whose votes are shown.
    step : int
        How far the votes are counted, from 1 (the vote of the first model) to 30 (all that were planned).
    """

    keep: float = setting(0.8, Slider.of_keep("keep", "keep", 0.55, 0.95))
    num_models: int = setting(1000, MODELS)
    alpha: float = setting(0.001, ALPHAS)
    point: int = setting(108, Slider("point", "test image (number)", 0, 108, 1))
    step: int = setting(STEPS, Slider("step", "votes (step)", 1, STEPS, 1, play=True))

    @property
    def counted(self) -> int:
        """The number of models whose votes are counted: first one by one, then more and more at a time.

        Examples
        --------
        >>> [EvidenceParams(step=step).counted for step in (1, 2, 12, 13, 21, 29, 30)]
        [1, 2, 12, 15, 110, 782, 1000]
        """
        if self.step <= _SINGLY:
            return self.step
        way = (self.step - _SINGLY) / (STEPS - _SINGLY)
        return round(_SINGLY * math.pow(self.num_models / _SINGLY, way))


@dataclass(frozen=True)
class EvidenceResult:
    """The bounds that the counted votes give, and the limits.

    Attributes
    ----------
    params : EvidenceParams
        The settings.
    dataset : Dataset
        The training and test images.
    counts : array of int, (points, classes)
        Votes so far.
    bounds : Bounds
        On the misses of all test images, from these votes.
    certificate : Certificate
        The radii that the bounds certify.
    limits : tuple of float
        By radius, from 0 on: the miss that an attack of this size can raise to one half.
    """

    params: EvidenceParams
    dataset: Dataset
    counts: Ints
    bounds: Bounds
    certificate: Certificate
    limits: tuple[float, ...]

    @property
    def voted(self) -> int:
        """The number of models that have voted."""
        return int(self.counts[0].sum())


class EvidenceComputation(EnsembleComputation[EvidenceParams, EvidenceResult]):
    """The panel's ``compute``."""

    def smoothing(self, params: EvidenceParams) -> Smoothing:
        """Return the same flips for training images, labels and test image."""
        return Smoothing.flips(self.dataset, params.keep)

    def models(self, params: EvidenceParams) -> int:
        """Return the number of models that are counted: later ones need not vote."""
        return params.counted

    def result(self, params: EvidenceParams, smoothing: Smoothing, votes: Votes) -> EvidenceResult:
        """Bound the misses: by Clopper and Pearson for a fixed number of models, before by anytime-valid bounds."""
        fixed = votes.num_models == params.counted
        found = (bounds.simultaneous if fixed else bounds.anytime)(votes.counts, params.alpha)
        certificate = radius(found, smoothing)
        return EvidenceResult(params, self.dataset, votes.counts, found, certificate, limits_of(smoothing))


@lru_cache(maxsize=64)
def limits_of(smoothing: Smoothing) -> tuple[float, ...]:
    """Return by radius, from 0 on, the limit of the worst way to spread the changes, up to the first below the picture.

    Examples
    --------
    >>> from rsbd.data import load
    >>> [f"{limit:.5f}" for limit in limits_of(Smoothing.flips(load("digits", classes=(0, 1)), 0.9))]
    ['0.50000', '0.05556', '0.00617', '0.00069', '0.00008']
    """
    noises = allocation.weakest_noises(allocation.changed_slots(smoothing, None)[2])
    found = [0.5]
    while found[-1] >= LEAST:
        found.append(min(float(law.threshold()) for law in allocation.all_spreads(noises, len(found))))
    return tuple(found)
