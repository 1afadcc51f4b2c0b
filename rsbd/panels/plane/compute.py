"""The plane panel's settings and its computation: sample, vote, bound, certify."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rsbd import bounds
from rsbd.certify import radius
from rsbd.errors import InputError
from rsbd.noises import Gaussian
from rsbd.noises.smoothing import Smoothing
from rsbd.panels.engine import Cancel, Progress
from rsbd.panels.plane.world import NAMES, World, border
from rsbd.types import Floats, Labels

SELECTION = 100  # copies that pick the label, before others bound its probability
SEEN = 200  # copies that are drawn
REACH = 2.0  # the picture shows -2 to 2


@dataclass(frozen=True)
class Params:
    """A point and how it is smoothed.

    Attributes
    ----------
    x, y : float
        The point.
    sigma : float
        Standard deviation of the noise in both directions, in the units of the plane.
    samples : int
        Noisy copies that vote on the probability of the label; 100 others pick the label.
    alpha : float
        Failure probability of the certificate.
    seed : int
        Of the noise: another one draws it again.
    """

    x: float = 0.3
    y: float = -0.25
    sigma: float = 0.3
    samples: int = 1000
    alpha: float = 0.001
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.sigma > 0 and self.samples >= 1 and self.seed >= 0):
            raise InputError(
                f"sigma {self.sigma}, {self.samples} samples, seed {self.seed}",
                "give a sigma above 0, at least 1 sample, and a seed from 0",
            )


@dataclass(frozen=True)
class Found:
    """What the votes prove.

    Attributes
    ----------
    counts : tuple of int
        Votes for A and for B.
    label : str
        What the separate votes picked.
    base : str
        What the base classifier says at the point itself.
    p_a : float
        Lower bound on the probability of the label.
    radius : float
        Certified L2 radius; below 0 where the smoothed classifier abstains.
    copies, labels : array
        Some of the noisy copies, (copies, 2), and their votes.
    border : tuple of array
        Where the smoothed classifier changes its answer.
    """

    params: Params
    world: World
    counts: tuple[int, int]
    label: str
    base: str
    p_a: float
    radius: float
    copies: Floats
    labels: Labels
    border: tuple[npt.NDArray[np.float64], ...]

    @property
    def share(self) -> float:
        """Share of the votes for the label."""
        return self.counts[NAMES.index(self.label)] / sum(self.counts)


@dataclass(frozen=True)
class Bench:
    """The world. Call it as the panel's ``compute``."""

    world: World = field(default_factory=World)

    def __call__(self, params: Params, cancel: Cancel, progress: Progress) -> Found:
        """Certify as Cohen et al. do: votes that pick the label, other votes that bound it."""
        point = (params.x, params.y)
        _, picked = self.world.votes(point, params.sigma, (params.seed, 1), SELECTION)
        copies, labels = self.world.votes(point, params.sigma, (params.seed, 0), params.samples)
        counts = np.bincount(labels, minlength=len(NAMES))
        selection = np.bincount(picked, minlength=len(NAMES))
        evidence = bounds.clopper_pearson([counts], params.alpha, [selection])
        certificate = radius(evidence, Smoothing(test=Gaussian(params.sigma)))
        return Found(
            params,
            self.world,
            (int(counts[0]), int(counts[1])),
            NAMES[int(evidence.label[0])],
            NAMES[int(self.world.labels([point])[0])],
            1 - float(evidence.miss[0]),
            float(certificate.radius[0]),
            copies[:SEEN],
            labels[:SEEN],
            border(self.world, params.sigma, REACH),
        )
