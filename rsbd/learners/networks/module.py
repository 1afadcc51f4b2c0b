"""Trains many copies of any torch module at once through torch.func."""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call, grad, vmap

from rsbd.errors import InputError, first_line, is_whole
from rsbd.learners.base import Problem, ScoringModels, noised_points
from rsbd.learners.identity import settings_text
from rsbd.learners.networks.drawing import DrawFromGenerator, build_module
from rsbd.learners.networks.network import Backward, Network, Precision, Stack
from rsbd.noises import Noise

_POINTS = 512  # labelled at a time, so that activations stay small
_State = dict[str, Tensor]  # each with the models in front
_LOG = logging.getLogger("rsbd")
# What an error of torch says where it cannot step many copies of a module at once, and why: these go one by one.
_APART = (
    ("randomness error mode", "it draws random numbers in forward"),
    (".item()", "it reads a number out of a tensor, by .item(), float() or an if"),
    ("dynamic shape", "it makes tensors whose shape depends on numbers, as indexing by bools does"),
    ("Cannot access data pointer", "it reads a tensor's numbers, as by numpy"),
    ("Batching rule not", "torch cannot batch one of its layers"),
)


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
        Settings that are not positive; a module with scores of another shape, that draws random numbers in prediction,
        or with initial weights that are not drawn by torch.

    Notes
    -----
    Modules that torch cannot step together (with an LSTM, dropout, ``.item()`` or a data-dependent ``if``) train one by
    one, which is slower; the logger ``rsbd`` says so and why.

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
            again = build_module(self.factory, generators[0].clone_state())
            nets = [build_module(self.factory, generator) for generator in generators]
            same = zip(again.state_dict().values(), nets[0].state_dict().values(), strict=True)
            if not all(torch.equal(a, b) for a, b in same):
                raise InputError("factory draws initial weights other than by torch", "models could not be repeated")
            before = [generator.get_state() for generator in generators]
            try:
                if any(isinstance(part, nn.RNNBase) for part in again.modules()):
                    raise RuntimeError("Batching rule not implemented for aten::lstm")  # as torch says, or warns
                if "apart" not in self.__dict__:
                    return self._descended(again, nets, problem, generators, apart=False)
            except Exception as error:
                why = _why_apart(error)
                if self.__dict__.setdefault("apart", error) is error:  # the first block says it, the next ones know it
                    _LOG.warning("Models of this module train one by one, which is slower: %s", why)
            for generator, state in zip(generators, before, strict=True):
                generator.set_state(state)
            return self._descended(again, nets, problem, generators, apart=True)

    def _descended(
        self, net: nn.Module, nets: Sequence[nn.Module], problem: Problem, generators: Sequence[Generator], apart: bool
    ) -> "StackedModules":
        """Train from the weights of `nets`, all in one step or one by one; `net` lends its code."""
        moving = [name for name, tensor in net.named_parameters() if tensor.requires_grad]
        given = [{**dict(each.named_parameters()), **dict(each.named_buffers())} for each in nets]
        state = {name: torch.stack([tensors[name].detach() for tensors in given]) for name in given[0]}
        stack = Stack.zeros([state[name].shape for name in moving], problem.x.device)
        for part, name in zip(stack.parts, moving, strict=True):
            part.copy_(state.pop(name))
        net.train()

        def gradients(parts: Sequence[Tensor]) -> Backward:
            weights = dict(zip(moving, parts, strict=True))
            return module_gradients(net, weights, state, problem, self.precision, generators if apart else ())

        self.descend(stack, gradients, self.batches(problem, generators))
        weights = dict(zip(moving, stack.parts, strict=True))
        return StackedModules(net.eval(), {**weights, **state}, problem.shape, apart)

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
        failed = f"the module or its factory raises {type(error).__name__} ({first_line(error)[:200]})"
        shape = "(rows, features), or (rows, channels, height, width) for images"
        raise InputError(failed, f"factory() must be a module that takes {shape}") from error


def _why_apart(error: Exception) -> str:
    """Return why torch cannot step many copies of a module at once, or raise the error if that is not what it says."""
    for words, why in _APART:
        if words in str(error):
            operation = re.search(r"aten::\w+", str(error))
            return f"{why} ({operation.group()})" if operation else why
    raise error


def as_inputs(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Give features (..., features) the shape that modules expect: add a channel to images without one."""
    return x.reshape(*x.shape[:-1], *((1, *shape) if len(shape) == 2 else shape))


def module_gradients(
    net: nn.Module, weights: _State, fixed: _State, problem: Problem, precision: Precision, apart: Sequence[Generator]
) -> Backward:
    """Return a function that computes gradients of each model's mean cross-entropy in its weights.

    For all models at once; or one by one with the generators of ``apart``, from which what a module draws then comes.
    """

    def loss(weights: _State, fixed: _State, x: Tensor, y: Tensor) -> Tensor:
        scores = functional_call(net, {**weights, **fixed}, (x,))
        if scores.shape != (len(x), problem.num_classes):
            remedy = f"give (rows, {problem.num_classes})"
            raise InputError(f"scores of {len(x)} rows have shape {tuple(scores.shape)}", remedy)
        return nn.functional.cross_entropy(scores.float(), y)

    def write(x: Tensor, y: Tensor, found: Sequence[Tensor]) -> None:
        own = as_inputs(x.mT.clone(memory_format=torch.contiguous_format), problem.shape)  # it may write on it
        # Tensors that a module creates are float32: autocast combines them with weights of another type.
        rounded = partial(torch.autocast, x.device.type, torch.bfloat16, precision == "bfloat16")
        if not apart:
            with rounded():
                slopes = vmap(grad(loss), randomness="error")(weights, fixed, own, y)
            for name, room in zip(weights, found, strict=True):
                room.copy_(slopes[name])
        for i, stream in enumerate(apart):
            mine = {name: tensor[i].detach().requires_grad_() for name, tensor in weights.items()}
            with torch.enable_grad(), DrawFromGenerator(stream), rounded():
                lost = loss(mine, {name: tensor[i] for name, tensor in fixed.items()}, own[i], y[i])
            one = torch.autograd.grad(lost, list(mine.values()), allow_unused=True)
            for room, slope in zip(found, one, strict=True):
                room[i] = 0 if slope is None else slope

    return write


@dataclass(frozen=True)
class StackedModules(ScoringModels):
    """Trained networks: one module, and its weights and buffers for all models."""

    net: nn.Module
    state: _State
    shape: tuple[int, ...]
    apart: bool = False

    def scores(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Return the outputs of the networks, shape (models, classes, points)."""
        points = torch.stack([noised_points(x, noise, generator) for generator in generators])

        def forward(state: _State, x: Tensor) -> Tensor:
            scores: Tensor = functional_call(self.net, state, (x,))
            return scores.T

        with torch.no_grad(), _in_a_sentence(x):
            parts = torch.split(as_inputs(points, self.shape), _POINTS, dim=1)
            try:
                if not self.apart:
                    return torch.cat([vmap(forward)(self.state, part) for part in parts], dim=2)
            except Exception as error:
                _why_apart(error)
                parts = torch.split(as_inputs(points.clone(), self.shape), _POINTS, dim=1)
            states = [{name: tensor[i] for name, tensor in self.state.items()} for i in range(len(points))]
            with DrawFromGenerator(None):
                found = [torch.stack([forward(*one) for one in zip(states, part, strict=True)]) for part in parts]
            return torch.cat(found, dim=2)

    def parameters(self) -> Tensor:
        """Return weights and buffers, (models, numbers)."""
        return torch.cat([tensor.float().reshape(len(tensor), -1) for tensor in self.state.values()], dim=1)
