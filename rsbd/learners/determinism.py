"""Process-wide torch settings that make training reproducible, active while any models train or vote."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_lock = threading.RLock()
if hasattr(os, "fork"):  # a thread that another one forks would otherwise hold this lock for ever in the child
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
_Settings = tuple[int, bool, bool, bool]
_users: list[_Settings] = []  # for each worker at work, the settings before the first one came


@contextmanager
def reproducible() -> Iterator[None]:
    """Compute on one thread, and on a GPU only by what gives the same bits again.

    Sums that are shared out over threads round differently with the number of threads, so each worker has one. On a
    GPU, convolutions that give other bits again are avoided, and products of bfloat16 are summed in float32. The last
    worker who leaves takes the settings back.
    """
    with _lock:
        _users.append(_users[0] if _users else _settings())
        _set(1, True, False, False)  # torch counts threads for each worker
    try:
        yield
    finally:
        with _lock:
            before = _users.pop()
            if not _users:
                _set(*before)


def num_workers() -> int:
    """Return how many threads torch has while nobody works here: as many workers keep all cores busy."""
    with _lock:
        return _users[0][0] if _users else torch.get_num_threads()


def _settings() -> _Settings:
    cudnn, cublas = torch.backends.cudnn, torch.backends.cuda.matmul
    return torch.get_num_threads(), cudnn.deterministic, cudnn.benchmark, cublas.allow_bf16_reduced_precision_reduction


def _set(threads: int, deterministic: bool, benchmark: bool, reduced: bool) -> None:
    torch.set_num_threads(threads)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = deterministic, benchmark
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = reduced
