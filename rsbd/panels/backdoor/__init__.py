"""The main panel: plant a backdoor, smooth the pipeline, certify it, and watch the result."""

from typing import Any

from rsbd.data import Dataset
from rsbd.learners import Learner, Linear
from rsbd.panels.backdoor.compute import MOST_POISONED, BackdoorComputation, BackdoorParams, BackdoorResult
from rsbd.panels.backdoor.draw import draw_backdoor, draw_compact_backdoor
from rsbd.panels.controls import controls_of
from rsbd.panels.panel import Panel, count_poisoned, first_params, image_dataset
from rsbd.panels.runners import Runner

_COMPACT = ("poisoned", "trigger_pixels", "keep")


def backdoor(
    dataset: Dataset | str | None = None,
    *,
    target: int | str = 1,
    learner: Learner | None = None,
    compact: bool = False,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[BackdoorParams, BackdoorResult]:
    """Return the live panel of a backdoor attack and its certificate.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images with levels; a name is loaded in its binary view. The digits 0 and 1 unless given.
    target : int or str
        Class that the attacker wants; the second one unless given.
    learner : Learner, optional
        Base learner of the defence; :class:`~rsbd.learners.linear.linear.Linear` unless given.
    compact : bool
        Fewer controls and no map, for a first look.
    seed : int
        Seed of the attack and of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.backdoor.compute.BackdoorParams`:
        ``keep``, ``trigger_pixels``, ``poisoned``, ``num_models``, ``alpha``, ``noise``, ... A share
        ``poison_rate`` may stand in place of the number ``poisoned``; 0.05 unless given.

    Raises
    ------
    InputError
        If the inputs are not images with levels, the target is not a class, or a setting is out of range.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = backdoor(num_models=100, poison_rate=0.02, runner=SyncRunner())
    >>> panel.wait()
    >>> panel.params.poisoned, panel.sentence[5:45]
    (4, 'of test images are proved to stay right ')
    """
    data = image_dataset(dataset, "binary", lambda levels: levels is not None, classes=(0, 1))
    settings, slider = count_poisoned(settings, data, "poison_rate", 0.05, MOST_POISONED)
    compute = BackdoorComputation(data, data.label(target), learner or Linear(), seed)
    controls = controls_of(BackdoorParams, poisoned=slider)
    controls = [control for control in controls if not compact or control.name in _COMPACT]
    draw = draw_compact_backdoor if compact else draw_backdoor
    return Panel(first_params(BackdoorParams, settings), controls, compute, draw, runner)
