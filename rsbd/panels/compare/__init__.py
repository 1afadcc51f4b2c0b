"""The panel of comparison: one attacker, every method."""

from typing import Any

from rsbd.data import Dataset, load
from rsbd.learners import Learner, Linear
from rsbd.panels.compare.compute import TRIGGERS, CompareComputation, CompareParams, CompareResult
from rsbd.panels.compare.draw import draw_compare
from rsbd.panels.panel import Panel
from rsbd.panels.runners import Runner
from rsbd.recipes.contest.search import Trials


def compare(
    dataset: Dataset | str | None = None,
    *,
    num_models: int = 500,
    learner: Learner | None = None,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[CompareParams, CompareResult]:
    """Return the live panel of every method against one attacker.

    Each kind of attack trains its ensembles once; another attack of this kind then needs no training. Against each
    threat a method takes the best of a few noises, chosen on held-out training rows as in
    :func:`rsbd.recipes.contest.compare`.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Inputs in [0, 1], best in the unit view, in which a name is loaded. The digits 0 and 1 unless given.
    num_models : int
        Budget of each method.
    learner : Learner, optional
        Base learner of all methods; :class:`~rsbd.learners.linear.linear.Linear` unless given.
    seed : int
        Seed of the split and of the ensembles.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.compare.compute.CompareParams`:
        ``rows``, ``trigger``, ``relabel``, ``on_test``, ``every``.

    Raises
    ------
    InputError
        If the inputs leave [0, 1], or a setting is not known or out of range.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> data = load("digits", side=8, view="unit", classes=(0, 1), rows=60, points=30)
    >>> panel = compare(data, num_models=100, rows=5, trigger=0, on_test=False, runner=SyncRunner())
    >>> "Cohen et al.: cannot, the threat changes the training labels, where there is no noise" in panel.alt
    True
    """
    if not isinstance(dataset, Dataset):
        classes = (0, 1) if dataset is None else None
        dataset = load(dataset or "digits", view="unit", classes=classes)
    trials = Trials(dataset, 0.25, num_models, 0.001, "each", seed, learner or Linear(), {}, triggers=TRIGGERS)
    return Panel.of(CompareParams, settings, CompareComputation(trials), draw_compare, runner)
