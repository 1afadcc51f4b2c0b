"""Previews of a panel: results so far are drawn now and then, until the final result is ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from rsbd.panels.engine import Cancel, Cancelled, OnProgress, Previews

_T = TypeVar("_T")
_R = TypeVar("_R")
FIRST_PREVIEW, NEXT_PREVIEW = 0.12, 0.2  # seconds; a final picture that is ready earlier needs no preview


def show_previews(
    steps: Iterable[tuple[_T, tuple[int, ...]]],
    total: int,
    cancel: Cancel,
    progress: OnProgress,
    found: Callable[[_T], _R],
) -> Previews[_R]:
    """Yield a preview now and then while results arrive; return the final result.

    Parameters
    ----------
    steps : iterable of (step, counts)
        The results so far, with the number of parts that are done of each, such as the models of each ensemble.
    total : int
        The number of parts of each at the end.
    cancel, progress : callable
        The arguments of the panel's ``compute``.
    found : callable
        ``found(step)`` returns the panel's result.
    """
    due = time.monotonic() + FIRST_PREVIEW
    for step, counts in steps:
        if cancel():
            raise Cancelled
        progress(sum(counts), len(counts) * total)
        if min(counts) >= total:
            break
        if time.monotonic() >= due and min(counts) > 0:
            yield found(step)
            due = time.monotonic() + NEXT_PREVIEW
    return found(step)
