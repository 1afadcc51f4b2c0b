"""Ensembles that grow while a reader watches, from the votes that are known already."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TypeVar

from rsbd.ensemble.votes import Votes
from rsbd.panels.engine import Cancel, Cancelled, Progress

R = TypeVar("R")
FIRST_PREVIEW, NEXT_PREVIEW = 0.12, 0.2  # seconds: quicker than that, the final picture is preview enough


def grow(known: dict[int, Votes], num_models: int, train: Callable[[Votes | None], Iterator[Votes]]) -> Iterator[Votes]:
    """Yield votes up to ``num_models``, training only the models that have not voted, and keep the last ones.

    Parameters
    ----------
    known : dict
        Votes of the same experiment by their number of models; the finished ones are added.
    num_models : int
        Where to stop.
    train : callable
        ``train(resume)`` yields the votes so far, as :func:`rsbd.ensemble.stream` does.
    """
    if num_models in known:
        yield known[num_models]
        return
    # Votes of code without a name cannot be resumed: its models are trained anew.
    fewer = [n for n, votes in known.items() if n < num_models and "unnamed" not in votes.manifest]
    resume = known[max(fewer)] if fewer else None
    if resume is not None:
        yield resume
    for votes in train(resume):
        if votes.num_models == num_models:
            known[num_models] = votes
        yield votes


def watch(
    growing: Iterable[tuple[Votes, ...]], num_models: int, cancel: Cancel, progress: Progress, found: Callable[..., R]
) -> Generator[R, None, R]:
    """Yield a preview now and then while ensembles grow side by side; return the final result.

    Parameters
    ----------
    growing : iterable of tuple of Votes
        The votes so far of each ensemble.
    num_models : int
        How many models each ensemble grows to.
    cancel, progress : callable
        As the panel's ``compute`` gets them.
    found : callable
        ``found(*votes)`` makes of the votes at hand what a picture is drawn from.
    """
    due = time.monotonic() + FIRST_PREVIEW
    for votes in growing:
        if cancel():
            raise Cancelled
        voted = [one.num_models for one in votes]
        progress(sum(voted), len(voted) * num_models)
        if min(voted) == num_models:
            break
        if time.monotonic() >= due and min(voted) > 0:
            yield found(*votes)
            due = time.monotonic() + NEXT_PREVIEW
    return found(*votes)
