"""Process-wide torch settings that make training reproducible, active while any models train or vote."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any

import torch

# Linux takes back what a process frees, and each new page costs a microsecond: up to a tenth of the time of training.
# If a piece of almost 32 MB is freed once, the C library keeps up to 64 MB from then on (mallopt(3), M_TRIM_THRESHOLD).
torch.empty(31 * 2**20, dtype=torch.uint8)

_lock = threading.RLock()
if hasattr(os, "fork"):  # a thread that another one forks would otherwise hold this lock for ever in the child
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
_users: list[tuple[int, bool, bool, bool]] = []  # for each worker at work, the settings before the first one came
_permission = ExitStack()  # open while workers are at work


@contextmanager
def reproducible() -> Iterator[None]:
    """Compute on one thread, and on a GPU only by what gives the same bits again.

    Sums that are shared out over threads round differently with the number of threads, so each worker has one (torch
    counts threads for each worker). Where it is safe, float32 products are sent to the faster of two libraries. On a
    GPU, convolutions that give other bits again are avoided, and products of bfloat16 are summed in float32. The last
    worker who leaves takes the settings back.
    """
    with _lock:
        _users.append(_users[0] if _users else _settings())
        _set(1, True, False, False)  # before any product: a forked process has lost its other threads
        if len(_users) == 1 and keeps_float32():
            _permission.enter_context(_bfloat16_permitted())
    try:
        yield
    finally:
        with _lock:
            before = _users.pop()
            if not _users:
                _set(*before)
                _permission.close()


def num_workers() -> int:
    """Return how many threads torch has while nobody works here: as many workers keep all cores busy."""
    with _lock:
        return (_users[0] if _users else _settings())[0]


def _settings() -> tuple[int, bool, bool, bool]:
    cudnn, cublas = torch.backends.cudnn, torch.backends.cuda.matmul
    threads = torch.get_num_threads()
    if threads == 1:  # maybe the own number of a thread that has worked, or that came while others did: ask a new one
        threads = ThreadPoolExecutor(1).submit(torch.get_num_threads).result()
    return threads, cudnn.deterministic, cudnn.benchmark, cublas.allow_bf16_reduced_precision_reduction


def _set(threads: int, deterministic: bool, benchmark: bool, reduced: bool) -> None:
    torch.set_num_threads(threads)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = deterministic, benchmark
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = reduced


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
