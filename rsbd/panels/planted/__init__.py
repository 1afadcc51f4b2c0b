"""The panel of the planted attack: bags hide the poisoned images, and only votes count that no patch moves."""

from typing import Any

from rsbd.data import Dataset
from rsbd.evasion import AnyPatch
from rsbd.learners import RobustLinear
from rsbd.panels.panel import Panel, count_poisoned, image_dataset
from rsbd.panels.planted.compute import LARGEST, PlantedComputation, PlantedParams, PlantedResult
from rsbd.panels.planted.draw import draw_planted
from rsbd.panels.runners import Runner


def planted(
    dataset: Dataset | str | None = None, *, seed: int = 0, runner: Runner | None = None, **settings: Any
) -> Panel[PlantedParams, PlantedResult]:
    """Return the live panel that certifies an attack with a patch: poisoned training images, and a test image with it.

    It is the certificate of :func:`rsbd.recipes.pecan` with bags of a few images of each class. Moving the attack
    trains nothing.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images; a name is loaded. The digits 0 and 1 unless given.
    seed : int
        Seed of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.planted.compute.PlantedParams`: ``poisoned`` (or ``poison_rate``, a
        share: 5 % unless given), ``side``, ``each``, ``num_models``, ``point``, ``wanted``.

    Raises
    ------
    InputError
        If the inputs are not images, or a setting is out of range.

    References
    ----------
    As in :func:`rsbd.recipes.pecan`.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = planted(num_models=300, runner=SyncRunner())
    >>> panel.sentence[:75]
    'With 300 models, each trained on 1 image of each class: 90 % of the test im'
    """
    data = image_dataset(dataset, classes=(0, 1))
    patches = tuple(map(AnyPatch, range(1, min(LARGEST, *data.shape[-2:]) + 1)))
    compute = PlantedComputation(data, RobustLinear(), seed, triggers=patches)
    settings, slider = count_poisoned(settings, data, "poison_rate", 0.05, 0.2)
    own = {"poisoned": slider, "side": {"high": len(patches)}, "point": {"high": data.num_points - 1}}
    return Panel.of(PlantedParams, settings, compute, draw_planted, runner, **own)
