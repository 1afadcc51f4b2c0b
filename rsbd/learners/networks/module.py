"""Trains many copies of any torch module at once through torch.func."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.utils._python_dispatch import TorchDispatchMode

from rsbd.errors import InputError, first_line, is_whole
from rsbd.learners.base import Problem, ScoringModels, noised_points
from rsbd.learners.determinism import reproducible_on_gpu
from rsbd.learners.identity import settings_text
from rsbd.learners.networks.network import Network, Precision, Stack
from rsbd.noises import Noise

_POINTS = 512  # labelled at a time, so that activations stay small
_State = dict[str, Tensor]  # each with the models in front
_TENSORS = "compute with tensors alone, as torch.where does, since many copies of the module are trained in one step"
# What an error of torch says, what it means here, and the remedy.
_ERRORS = (
    ("randomness error mode", "the module draws random numbers in forward, as dropout and noise do", "leave that out"),
    (".item()", "the module reads a number out of a tensor, by .item(), float() or an if", _TENSORS),
    ("dynamic shape", "the module makes tensors whose shape depends on numbers, as indexing by bools does", _TENSORS),
    ("Cannot access data pointer", "the module reads a tensor's numbers, as by numpy", _TENSORS),
    ("Batching rule not", "the module has a layer of which torch cannot train many copies at once", "give another"),
    ("more than 1 value per channel", "the module normalises over a batch of one row", "give two rows or more"),
    ("to be of the same class", "factory defines a new class at each call", "define the class outside of it"),
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Module(Network):
    """Networks of your own, trained as any :class:`~rsbd.learners.networks.network.Network`; `vmap` steps many at once.

    Parameters
    ----------
    factory : callable
        Returns a new, freshly initialised ``torch.nn.Module``. It takes inputs of shape (rows, features), or (rows,
        channels, height, width) for images, and returns scores of shape (rows, classes). To work in other
        processes it must be importable there: a function or class of a module, or a ``functools.partial`` of one.
    together : int or None
        How many models train at once. None: as many as keep weights and training sets within 128 MB (4 GB on a
        GPU), at most 64; fewer are faster where activations are large.
    name : str, optional
        What you call this version of the factory and of all that it calls. Needed to store votes, or to merge or resume
        them: votes of another version of your code would be taken for this one's.
    epochs, batch, learning_rate, weight_decay, precision
        As for any network.

    Raises
    ------
    InputError
        Settings that are not positive; in training, a module with dropout, with scores of another shape, or with
        initial weights that are not drawn by torch.

    Notes
    -----
    The test noise is drawn for each point by itself, see :func:`rsbd.learners.base.noised_points`.

    On CUDA, some of torch's layers, such as adaptive pooling and upsampling, add up gradients in any order: with them a
    seed need not give the same bits again.

    Examples
    --------
    >>> def network():
    ...     return nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    >>> Module(network, epochs=5)
    Module(epochs=5, batch=128, learning_rate=0.001, ..., factory=network, together=None, name=None)
    """

    users_code: ClassVar[bool] = True
    factory: Callable[[], nn.Module]
    together: int | None = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)
    learning_rate: float = field(default=0.001, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.factory) or isinstance(self.factory, nn.Module):
            raise InputError("factory must make a new network whenever it is called", "give a function or a class")
        if self.together is not None and not is_whole(self.together, 1):
            raise InputError(f"together is {self.together!r}", "give the number of models to train at once, from 1")

    def __repr__(self) -> str:
        return settings_text(self)

    def train(self, problem: Problem, generators: Sequence[Generator]) -> "StackedModules":
        """Train one network per generator."""
        with _in_a_sentence(problem.x):
            return self._train(problem, generators)

    def _train(self, problem: Problem, generators: Sequence[Generator]) -> "StackedModules":
        again = build_module(self.factory, generators[0].clone_state())
        nets = [build_module(self.factory, generator) for generator in generators]
        same = zip(again.state_dict().values(), nets[0].state_dict().values(), strict=True)
        if not all(torch.equal(a, b) for a, b in same):
            raise InputError("factory draws initial weights other than by torch", "models could not be repeated")
        if any(isinstance(part, nn.modules.dropout._DropoutNd) and part.p for part in again.modules()):
            raise InputError("the module has dropout, which draws from a stream of its own", "leave it out")
        state, buffers = stack_module_state(nets)
        moving = {name: tensor.detach() for name, tensor in state.items() if tensor.requires_grad}
        stack = Stack.zeros([tensor.shape for tensor in moving.values()], problem.x.device)
        for part, tensor in zip(stack.parts, moving.values(), strict=True):
            part.copy_(tensor)
        fixed = {k: v.detach() for k, v in {**state, **buffers}.items() if k not in moving}
        net = again.train()

        def gradients(parts: Sequence[Tensor]) -> ModuleGradients:
            return ModuleGradients(net, dict(zip(moving, parts, strict=True)), fixed, problem, self.precision)

        self.descend(stack, gradients, self.batches(problem, generators))
        weights = dict(zip(moving, stack.parts, strict=True))
        return StackedModules(again.eval(), {**weights, **fixed}, problem.shape)

    def block_size(self, problem: Problem) -> int:
        """Return `together`, or as many as fit into memory."""
        if self.together is not None:
            return self.together
        weights = 4 * self._num_weights  # weights, gradient and two moments of Adam
        return self.models_in_memory(problem, problem.num_rows * problem.x.shape[1] + weights)

    @cached_property
    def _num_weights(self) -> int:
        with _in_a_sentence(torch.empty(0)):
            return sum(p.numel() for p in build_module(self.factory, Generator()).parameters())


@contextmanager
def _in_a_sentence(x: Tensor) -> Iterator[None]:
    """Turn whatever a module raises into one sentence, on devices that lack no operation."""
    try:
        yield
    except (InputError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        if x.device.type not in ("cpu", "cuda"):
            raise
        for words, what, remedy in _ERRORS:
            if words in str(error):
                operation = re.search(r" \(?aten::\w+", str(error))
                raise InputError(what + (f" ({operation.group().strip(' (')})" if operation else ""), remedy) from error
        failed = f"the module or its factory raises {type(error).__name__} ({first_line(error)[:200]})"
        shape = "(rows, features), or (rows, channels, height, width) for images"
        raise InputError(failed, f"factory() must be a module that takes {shape}") from error


class DrawFromGenerator(TorchDispatchMode):
    """Draw this thread's random tensors from the given generator, in code that does not ask for one.

    torch's global stream is shared by all threads: seeding it for one model would change what the others draw, and
    what the user draws. Within this context that stream is neither read nor changed.

    Examples
    --------
    >>> def draw():
    ...     with DrawFromGenerator(Generator().manual_seed(0)):
    ...         return torch.nn.Linear(2, 1).weight
    >>> draw().equal(draw())
    True
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.generator = generator

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Hand the generator to every operation that draws."""
        kwargs = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded in func.tags:
            if all(argument.name != "generator" for argument in func._schema.arguments):
                if "generator" not in func.overloadpacket.overloads():
                    raise InputError(f"{func} takes no generator, so what it draws could not be repeated", "avoid it")
                func = func.overloadpacket.generator
            kwargs["generator"] = self.generator
        return func(*args, **kwargs)


def build_module(factory: Callable[[], nn.Module], generator: Generator) -> nn.Module:
    """Make a network with initial weights from the generator, on the generator's device."""
    with torch.device(generator.device), DrawFromGenerator(generator):
        net = factory()
    if not isinstance(net, nn.Module):
        raise InputError(f"factory returned {net!r:.80}", "it must return a torch.nn.Module")
    return net


def as_inputs(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Give features (..., features) the shape that modules expect: add a channel to images without one."""
    return x.reshape(*x.shape[:-1], *((1, *shape) if len(shape) == 2 else shape))


class ModuleGradients:
    """Computes gradients of each model's mean cross-entropy in its weights, for all models at once."""

    def __init__(self, net: nn.Module, weights: _State, fixed: _State, problem: Problem, precision: Precision) -> None:
        self.net, self.weights, self.fixed, self.problem = net, weights, fixed, problem
        self.slopes = vmap(grad(self._loss), randomness="error")
        # Tensors that a module creates are float32: autocast combines them with weights of another type.
        kind, rounded = problem.x.device.type, precision == "bfloat16"
        self.rounded = partial(torch.autocast, kind, torch.bfloat16, rounded)

    def __call__(self, x: Tensor, y: Tensor, found: Sequence[Tensor]) -> None:
        """Write the gradients into ``found``, in the order of the weights."""
        own = x.mT.clone(memory_format=torch.contiguous_format)  # the module may write on it
        with self.rounded():
            slopes = self.slopes(self.weights, self.fixed, as_inputs(own, self.problem.shape), y)
        for name, room in zip(self.weights, found, strict=True):
            room.copy_(slopes[name])

    def _loss(self, weights: _State, fixed: _State, x: Tensor, y: Tensor) -> Tensor:
        scores, classes = functional_call(self.net, {**weights, **fixed}, (x,)), self.problem.num_classes
        if scores.shape != (len(x), classes):
            raise InputError(
                f"the module's scores have shape {tuple(scores.shape)} for {len(x)} rows",
                f"they must be (rows, {classes}), one a class",
            )
        return nn.functional.cross_entropy(scores.float(), y)


@dataclass(frozen=True)
class StackedModules(ScoringModels):
    """Trained networks: one module, and its weights and buffers for all models."""

    users_code: ClassVar[bool] = True
    net: nn.Module
    state: _State
    shape: tuple[int, ...]

    def scores(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Return the outputs of the networks, shape (models, classes, points)."""
        points = torch.stack([noised_points(x, noise, generator) for generator in generators])

        def forward(state: _State, x: Tensor) -> Tensor:
            scores: Tensor = functional_call(self.net, state, (x,))
            return scores.T

        with torch.no_grad(), reproducible_on_gpu(), _in_a_sentence(x):
            parts = torch.split(as_inputs(points, self.shape), _POINTS, dim=1)
            return torch.cat([vmap(forward)(self.state, part) for part in parts], dim=2)

    def parameters(self) -> Tensor:
        """Return weights and buffers, (models, numbers)."""
        return torch.cat([tensor.float().reshape(len(tensor), -1) for tensor in self.state.values()], dim=1)
