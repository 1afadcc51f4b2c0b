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
_before = "none"


@contextmanager
def settled() -> Iterator[None]:
    """Compute on one thread, with the library that all models of this machine are computed with."""
    with one_thread(), _fast_products():
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: sums that are shared out over threads round differently with their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# torch's products in float32 come from MKL, which uses half of the vectors of an AMD processor. Told that bfloat16 will
# do, torch asks oneDNN, which uses them whole and which, where a processor has no matrix unit for bfloat16, computes in
# float32 all the same: twice as fast. The setting belongs to the process, so the first thread to come makes it and the
# last one to go takes it back; no product in between is computed otherwise. (Meanwhile torch refuses to answer
# `get_float32_matmul_precision`, its older name for several such settings at once.)
@contextmanager
def _fast_products() -> Iterator[None]:
    global _users, _before
    if not keeps_float32():
        yield
        return
    with _lock:
        if _users == 0:
            _before, _matmul.fp32_precision = _matmul.fp32_precision, "bf16"
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _matmul.fp32_precision = _before


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
