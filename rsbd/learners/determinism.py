"""Process-wide torch settings that make training reproducible, active while any models train or vote."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

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


# Sums that are shared out over threads round differently with the number of threads, so each worker has one.
@_shared
@contextmanager
def _on_cpus() -> Iterator[None]:
    global _threads_before
    _threads_before = torch.get_num_threads()
    torch.set_num_threads(1)  # before any product: a forked process lacks the threads that torch would wait for
    yield
    torch.set_num_threads(_threads_before)
    _threads_before = None


@contextmanager
def reproducible() -> Iterator[None]:
    """Compute on one thread."""
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
