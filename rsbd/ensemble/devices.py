"""Where models are trained: a device that is not there, or lacks what is needed, is one sentence before any work.

CPU and CUDA have all that is needed. Others have parts of it: Apple's ``mps`` has no float64 and draws no whole words
of 64 bits, so networks train there under Gaussian or uniform noise, and the rest does not. Every draw in this package
asks for all the bits that its law needs, so that such a device refuses it and never makes do with fewer in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from rsbd.errors import InputError

COMPLETE = ("cpu", "cuda")


def named(name: str | torch.device) -> str:
    """Resolve ``"auto"``, and say so if there can be no such device. It need not be on this machine.

    Examples
    --------
    >>> named(torch.device("cpu")), named("cuda:1")
    ('cpu', 'cuda:1')
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(str(name))
    except RuntimeError:
        raise InputError(
            f"there is no device {str(name)!r}", "use --device auto, or name one such as cpu, cuda, cuda:1 or mps"
        ) from None
    return "cpu" if device.type == "cpu" else str(device)


def pick_device(name: str | torch.device) -> str:
    """Resolve ``"auto"``, and say so if a device is not there.

    Examples
    --------
    >>> pick_device(torch.device("cpu"))
    'cpu'
    """
    device = named(name)
    if name == "auto":
        return device
    try:
        torch.empty(1, device=device).normal_(generator=torch.Generator(device))
    except Exception as error:  # torch has a kind for every backend
        raise InputError(f"device {device!r} does not work here ({_first(error)})", "use --device auto") from None
    return device


@contextmanager
def asked(device: str, what: object) -> Iterator[None]:
    """Say in one sentence what a device lacks, where torch fails on it.

    >>> with asked("mps", 1.0):
    ...     raise NotImplementedError("no such operator")
    Traceback (most recent call last):
    rsbd.errors.InputError: device 'mps' lacks what float needs here (no such operator): use --device cpu
    """
    try:
        yield
    except InputError:
        raise
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"device {device!r} has too little memory free for {type(what).__name__} here ({_first(error)})",
            "free some, or use --device cpu",
        ) from error
    except (NotImplementedError, RuntimeError, TypeError) as error:
        if torch.device(device).type in COMPLETE:
            raise
        raise InputError(
            f"device {device!r} lacks what {type(what).__name__} needs here ({_first(error)})", "use --device cpu"
        ) from error


def _first(error: Exception) -> str:
    """First sentence of what torch says."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line.partition(". ")[0].rstrip(".")[:160]
