"""Trains small residual networks for colour images, such as CIFAR-10, in the batched form of any torch module."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import partial

from torch import Generator, Tensor, nn

from rsbd.errors import InputError, is_whole
from rsbd.learners.base import Problem
from rsbd.learners.networks.module import Module, StackedModules
from rsbd.learners.networks.network import Network


@dataclass(frozen=True, repr=False)
class ResNet(Network):
    """A residual network of 6 * `blocks` + 2 layers (20 for three), a :class:`~rsbd.learners.networks.network.Network`.

    Three stages of `width`, twice and four times as many channels, each at half the side of the one before; then the
    mean over all pixels and one dense layer. Group normalisation stands in for batch normalisation, whose running
    averages would make a prediction depend on the rows of other batches.

    Parameters
    ----------
    blocks : int
        Residual blocks in a stage.
    width : int
        Channels of the first stage, a multiple of 4.
    epochs, batch, learning_rate, weight_decay, precision
        As for any network.

    Raises
    ------
    InputError
        Settings that are not positive; in training, data that are no images of at least 4 x 4.

    References
    ----------
    He et al., Deep Residual Learning for Image Recognition, CVPR 2016, section 4.2; Wu and He, Group Normalization,
    ECCV 2018. Weber et al. (RAB) train residual networks on CIFAR-10.

    Examples
    --------
    >>> ResNet(blocks=3)
    ResNet(blocks=3, width=16, epochs=None, batch=128, learning_rate=0.003, weight_decay=0.0, ...)
    """

    blocks: int = 1
    width: int = 16
    learning_rate: float = field(default=0.003, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_whole(self.blocks, 1) or not is_whole(self.width, 4) or self.width % 4:
            raise InputError(f"blocks is {self.blocks} and width {self.width}", "give at least 1, and a multiple of 4")

    def train(self, problem: Problem, generators: Sequence[Generator]) -> StackedModules:
        """Train one network per generator."""
        return self._module(problem).train(problem, generators)

    def block_size(self, problem: Problem) -> int:
        """Return one on a CPU, where one model keeps it busy, and as many as fit on a GPU."""
        return 1 if problem.x.device.type == "cpu" else self._module(problem).block_size(problem)

    def _module(self, problem: Problem) -> Module:
        if len(problem.shape) not in (2, 3) or min(problem.shape[-2:]) < 4:
            raise InputError(f"inputs have shape {problem.shape}, but ResNet needs images of at least 4 x 4", "use MLP")
        channels = 1 if len(problem.shape) == 2 else problem.shape[0]
        factory = partial(_ResidualNetwork, channels, problem.num_classes, self.blocks, self.width)
        return Module(factory, **{f.name: getattr(self, f.name) for f in fields(Network)})


class _ResidualNetwork(nn.Sequential):
    """The network: images (rows, channels, height, width) to scores (rows, classes)."""

    def __init__(self, channels: int, classes: int, blocks: int, width: int) -> None:
        stages, before = [], width
        for stage in range(3):
            after = width * 2**stage
            stages += [_Block(before if b == 0 else after, after, 2 if stage and b == 0 else 1) for b in range(blocks)]
            before = after
        stem = nn.Conv2d(channels, width, 3, padding=1, bias=False), _norm(width), nn.ReLU()
        super().__init__(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


class _Block(nn.Module):
    """Two convolutions whose result is added to their input."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, padding=1, bias=False), _norm(after), nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False), _norm(after),
        )  # fmt: skip
        same = before == after and stride == 1
        self.past = nn.Identity() if same else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Add the output of the convolutions to the input."""
        total: Tensor = self.inner(x) + self.past(x)
        return total.relu()


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(4, channels)
