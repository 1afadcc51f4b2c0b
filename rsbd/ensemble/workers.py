"""Computes the blocks of an ensemble on threads of this machine or on an executor, a few blocks at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

from rsbd.ensemble import blocks
from rsbd.ensemble.devices import resolve_device
from rsbd.ensemble.votes import Votes, join_spans
from rsbd.learners import determinism

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def stream_votes(
    task: blocks.Task, votes: Votes, spans: Iterable[blocks.Span], pool: Executor, in_hand: int
) -> Iterator[Votes]:
    """Yield the votes so far after every block of models, in the order of the blocks."""
    for counts, span, seconds in map_in_order(pool, partial(blocks.vote_in_block, task), spans, in_hand):
        spent = {k: votes.seconds.get(k, 0) + v for k, v in seconds.items()}
        votes = replace(votes, counts=votes.counts + counts, models=join_spans(votes.models, (span,)), seconds=spent)
        yield votes


def map_in_order(
    pool: Executor, work: Callable[[_Item], _Result], items: Iterable[_Item], in_hand: int = 8
) -> Iterator[_Result]:
    """Yield ``work(item)`` for every item, in order, with at most ``in_hand`` items in the pool at a time.

    Unlike ``pool.map``, which submits all items at once: memory stays bounded, and stopping is quick.
    """
    running: deque[Future[_Result]] = deque()
    try:
        for item in items:
            running.append(_submit(pool, work, item))
            if len(running) == in_hand:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()


def _submit(pool: Executor, work: Callable[[_Item], _Result], item: _Item) -> Future[_Result]:
    try:
        return pool.submit(work, item)
    except RuntimeError as error:  # the executor was shut down
        raise BrokenExecutor(str(error)) from error


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
