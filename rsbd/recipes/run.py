"""The settings of an ensemble and of its bounds that recipes share."""

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from threading import Event
from typing import Any, TypedDict

from rsbd.bounds import over_points
from rsbd.ensemble import Votes
from rsbd.learners import Learner


class LocalRun(TypedDict, total=False):
    """Settings of models on this machine and of their bounds, by name; :func:`rsbd.recipes.wang` says what each is."""

    learner: Learner | None
    alpha: float
    points: str
    seed: int
    device: str


class Run(LocalRun, total=False):
    """Settings of an ensemble and of its bounds."""

    num_models: int
    executor: Executor | None
    progress: Callable[[Votes], None] | None
    cancel: Event | None
    resume: Votes | None
    store: str | Path | None


def split_run(run: LocalRun, learner: Learner) -> tuple[Learner, dict[str, Any], dict[str, Any]]:
    """Return the learner, the other settings of the models, and those of the bounds: alpha and points.

    Parameters
    ----------
    run : LocalRun or Run
        The settings that were given.
    learner : Learner
        The base learner unless another one is given.

    Raises
    ------
    InputError
        ``alpha`` or ``points`` cannot be used.

    Examples
    --------
    >>> from rsbd.learners import LDA
    >>> split_run({"alpha": 0.01, "seed": 3}, LDA())
    (LDA(), {'seed': 3}, {'alpha': 0.01, 'points': 'each'})
    """
    settings: dict[str, Any] = {**run}
    level = {"alpha": settings.pop("alpha", 0.001), "points": settings.pop("points", "each")}
    over_points(level["alpha"], 1, level["points"])  # raises before any model is trained
    return settings.pop("learner", None) or learner, settings, level
