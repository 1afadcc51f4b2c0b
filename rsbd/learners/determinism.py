"""Process-wide torch settings that make training reproducible, active while any models train or vote."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import lru_cache
from typing import Any

import torch

_lock = threading.RLock()
if hasattr(os, "fork"):  # a thread that another one forks would otherwise hold this lock for ever in the child
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
_threads_before: int | None = None  # torch's number of threads before the first worker came; None while nobody works


def _shared(settings: Callable[[], AbstractContextManager[None]]) -> Callable[[], AbstractContextManager[None]]:
    """Make settings with the first user who enters, and take them back when the last one has left."""
    users, made = 0, ExitStack()

    @contextmanager
    def enter() -> Iterator[None]:
        nonlocal users
        with _lock:
            if users == 0:
                made.enter_context(settings())
            users += 1
        try:
            yield
        finally:
            with _lock:
                users -= 1
                if users == 0:
                    made.close()

    return enter


@contextmanager
def _bfloat16_permitted() -> Iterator[None]:
    """Permit bfloat16 in float32 products, and restore every setting that this touches.

    torch sends float32 products to MKL, which uses half of the vectors of an AMD processor. If bfloat16 is permitted,
    torch sends them to oneDNN. It uses whole vectors, and on a processor without a matrix unit for bfloat16 it computes
    in float32 all the same: twice as fast.
    """
    backends: Any = torch.backends  # whose types lack mkldnn.matmul
    parts = backends.mkldnn.matmul, backends.cuda.matmul
    precisions = [part.fp32_precision for part in parts]
    try:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("medium")  # settings of single parts alone would make the getter raise
    except RuntimeError:  # the user has mixed such settings, so the getter raises anyway
        before = None
        parts[0].fp32_precision = "bf16"
    try:
        yield
    finally:
        if before is not None:
            torch.set_float32_matmul_precision(before)
        for part, precision in zip(parts, precisions, strict=True):
            part.fp32_precision = precision


# Sums that are shared out over threads round differently with the number of threads, so each worker has one.
@_shared
@contextmanager
def _on_cpus() -> Iterator[None]:
    global _threads_before
    _threads_before = torch.get_num_threads()
    torch.set_num_threads(1)  # before any product: a forked process lacks the threads that torch would wait for
    with _bfloat16_permitted() if keeps_float32() else nullcontext():
        yield
    torch.set_num_threads(_threads_before)
    _threads_before = None


@contextmanager
def reproducible() -> Iterator[None]:
    """Compute on one thread, with the library that computes all models on this machine's processor."""
    with _on_cpus():
        torch.set_num_threads(1)  # torch counts threads for each worker
        yield


@_shared
@contextmanager
def reproducible_on_gpu() -> Iterator[None]:
    """Use only convolutions that give the same bits again on a GPU, and sum products of bfloat16 in float32."""
    cudnn, cublas = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.deterministic, cudnn.benchmark, cublas.allow_bf16_reduced_precision_reduction
    cudnn.deterministic, cudnn.benchmark, cublas.allow_bf16_reduced_precision_reduction = True, False, False
    yield
    cudnn.deterministic, cudnn.benchmark, cublas.allow_bf16_reduced_precision_reduction = before


def num_workers() -> int:
    """Return how many threads torch has while nobody works here: as many workers keep all cores busy."""
    with _lock:
        return torch.get_num_threads() if _threads_before is None else _threads_before


@lru_cache(maxsize=1)
def keeps_float32() -> bool:
    """Return True if float32 products stay exact to float32 on this machine where bfloat16 is permitted.

    Tried with numbers that bfloat16 would round. False if there is a CUDA GPU: the permission would hold for its
    products too, in which other code of the process may ask for more.
    """
    if torch.cuda.is_available():
        return False
    with _lock, _bfloat16_permitted():
        fine, ones = torch.full((16, 64, 784), 1 + 2.0**-9), torch.ones(16, 784, 128)  # sums are exact
        products = torch.cat([(fine @ ones).flatten(), (ones.mT @ fine.mT).flatten()])
        return bool((products == 784 * (1 + 2.0**-9)).all())
