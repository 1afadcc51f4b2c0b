"""A linear rule on numbers under Gaussian or uniform noise, whose worst case is known exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from rsbd.noises import Gaussian, Uniform


@dataclass(frozen=True)
class LinearRule:
    """The rule ``weights . (numbers + noise) + bias > 0``, and the exact worst case of a change of the numbers.

    The numbers are all that carries the noise: a test input, the features of all training rows, or both.

    Parameters
    ----------
    noise : Gaussian or Uniform
        Noise on every number; uniform noise on one number only, where the sum over more has no short formula.
    weights : tuple of float
    margin : float
        ``weights . numbers + bias`` on the data as they are, above 0.
    """

    noise: Gaussian | Uniform
    weights: tuple[float, ...]
    margin: float

    @property
    def turns_at(self) -> float:
        """Length of the smallest change that turns the smoothed prediction: the margin over the weights' length."""
        return self.margin / float(np.linalg.norm(self.weights))

    def miss(self, size: float) -> float:
        """Probability of the other label after the worst change of this length, which is against the weights.

        In L2 that direction is the worst by Cauchy and Schwarz, and in L1 there is only one number to change.
        """
        left = self.turns_at - size
        if isinstance(self.noise, Gaussian):
            return float(ndtr(-left / self.noise.sigma))
        return float(np.clip(0.5 - left / float(self.noise.width), 0, 1))
