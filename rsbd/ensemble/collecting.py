"""Trains an ensemble on independently noised copies of a training set, and collects its votes as they come."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from rsbd.data import Dataset
from rsbd.ensemble import blocks, checks
from rsbd.ensemble.devices import pick_device, resolve_device
from rsbd.ensemble.votes import Store, Votes
from rsbd.ensemble.workers import map_in_order, thread_pool
from rsbd.errors import InputError, check_kind, first_line
from rsbd.evasion import AnyTrigger
from rsbd.files import read_path
from rsbd.learners import Learner, identity
from rsbd.noises import Smoothing
from rsbd.types import Points, read_points

_LOG = logging.getLogger("rsbd")


def collect(
    dataset: Dataset,
    smoothing: Smoothing,
    learner: Learner,
    x_test: Points,
    num_models: int = 1000,
    seed: int = 0,
    device: str = "auto",
    executor: Executor | None = None,
    progress: Callable[[Votes], None] | None = None,
    cancel: threading.Event | None = None,
    resume: Votes | None = None,
    store: str | Path | None = None,
    triggers: AnyTrigger | Sequence[AnyTrigger] = (),
) -> Votes:
    """Train ``num_models`` models, each on its own noised training set, and let each vote on its own noisy test points.

    Guarantee
    ---------
    For every point, the votes are independent draws of the smoothed classifier's base classifier. (Votes of one
    model on different points share its training noise and its test noise; statements about many points must not
    assume that they are independent, and the ones in :mod:`rsbd.bounds` do not.)

    Model ``i`` depends on the data, the settings and ``(seed, i)`` only: not on the order, the number of workers, where
    an earlier run stopped, or how many models are asked for.

    Parameters
    ----------
    dataset : Dataset
        The training set that the defender holds.
    smoothing : Smoothing
        The noise in each slot.
    learner : Learner
        The base learner.
    x_test : ndarray
        Test inputs, shape (points, *dataset.shape), in [0, 1].
    num_models : int
        Size of the ensemble, at most 10,000,000.
    seed : int
        Seed of the whole ensemble.
    device : str
        ``"auto"`` (a CUDA GPU if there is one, else the CPU), or any torch device that has the operations which the
        learner and the noise need, see :mod:`rsbd.ensemble.devices`. With an executor, its workers need the device.
    executor : concurrent.futures.Executor, optional
        Computes the blocks; by default one thread per CPU core (one thread for a GPU).
    progress : callable, optional
        Called with the votes so far after every block of models.
    cancel : threading.Event, optional
        Once set, collecting stops after the current block.
    resume : Votes, optional
        Votes of the same experiment, of at most ``num_models`` models; only those that have not voted are trained.
    store : path, optional
        Folder where votes are kept as they come, under a key of everything that determines them. A run that was
        interrupted, or is to have more models, goes on from there; a damaged file is set aside with a warning. If you
        ask for more models because of what you saw, bound the votes by :func:`rsbd.bounds.anytime`: the others hold
        for a number of models that was fixed before.
        Learners and noises that run code of yours need a ``name`` for that.
    triggers : AnyTrigger or sequence of AnyTrigger
        Triggers on the test input, such as ``AnyPatch(3)``. For each of them it is counted which votes no such trigger
        can move, see :meth:`Votes.against`. The test input then carries no noise, and the models must know what a
        trigger can do to them: :meth:`rsbd.learners.Models.reach`.

    Raises
    ------
    InputError
        Settings that cannot work, before any model is trained; or the executor failed.
    concurrent.futures.CancelledError
        ``cancel`` was set.
    """
    votes = None
    if progress is not None and not callable(progress):
        raise InputError(f"progress is {progress!r}", "give a function, or leave it out")
    run = stream(dataset, smoothing, learner, x_test, num_models, seed, device, executor, resume, store, triggers)
    for votes in run:
        if progress is not None:
            progress(votes)
        if cancel is not None and cancel.is_set():
            raise CancelledError
    assert votes is not None  # noqa: S101  (there is at least one model)
    return votes


def stream(
    dataset: Dataset,
    smoothing: Smoothing,
    learner: Learner,
    x_test: Points,
    num_models: int = 1000,
    seed: int = 0,
    device: str = "auto",
    executor: Executor | None = None,
    resume: Votes | None = None,
    store: str | Path | None = None,
    triggers: AnyTrigger | Sequence[AnyTrigger] = (),
) -> Iterator[Votes]:
    """Yield the votes so far after every block of models; parameters as for :func:`collect`.

    Resumed and stored votes come first. Closing the iterator stops the work after the blocks in hand.
    """
    checks.check_settings(dataset, smoothing, num_models, seed, learner)
    triggers = checks.check_triggers(dataset, smoothing, triggers)
    if executor is not None and not hasattr(executor, "submit"):
        raise InputError(f"executor is {executor!r}", "give a concurrent.futures.Executor, or leave it out")
    x_test, num_models, seed = read_points(x_test, "x_test"), int(num_models), int(seed)  # a copy: it may be changed
    if resume is not None:
        check_kind("resume", resume, Votes)
        if resume.num_models > num_models:  # their counts cannot be split
            raise InputError(f"resume holds {resume.num_models} models", "ask for as many, or leave it out")
    checks.check_points(smoothing.test, x_test)
    where = resolve_device(device) if executor else pick_device(device)
    task = blocks.Task.of(dataset, smoothing, learner, x_test, seed, where, triggers)
    votes = Votes.none(len(x_test), dataset.num_classes, task.manifest)
    file = None
    if store is not None:
        identity.check_named(smoothing, learner)
        file = Store(read_path(store).absolute(), task.manifest)
    for known in (resume, None if file is None else file.load(at_most=num_models)):
        if known is not None:
            votes = _merge_or_larger(votes, known)

    if votes.num_models:
        yield votes
    spans = _missing(votes, num_models, blocks.models_per_block(task))
    if spans and file is not None:
        file.check(num_models)
    # Many blocks in hand keep busy the workers of an executor, which may be many and far away. Few blocks in hand let
    # this machine stop quickly.
    wanted, began = sum(stop - start for start, stop in spans), time.monotonic()
    _LOG.info("%s models of %s to train on %s, %s in hand", wanted, learner, dataset.name, votes.num_models)
    in_hand = 64 if executor else 2 * (os.cpu_count() or 1)
    with nullcontext(executor) if executor else thread_pool(device) as pool:
        try:
            for more in map_in_order(pool, partial(blocks.vote_in_block, task), spans, in_hand):
                votes = votes.merge(more)
                _LOG.debug("%s of %s models after %.1f s", votes.num_models, num_models, time.monotonic() - began)
                if file is not None:
                    file.save(votes, last=votes.num_models >= num_models)
                yield votes
        except BaseException as error:  # whatever ends a run early, its votes are kept
            if file is not None and votes.num_models:
                file.save(votes, last=True)
            if isinstance(error, (BrokenExecutor, CancelledError)):
                failed = f"the executor gave up ({' '.join(str(error).split()) or type(error).__name__})"
                again = "give one that works, and the run goes on from the votes that were kept with store=, or --out"
                raise InputError(failed, again) from error
            if isinstance(error, Exception) and "pickle" in str(error):  # of several types
                failed = f"other processes cannot be told what to compute ({first_line(error)})"
                place = "define the learner's functions and classes at the top of a module, not inside a function"
                raise InputError(failed, place) from error
            raise


def stream_together(streams: Sequence[Iterator[Votes]], num_models: int) -> Iterator[tuple[Votes, ...]]:
    """Grow ensembles side by side: yield the newest votes of each until all have ``num_models``.

    An ensemble that is complete, or whose stream has ended, waits for the others.
    """
    votes = tuple(next(stream) for stream in streams)
    yield votes
    while any(vote.num_models < num_models for vote in votes):
        votes = tuple(next(stream, vote) for stream, vote in zip(streams, votes, strict=True))
        yield votes


def _merge_or_larger(first: Votes, second: Votes) -> Votes:
    """Return both votes merged, or the votes of more models if some model has voted in both."""
    try:
        return first.merge(second)
    except InputError:
        if first.manifest != second.manifest:
            raise
        return max(first, second, key=lambda votes: votes.num_models)


def _missing(votes: Votes, num_models: int, block: int) -> list[blocks.Span]:
    """Return the spans of models that have yet to vote, each within one block."""
    wanted, at = [], 0
    for start, stop in (*votes.models, (num_models, num_models)):
        while at < min(start, num_models):
            end = min((at // block + 1) * block, start, num_models)
            wanted.append((at, end))
            at = end
        at = max(at, stop)
    return wanted
