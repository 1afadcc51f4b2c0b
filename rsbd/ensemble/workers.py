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
from rsbd.ensemble.devices import named
from rsbd.ensemble.votes import Votes, join
from rsbd.learners import determinism

Item = TypeVar("Item")
Result = TypeVar("Result")


def gather(
    task: blocks.Task, votes: Votes, spans: Iterable[blocks.Span], pool: Executor, in_hand: int
) -> Iterator[Votes]:
    """Yield the votes so far after every block of models, in the order of the blocks."""
    for counts, span, seconds in in_order(pool, partial(blocks.vote, task), spans, in_hand):
        spent = {k: votes.seconds.get(k, 0) + v for k, v in seconds.items()}
        votes = replace(votes, counts=votes.counts + counts, models=join(votes.models, (span,)), seconds=spent)
        yield votes


def in_order(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], in_hand: int = 8
) -> Iterator[Result]:
    """Yield ``work(item)`` for every item, in order, with at most ``in_hand`` items in the pool at a time.

    Unlike ``pool.map``, which submits all items at once: memory stays bounded, and stopping is quick.
    """
    running: deque[Future[Result]] = deque()
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


def _submit(pool: Executor, work: Callable[[Item], Result], item: Item) -> Future[Result]:
    try:
        return pool.submit(work, item)
    except RuntimeError as error:  # it was shut down, here or far away
        raise BrokenExecutor(str(error)) from error


@contextmanager
def threads(device: str = "auto") -> Iterator[Executor]:
    """The default executor: one worker per core (one for a GPU), each on one thread.

    Threads inside a matrix product collapse on a busy machine; whole blocks side by side do not.
    """
    pool = ThreadPoolExecutor(determinism.num_workers() if named(device) == "cpu" else 1)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
