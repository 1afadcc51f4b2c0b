"""The main panel: plant a backdoor, smooth the pipeline, certify it, see it live."""

from __future__ import annotations

from typing import Any

from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import Learner
from rsbd.learners.linear.linear import Linear
from rsbd.panels.backdoor.compute import Bench
from rsbd.panels.backdoor.draw import render, render_compact
from rsbd.panels.backdoor.params import COMPACT, FULL, Found, Params, visible
from rsbd.panels.engine import Runner
from rsbd.panels.inputs import first_params, image_dataset
from rsbd.panels.panel import Panel


def backdoor(
    dataset: Dataset | str | None = None,
    *,
    target: int | str = 0,
    learner: Learner | None = None,
    compact: bool = False,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[Params, Found]:
    """Return the live panel of a backdoor attack and its certificate.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images; a name is loaded in its binary view. The digits 1 and 7 unless given.
    target : int or str
        Class that the attacker wants.
    learner : Learner, optional
        Base learner of the defence; :class:`~rsbd.learners.linear.linear.Linear` unless given.
    compact : bool
        Fewer controls and no map: for a first look.
    seed : int
        Of the attack and of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.backdoor.params.Params`: ``keep``, ``trigger_pixels``,
        ``poison_rate``, ``num_models``, ``alpha``, ``noise``, ...

    Raises
    ------
    InputError
        If the inputs are no images, the target is no class, or a setting is out of range.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = backdoor(num_models=100, poison_rate=0.02, runner=SyncRunner())
    >>> panel.wait()
    >>> panel.sentence[:30]
    'With 100 models and keep 0.8: '
    """
    data = image_dataset(dataset, classes=(1, 7))
    params = first_params(Params, settings)
    if data.values is None and params.noise != "gaussian":
        raise InputError(f"{data.name} is continuous", "load its binary view, or give noise='gaussian'")
    bench = Bench(data, data.label(target), learner or Linear(), seed)
    controls = COMPACT if compact else FULL
    return Panel(params, controls, bench, render_compact if compact else render, runner, visible)
