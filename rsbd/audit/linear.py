"""Where nothing can be enumerated but everything is known: a linear rule on numbers under Gaussian or uniform noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from rsbd.errors import InputError
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

    Raises
    ------
    InputError
        Other noise, no weights, or uniform noise with more than one weight.

    Examples
    --------
    >>> rule = LinearRule(Gaussian(0.5), (3.0, 4.0), margin=5.0)
    >>> rule.miss(0.0) < rule.miss(0.9) < 0.5 < rule.miss(1.1), rule.turns_at
    (True, 1.0)
    """

    noise: Gaussian | Uniform
    weights: tuple[float, ...]
    margin: float

    def __post_init__(self) -> None:
        if not any(self.weights) or (isinstance(self.noise, Uniform) and np.count_nonzero(self.weights) > 1):
            raise InputError(
                f"{len(self.weights)} weights under {self.noise!r}", "give one for Uniform, any but zeros for Gaussian"
            )

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
