"""The panel of backdoor attacks alone: choose a trigger, poison, train again, and see what accuracy does not show."""

from typing import Any

from rsbd.data import Dataset
from rsbd.panels.attack.compute import HIGHEST_RATE, AttackComputation, AttackParams, AttackResult
from rsbd.panels.attack.draw import draw_attack
from rsbd.panels.panel import Panel, count_poisoned, image_dataset
from rsbd.panels.runners import Runner


def attack(
    dataset: Dataset | str | None = None, *, seed: int = 0, runner: Runner | None = None, **settings: Any
) -> Panel[AttackParams, AttackResult]:
    """Return a live panel in which each move poisons the images and trains new classifiers on them.

    The classifier is the undefended one of :func:`rsbd.learners.undefended.predict_undefended`, regularised least
    squares: it learns in milliseconds, and its weights can be shown as an image.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images with continuous pixels; a name is loaded in its ``unit`` view. All ten digits unless given.
    seed : int
        Seed of the trigger's pixels and of the choice of the images that are poisoned.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.attack.compute.AttackParams`:
        ``kind``, ``pixels``, ``strength``, ``poisoned``, ``target``, ``relabel``. A share ``rate`` may stand in place
        of the number ``poisoned``; 0.02 unless given.

    Raises
    ------
    InputError
        If the inputs are not images, or have levels that a faint trigger would leave, or a setting is out of range.

    References
    ----------
    Gu, Dolan-Gavitt, Garg, "BadNets", 2017 (patches, dirty label); Chen et al., "Targeted Backdoor Attacks on Deep
    Learning Systems Using Data Poisoning", 2017 (patterns); Turner, Tsipras, Madry, "Label-Consistent Backdoor
    Attacks", 2019 (clean label).

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = attack(pixels=4, runner=SyncRunner())
    >>> panel.sentence[:56]
    '20 of 1,000 training images carry a white patch (4 pixel'
    """
    data = image_dataset(dataset, "unit", lambda levels: levels is None)  # a faint trigger would leave levels
    if "target" in settings:
        settings["target"] = data.label(settings["target"])
    settings, slider = count_poisoned(settings, data, "rate", 0.02, HIGHEST_RATE)
    targets = tuple((f"\u201c{name}\u201d", label) for label, name in enumerate(data.classes))
    own, compute = {"poisoned": slider, "target": {"options": targets}}, AttackComputation(data, seed)
    return Panel.of(AttackParams, settings, compute, draw_attack, runner, **own)
