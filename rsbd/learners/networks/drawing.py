"""Random numbers of code that does not ask for a generator, such as a module's initial weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator
from torch.utils._python_dispatch import TorchDispatchMode

from rsbd.errors import InputError


class Drawing(TorchDispatchMode):
    """Within this context, the thread's random tensors are drawn from the given generator.

    torch's global stream is shared by all threads: seeding it for one model would change what the others draw, and
    what the user draws. Here it is neither read nor changed.

    Examples
    --------
    >>> def draw():
    ...     with Drawing(Generator().manual_seed(0)):
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
