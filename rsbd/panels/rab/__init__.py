"""The panel of RAB: noise on the training pixels, an attack of a given length, and two bounds on the same votes."""

from typing import Any

from rsbd.data import Dataset
from rsbd.learners import LDA, Learner
from rsbd.panels.panel import Panel, count_poisoned, image_dataset
from rsbd.panels.rab.compute import RabComputation, RabParams, RabResult
from rsbd.panels.rab.draw import draw_rab
from rsbd.panels.runners import Runner


def rab(
    dataset: Dataset | str | None = None,
    *,
    target: int | str = 0,
    learner: Learner | None = None,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[RabParams, RabResult]:
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
        Seed of the attack and of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.rab.compute.RabParams`:
        ``sigma``, ``trigger``, ``poisoned``, ``num_models``, ``alpha``. A share ``poison_rate`` may stand in place of
        the number ``poisoned``; 0.02 unless given.

    Raises
    ------
    InputError
        If the inputs are not gray images, the target is not a class, or a setting is out of range.

    References
    ----------
    Weber, Xu, Karlaš, Zhang, Li, "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023, theorem 1,
    corollary 1.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = rab(num_models=100, runner=SyncRunner())
    >>> panel.wait()
    >>> panel.sentence[:29]
    'Nothing is proved against any'
    """
    data = image_dataset(dataset, "unit", lambda levels: levels != 2, classes=(0, 1))
    compute = RabComputation(data, data.label(target), learner or LDA(), seed)
    settings, slider = count_poisoned(settings, data, "poison_rate", 0.02, 0.2)
    return Panel.of(RabParams, settings, compute, draw_rab, runner, poisoned=slider)
