"""Makes torch modules, and runs them, with random numbers from a given generator alone."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, nn
from torch.utils._python_dispatch import TorchDispatchMode

from rsbd.errors import InputError

_DRAWS = ("the module draws random numbers in forward, as dropout does", "leave that out, or draw in training alone")


class DrawFromGenerator(TorchDispatchMode):
    """Draw this thread's random tensors from the given generator, in code that does not ask for one; None refuses.

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

    def __init__(self, generator: Generator | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.generator = generator

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Hand the generator to every operation that draws."""
        kwargs = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded in func.tags:
            if self.generator is None:
                raise InputError(*_DRAWS)
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
