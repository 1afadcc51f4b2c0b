"""Computes the blocks of an ensemble on threads of this machine or on an executor, a few blocks at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from rsbd.ensemble.devices import resolve_device
from rsbd.learners import determinism

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_PATIENCE = 10.0  # seconds to wait for a result before a look at the executor


def map_in_order(
    pool: Executor, work: Callable[[_Item], _Result], items: Iterable[_Item], in_hand: int = 8
) -> Iterator[_Result]:
    """Yield ``work(item)`` for every item, in order, with at most ``in_hand`` items in the pool at a time.

    Unlike ``pool.map``, which submits all items at once: memory stays bounded, and stopping is quick. Raise
    ``BrokenExecutor`` or ``CancelledError`` if the executor has stopped working.
    """
    running: deque[Future[_Result]] = deque()
    try:
        for item in items:
            running.append(_submit(pool, work, item))
            if len(running) == in_hand:
                yield _first_result(pool, running)
        while running:
            yield _first_result(pool, running)
    finally:
        for future in running:
            future.cancel()


def _first_result(pool: Executor, running: deque[Future[_Result]]) -> _Result:
    """Wait for the first result, and raise if the executor has stopped working meanwhile.

    A future may then stay pending for ever: a dask client that loses its scheduler while it fetches a result forgets
    that future. It cancels the others, and once it gives up, it refuses new work.
    """
    first = running.popleft()
    while True:
        try:
            return first.result(_PATIENCE)
        except TimeoutError:
            if first.done():  # just now, or the work raised this error
                return first.result()
        if any(future.cancelled() for future in running):
            raise BrokenExecutor("it cancelled work that it had accepted")
        _submit(pool, int, 0)


def _submit(pool: Executor, work: Callable[[_Item], _Result], item: _Item) -> Future[_Result]:
    try:
        return pool.submit(work, item)
    except Exception as error:  # it was shut down, or has lost its machines
        raise BrokenExecutor(str(error) or type(error).__name__) from error


@contextmanager
def thread_pool(device: str = "auto") -> Iterator[Executor]:
    """Open the default executor: one worker per core (one for a GPU), each on one thread.

    Threads inside a matrix product collapse on a busy machine; whole blocks side by side do not.
    """
    pool = ThreadPoolExecutor(determinism.num_workers() if resolve_device(device) == "cpu" else 1)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
