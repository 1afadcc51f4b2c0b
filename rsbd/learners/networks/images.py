"""Networks for images: convolutional ones as in RAB, many at once on a GPU, and residual ones as any torch module."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from math import prod

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from rsbd.errors import InputError, are_whole, check_whole, is_whole
from rsbd.learners.base import Problem, ScoringModels, noised_points
from rsbd.learners.networks.mlp import Layer, as_layers, initial_weights
from rsbd.learners.networks.module import Module, StackedModules
from rsbd.learners.networks.network import Backward, Network
from rsbd.learners.shared_noise import add_shared, draw_shared
from rsbd.noises import Noise

_POINTS = 256  # labelled at a time, so that activations stay small
_SMALL = 16  # images with a side below this get a border, so that the convolutions leave something


@dataclass(frozen=True, repr=False)
class CNN(Network):
    """Convolutions, each with pooling and ReLU, then a dense layer.

    As in RAB, two 5 x 5 convolutions and two dense layers. Pooling comes before the ReLU, which is the same
    function for a quarter of the work.

    Parameters
    ----------
    channels : tuple of int
        Channels of each convolution; each halves the sides of the image.
    hidden : int
        Units of the dense layer.
    kernel : int
        Side of the convolutions, odd. Images with a side below 16 get a border of zeros that keeps their size.
    epochs, batch, learning_rate, weight_decay, precision
        As for any network.

    Raises
    ------
    InputError
        Settings that are not positive; in training, data that are no images, or images too small.

    Notes
    -----
    On CUDA, torch by default computes convolutions in TF32 (inputs rounded to 10 bits, sums in float32). That is one
    more detail of how the base classifier is trained: a certificate holds for it as it is.

    References
    ----------
    Weber et al., RAB: Provable Robustness Against Backdoor Attacks, IEEE S&P 2023, section on experiments.

    Examples
    --------
    >>> CNN(epochs=5)
    CNN(channels=(16, 32), hidden=512, kernel=5, epochs=5, batch=128, learning_rate=0.003, ...)
    """

    channels: tuple[int, ...] = (16, 32)
    hidden: int = 512
    kernel: int = 5
    learning_rate: float = field(default=0.003, kw_only=True)

    def __post_init__(self) -> None:
        check_whole("hidden", self.hidden, 1)
        if not are_whole(self.channels, 1):
            raise InputError(f"channels is {self.channels!r}", "give whole numbers above 0, such as (16, 32)")
        object.__setattr__(self, "channels", tuple(map(int, self.channels)))
        if not is_whole(self.kernel, 1) or self.kernel % 2 == 0:
            raise InputError(f"kernel is {self.kernel}", "give an odd number, such as 5")
        super().__post_init__()

    def train(self, problem: Problem, generators: Sequence[Generator]) -> "ConvolutionalNetworks":
        """Train one network per generator."""
        plan = LayerPlan(self, problem)
        # One after another is fastest on a CPU, and a model's rounding does not depend on the other models.
        together = 1 if problem.x.device.type == "cpu" else len(generators)
        parts = []
        for some in (generators[i : i + together] for i in range(0, len(generators), together)):
            weights, batches = initial_weights(plan.sizes, some), self.batches(problem, some)
            self.descend(weights, partial(convolutional_gradients, plan), batches)
            parts.append(as_layers(weights.parts))
        return ConvolutionalNetworks(plan, parts)

    def block_size(self, problem: Problem) -> int:
        """Return one on a CPU, and as many as fit on a GPU."""
        on_cpu = problem.x.device.type == "cpu"
        return 1 if on_cpu else self.models_in_memory(problem, problem.num_rows * problem.x.shape[1])


class LayerPlan:
    """Sizes of a network's layers for the images of one problem.

    Attributes
    ----------
    shape : (int, int, int)
        Channels, height and width of an image.
    kernel, border : int
        Side of the convolutions, and width of the border of zeros around an image.
    sizes : tuple of (int, int)
        Inputs and units of each layer; a convolution has the inputs of one window.
    convolutions : int
        Number of layers that are convolutions.
    """

    def __init__(self, settings: CNN, problem: Problem) -> None:
        if len(problem.shape) not in (2, 3):
            raise InputError(f"inputs have shape {problem.shape}, but CNN needs images", "use MLP for tables")
        self.shape, self.kernel = (1, *problem.shape)[-3:], settings.kernel
        sides, sizes = self.shape[1:], []
        self.border = self.kernel // 2 if min(sides) < _SMALL else 0
        for before, after in itertools.pairwise((self.shape[0], *settings.channels)):
            sides = tuple((side + 2 * self.border - self.kernel + 1) // 2 for side in sides)
            sizes.append((before * self.kernel**2, after))
        if min(sides) < 1:
            size = f"{self.shape[1]} x {self.shape[2]}"
            raise InputError(f"images of {size} are too small for {settings}", "use fewer channels")
        dense = (settings.channels[-1] * prod(sides), settings.hidden, problem.num_classes)
        self.sizes = (*sizes, *itertools.pairwise(dense))
        self.convolutions = len(settings.channels)

    def scores(self, layers: Sequence[Layer], x: Tensor) -> Tensor:
        """Score inputs (models, features, rows) by one grouped convolution for all models: (models, classes, rows)."""
        models, _, rows = x.shape
        x = x.permute(2, 0, 1).reshape(rows, models * self.shape[0], *self.shape[1:])
        if models == 1:
            x = x.contiguous(memory_format=torch.channels_last)
        for weights, biases in layers[: self.convolutions]:
            windows = weights.reshape(weights.shape[0] * weights.shape[1], -1, self.kernel, self.kernel)
            x = functional.conv2d(x, windows, biases.flatten(), padding=self.border, groups=models)
            x = functional.max_pool2d(x, 2).relu_()
        x = x.reshape(rows, models, -1).permute(1, 2, 0)
        for weights, biases in layers[self.convolutions : -1]:
            x = torch.baddbmm(biases, weights, x).relu_()
        return torch.baddbmm(layers[-1][1], layers[-1][0], x)


def convolutional_gradients(plan: LayerPlan, parts: Sequence[Tensor]) -> Backward:
    """Return a function that computes gradients of each model's mean cross-entropy in weights that change meanwhile."""
    leaves = [part.detach().requires_grad_() for part in parts]

    def write(x: Tensor, y: Tensor, found: Sequence[Tensor]) -> None:
        with torch.enable_grad():
            scores = plan.scores(as_layers(leaves), x).float()
            losses = functional.cross_entropy(scores, y, reduction="none").mean(1)
            slopes = torch.autograd.grad(losses.sum(), leaves)
        for room, slope in zip(found, slopes, strict=True):
            room.copy_(slope)

    return write


@dataclass(frozen=True)
class ConvolutionalNetworks(ScoringModels):
    """Trained networks: the layers of as many models as are computed together, part by part."""

    plan: LayerPlan
    parts: Sequence[Sequence[Layer]]

    def scores(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Return the outputs of the last layer, shape (models, classes, points)."""
        streams = iter(generators)
        own = [list(itertools.islice(streams, len(layers[0][0]))) for layers in self.parts]
        return torch.cat([self._part(layers, x, noise, some) for layers, some in zip(self.parts, own, strict=True)])

    def parameters(self) -> Tensor:
        """Return weights and biases, layer by layer, (models, numbers)."""
        whole = [[tensor.flatten(1) for layer in layers for tensor in layer] for layers in self.parts]
        return torch.cat([torch.cat(tensors, dim=1) for tensors in whole])

    def _part(self, layers: Sequence[Layer], x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        drawn = draw_shared(noise, x, generators)
        if drawn is None:
            noised = torch.stack([noised_points(x, noise, generator, finely=True).to(x).T for generator in generators])
            parts: Iterator[Tensor] = iter(torch.split(noised, _POINTS, dim=2))
        else:
            parts = (add_shared(drawn, part) for part in torch.split(x, _POINTS))
        with torch.no_grad():
            return torch.cat([self.plan.scores(layers, part) for part in parts], dim=2)


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
