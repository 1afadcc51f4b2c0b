"""How an ensemble multiplies: each worker on one thread, by the faster of torch's two libraries that keeps float32."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch

_matmul: Any = getattr(torch.backends.mkldnn, "matmul", None)  # torch before 2.9 has no such setting
_lock = threading.Lock()
_users = 0
_before: tuple[int, str | None] = 1, None


# torch's products in float32 come from MKL, which uses half of the vectors of an AMD processor. Told that bfloat16 will
# do, torch asks oneDNN, which uses them whole and which, where a processor has no matrix unit for bfloat16, computes in
# float32 all the same: twice as fast. (Meanwhile `torch.get_float32_matmul_precision` raises: it knows no such mix.)
# And sums that are shared out over threads round differently with their number. Both settings belong to the process, so
# the first worker to come makes them and the last one to go takes them back; nothing in between is computed otherwise.
@contextmanager
def settled() -> Iterator[None]:
    """Compute on one thread, with the library that all models of this machine are computed with."""
    global _users, _before
    fast = keeps_float32()
    with _lock:
        if not _users:
            _before = torch.get_num_threads(), _matmul.fp32_precision if fast else None
        _users += 1
        torch.set_num_threads(1)  # each worker for itself, too
        if fast:
            _matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                torch.set_num_threads(_before[0])
                if _before[1] is not None:
                    _matmul.fp32_precision = _before[1]


def workers() -> int:
    """How many threads torch was given, whoever is at work meanwhile: that many workers keep all cores busy."""
    with _lock:
        return _before[0] if _users else torch.get_num_threads()


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
