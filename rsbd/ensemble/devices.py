"""Resolves names of devices, and explains in one sentence what a device lacks.

CPU and CUDA have all operations that learners and noises need. Other devices have some of them: Apple's ``mps`` has no
float64 and draws no whole words of 64 bits, so networks train there under Gaussian or uniform noise, and nothing else
does. Every draw in this package asks for all the bits that its law needs, so that such a device refuses the draw and
never silently draws fewer bits.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from rsbd.errors import InputError, first_line

COMPLETE = ("cpu", "cuda")


def resolve_device(name: str | torch.device) -> str:
    """Resolve ``"auto"`` and raise for a name that no device can have. The device need not be on this machine.

    Examples
    --------
    >>> resolve_device(torch.device("cpu")), resolve_device("cuda:1")
    ('cpu', 'cuda:1')
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(str(name))
    except RuntimeError:
        raise InputError(f"there is no device {str(name)!r}", "use the device auto, or one such as cpu") from None
    return "cpu" if device.type == "cpu" else str(device)


def pick_device(name: str | torch.device) -> str:
    """Resolve ``"auto"`` and raise for a device that does not work on this machine.

    Examples
    --------
    >>> pick_device(torch.device("cpu"))
    'cpu'
    """
    device = resolve_device(name)
    if name == "auto":
        return device
    try:
        torch.empty(1, device=device).normal_(generator=torch.Generator(device))
    except Exception as error:  # each backend raises exceptions of its own
        raise InputError(
            f"device {device!r} does not work here ({_first_sentence(error)})", "use the device auto"
        ) from None
    return device


@contextmanager
def explain_errors(device: str, what: object) -> Iterator[None]:
    """Turn errors of a device that lacks operations or memory into an InputError.

    >>> with explain_errors("mps", 1.0):
    ...     raise NotImplementedError("no such operator")
    Traceback (most recent call last):
    rsbd.errors.InputError: device 'mps' lacks what float needs here (no such operator): use the device cpu
    """
    try:
        yield
    except (NotImplementedError, RuntimeError, TypeError) as error:
        full = isinstance(error, torch.OutOfMemoryError)
        if not full and torch.device(device).type in COMPLETE:
            raise
        name = type(what).__name__
        lacking = f"has too little memory free for {name} here" if full else f"lacks what {name} needs here"
        remedy = f"{'free some, or ' if full else ''}use the device cpu"
        raise InputError(f"device {device!r} {lacking} ({_first_sentence(error)})", remedy) from error


def _first_sentence(error: Exception) -> str:
    return first_line(error).partition(". ")[0].rstrip(".")[:160]
