"""Pools images by blocks in a way that keeps the law of Gaussian noise."""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d


@dataclass(frozen=True)
class Pooling:
    """Sums over k x k blocks of an image, divided by k.

    The weights of the blocks are orthonormal, so independent N(0, sigma^2) noise on the pixels becomes independent
    N(0, sigma^2) noise on the blocks. A learner may pool its noised images, since that is post-processing, and can
    therefore draw the noise on the blocks directly. This holds for Gaussian noise alone: other noise is drawn on the
    pixels.

    Parameters
    ----------
    shape : tuple of int
        Shape of one input: (height, width) or (channels, height, width); anything else is left as it is.
    size : int
        The side k of a block; 1 leaves the image as it is.

    Examples
    --------
    >>> import torch
    >>> Pooling((2, 2), 2)(torch.tensor([[0.0, 0.5, 0.5, 1.0]]))
    tensor([[1.]])
    """

    shape: tuple[int, ...]
    size: int

    @staticmethod
    def choose(shape: tuple[int, ...]) -> "Pooling":
        """Take the smallest size that leaves 4 to 8 blocks a side, or 1 where none does."""
        height, width = shape[-2:] if len(shape) >= 2 else (1, 1)
        fine = (k for k in range(1, min(height, width) + 1) if height % k == 0 and width % k == 0)
        return Pooling(shape, next((k for k in fine if max(height, width) <= 8 * k and min(height, width) >= 4 * k), 1))

    def __call__(self, x: Tensor) -> Tensor:
        """Pool flat inputs, shape (rows, features) to (rows, blocks)."""
        return x if self.size == 1 else self._added(x) / self.size

    def sums(self, x: Tensor) -> Tensor:
        """Add up blocks without rounding, shape (points, features) to (points, blocks): float64 where float32 rounds.

        Exact for inputs as :func:`rsbd.data.round_inputs` gives them, if they are not far outside [0, 1].
        """
        return x if self.size == 1 else _exact_sums(self, x, x._version)

    def widened(self, sigma: float) -> float:
        """Return the deviation of Gaussian noise on :meth:`sums`, rounded up: more noise hides more."""
        return sigma if self.size == 1 else math.nextafter(sigma * self.size, math.inf)

    def _added(self, x: Tensor) -> Tensor:
        images = x.view(len(x), math.prod(self.shape[:-2]), *self.shape[-2:])
        return avg_pool2d(images, self.size, divisor_override=1).flatten(1)

    def spread(self, weights: Tensor) -> Tensor:
        """Turn weights (..., blocks) into weights of pixels: ``spread(w) @ x == w @ pool(x)``."""
        if self.size == 1:
            return weights
        height, width = self.shape[-2] // self.size, self.shape[-1] // self.size
        blocks = weights.reshape(*weights.shape[:-1], -1, height, width) / self.size
        return blocks.repeat_interleave(self.size, -1).repeat_interleave(self.size, -2).flatten(-3)


@lru_cache(maxsize=2)
def _exact_sums(pooling: Pooling, x: Tensor, version: int) -> Tensor:
    # Models are asked about the same points again and again. Tensors hash by identity, and the version counts writes.
    wide = pooling._added(x.cpu().double())
    narrow = wide.float()
    return (narrow if torch.equal(narrow.double(), wide) else wide).to(x.device)
