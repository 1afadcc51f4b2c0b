"""A faint pattern over the whole input."""

import math
from dataclasses import dataclass
from typing import cast

import numpy as np

from rsbd.attacks.base import Trigger
from rsbd.errors import InputError, are_whole, check_whole, is_between
from rsbd.types import Points


@dataclass(frozen=True)
class Blend(Trigger):
    """Add one fixed pattern of faint Gaussian noise, scaled to L2 norm `delta`, without clipping.

    As in RAB, inputs may leave [0, 1]: those near 0 or 1 by a little if the pattern is faint, all if `delta` is large.

    Parameters
    ----------
    shape : tuple of int
        Shape of one input.
    delta : float
        L2 norm of the change, in input units.
    seed : int
        Seed of the pattern; 0 as in RAB.

    Raises
    ------
    InputError
        If `delta` is not positive; when used, if the input has another shape.

    References
    ----------
    Chen et al., "Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning", 2017; in the form
    of Weber et al., "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023.

    Examples
    --------
    >>> import numpy as np
    >>> blend = Blend((28, 28), delta=0.1)
    >>> blend(np.zeros((28, 28)))[0, :3]
    array([0.00627861, 0.00142424, 0.00348352], dtype=float32)
    >>> blend.budget((28, 28), "L2")
    0.1
    """

    shape: tuple[int, ...]
    delta: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not are_whole(self.shape, 1):
            raise InputError(f"shape is {self.shape!r}", "give the shape of one input, such as (28, 28)")
        object.__setattr__(self, "shape", tuple(map(int, self.shape)))
        if not is_between(self.delta, 0, math.inf, "low high"):
            raise InputError(f"delta is {self.delta!r}", "give a positive L2 norm")
        object.__setattr__(self, "seed", check_whole("seed", self.seed))

    @property
    def pattern(self) -> Points:
        """The pattern that is added to an input."""
        # RAB draws it from numpy's old generator, whose stream is frozen; another generator gives another trigger.
        noise = np.random.RandomState(self.seed).randn(*self.shape)
        return cast("Points", (noise * (self.delta / np.linalg.norm(noise))).astype(np.float32))

    def _fits(self, shape: tuple[int, ...]) -> None:
        if shape[-len(self.shape) :] != self.shape:
            raise InputError(f"the blend has shape {self.shape} and an input {shape}", "make it for that shape")

    def _put(self, out: Points) -> None:
        self._fits(out.shape)
        out += self.pattern

    def _sizes(self, shape: tuple[int, ...]) -> dict[str, float]:
        self._fits(shape)
        pattern = self.pattern
        return {"L0": pattern.size, "L1": float(np.abs(pattern).sum()), "L2": float(self.delta)}
