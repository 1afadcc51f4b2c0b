"""How models multiply, so that a seed gives the same ones again: settings of the process, while any are at work.

On a CPU each worker is on one thread, with the faster of torch's two libraries that keeps float32.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any

import torch

_matmul: Any = getattr(torch.backends.mkldnn, "matmul", None)  # torch before 2.9 has no such setting
_lock = threading.RLock()
_threads = 1  # that torch was given before the first worker came


class _Shared:
    """The first user to come makes the settings, the last one to go takes them back: nobody computes otherwise."""

    def __init__(self, settings: Callable[[], AbstractContextManager[None]]) -> None:
        self.settings, self.users = settings, 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with _lock:
            if not self.users:
                self.made = self.settings()
                self.made.__enter__()
            self.users += 1
        try:
            yield
        finally:
            with _lock:
                self.users -= 1
                if not self.users:
                    self.made.__exit__(None, None, None)


# torch's products in float32 come from MKL, which uses half of the vectors of an AMD processor. Told that bfloat16 will
# do, torch asks oneDNN, which uses them whole and which, where a processor has no matrix unit for bfloat16, computes in
# float32 all the same: twice as fast. (Meanwhile `torch.get_float32_matmul_precision` raises: it knows no such mix.)
# And sums that are shared out over threads round differently with their number.
@_Shared
@contextmanager
def _on_cpus() -> Iterator[None]:
    global _threads
    _threads, fast = torch.get_num_threads(), keeps_float32()
    precision = _matmul.fp32_precision if fast else None
    if fast:
        _matmul.fp32_precision = "bf16"
    yield
    torch.set_num_threads(_threads)
    if fast:
        _matmul.fp32_precision = precision


@contextmanager
def settled() -> Iterator[None]:
    """Compute on one thread, with the library that all models of this machine are computed with."""
    with _on_cpus():
        torch.set_num_threads(1)  # each worker for itself
        yield


@_Shared
@contextmanager
def repeatable() -> Iterator[None]:
    """Let a GPU use only convolutions that give the same bits again, and sum products of bfloat16 in float32."""
    cudnn, cublas = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.deterministic, cudnn.benchmark, cublas.allow_bf16_reduced_precision_reduction
    cudnn.deterministic, cudnn.benchmark, cublas.allow_bf16_reduced_precision_reduction = True, False, False
    yield
    cudnn.deterministic, cudnn.benchmark, cublas.allow_bf16_reduced_precision_reduction = before


def workers() -> int:
    """How many threads torch was given, whoever is at work meanwhile: that many workers keep all cores busy."""
    with _lock:
        return _threads if _on_cpus.users else torch.get_num_threads()


@lru_cache(maxsize=1)
def keeps_float32() -> bool:
    """Whether products stay in float32 where bfloat16 is allowed: tried with numbers that bfloat16 would round."""
    if _matmul is None:
        return False
    with _lock:
        before, _matmul.fp32_precision = _matmul.fp32_precision, "bf16"
        try:
            fine, ones = torch.full((16, 64, 784), 1 + 2.0**-9), torch.ones(16, 784, 128)  # sums are exact
            products = torch.cat([(fine @ ones).flatten(), (ones.mT @ fine.mT).flatten()])
            return bool((products == 784 * (1 + 2.0**-9)).all())
        finally:
            _matmul.fp32_precision = before
