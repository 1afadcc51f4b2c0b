"""Who computes an ensemble: threads of this machine or anybody's executor, with few blocks in hand at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace

from rsbd.ensemble import blocks
from rsbd.ensemble.devices import named
from rsbd.ensemble.votes import Votes, join
from rsbd.learners import arithmetic


def gather(
    task: blocks.Task,
    votes: Votes,
    spans: list[blocks.Span],
    pool: Executor,
    in_hand: int,
    in_order: bool,
) -> Iterator[Votes]:
    """Keep the workers busy with few blocks in hand, so that memory stays bounded and stopping is quick."""
    waiting = iter(spans)
    running: set[Future[blocks.Counted]] = set()
    finished: dict[blocks.Span, blocks.Counted] = {}
    turn = deque(spans)
    try:
        while True:
            while len(running) < in_hand and (span := next(waiting, None)) is not None:
                running.add(_submit(pool, task, span))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            finished.update((future.result()[1], future.result()) for future in done)
            while finished and (turn[0] in finished or not in_order):
                counts, span, seconds = finished.pop(turn.popleft() if in_order else next(iter(finished)))
                spent = {k: votes.seconds.get(k, 0) + v for k, v in seconds.items()}
                votes = replace(votes, counts=votes.counts + counts, models=join(votes.models, (span,)), seconds=spent)
                yield votes
    finally:
        for future in running:
            future.cancel()


def _submit(pool: Executor, task: blocks.Task, span: blocks.Span) -> Future[blocks.Counted]:
    try:
        return pool.submit(blocks.vote, task, span)
    except RuntimeError as error:  # it was shut down, here or far away
        raise BrokenExecutor(str(error)) from error


@contextmanager
def threads(device: str = "auto") -> Iterator[Executor]:
    """The default executor: one worker per core (one for a GPU), each on one thread.

    Threads inside a matrix product collapse on a busy machine; whole blocks side by side do not.
    """
    pool = ThreadPoolExecutor(arithmetic.workers() if named(device) == "cpu" else 1)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
