"""The panel of label flips: certificates without sampling, and attacks that are really carried out."""

from typing import Any

from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.panels.label_flips.compute import LabelFlipsComputation, LabelFlipsParams, LabelFlipsResult
from rsbd.panels.label_flips.draw import draw_label_flips
from rsbd.panels.panel import Panel, image_dataset
from rsbd.panels.runners import Runner


def label_flips(
    dataset: Dataset | None = None, *, runner: Runner | None = None, **settings: Any
) -> Panel[LabelFlipsParams, LabelFlipsResult]:
    """Return the live panel of label-flip attacks on least squares and of what is certified against them.

    Parameters
    ----------
    dataset : Dataset, optional
        Images of two classes; the digits 0 and 1 unless given.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.label_flips.compute.LabelFlipsParams`: ``keep``, ``penalty``, ``flips``.

    Raises
    ------
    InputError
        If the inputs are not images of two classes, or a setting is out of range.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = label_flips(keep=0.9, runner=SyncRunner())
    >>> panel.sentence[:76]
    'Against any 10 flipped training labels, 74 % of test images are proved right'
    """
    data = image_dataset(dataset, "unit", classes=(0, 1))
    if data.num_classes != 2:
        raise InputError(
            f"{data.name} has {data.num_classes} classes",
            "this panel shows images of two classes, such as load('digits', classes=(0, 1))",
        )
    most = max(10, data.num_rows // 50 * 10)
    compute = LabelFlipsComputation(data, most)
    return Panel.of(LabelFlipsParams, settings, compute, draw_label_flips, runner, flips={"high": most})
