"""The panel of RAB."""

from __future__ import annotations

from typing import Any

from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import LDA, Learner
from rsbd.panels.engine import Runner
from rsbd.panels.inputs import first_params, image_dataset
from rsbd.panels.panel import Panel
from rsbd.panels.rab.compute import Bench
from rsbd.panels.rab.draw import render
from rsbd.panels.rab.params import CONTROLS, Found, Params


def rab(
    dataset: Dataset | str | None = None,
    *,
    target: int | str = 0,
    learner: Learner | None = None,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[Params, Found]:
    """Return the live panel of RAB: noise on training pixels against an attack of a given length.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Gray images, not in their binary view; a name is loaded in its unit view. The digits 0 and 1 unless given.
    target : int or str
        Class that the attacker wants.
    learner : Learner, optional
        Base learner; :class:`~rsbd.learners.discriminant.lda.LDA` unless given.
    seed : int
        Of the attack and of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.rab.params.Params`: ``sigma``, ``trigger``, ``poison_rate``,
        ``num_models``, ``alpha``.

    Raises
    ------
    InputError
        If the inputs are no gray images, the target is no class, or a setting is out of range.

    References
    ----------
    Weber, Xu, Karlaš, Zhang, Li, "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023, theorem 1,
    corollary 1.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = rab(num_models=100, runner=SyncRunner())
    >>> panel.wait()
    >>> panel.sentence[:30]
    'With 100 models and sigma 0.5,'
    """
    data = image_dataset(dataset, "unit", classes=(0, 1))
    if data.values == 2:
        raise InputError(
            f"{data.name} has {data.values} values", "give gray images, such as rsbd.load('digits', view='unit')"
        )
    bench = Bench(data, data.label(target), learner or LDA(), seed)
    return Panel(first_params(Params, settings), CONTROLS, bench, render, runner)
