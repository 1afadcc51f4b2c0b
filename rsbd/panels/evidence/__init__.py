"""The panel of evidence: what votes prove, against what an attack can make of it."""

from typing import Any

from rsbd.data import Dataset
from rsbd.learners import Learner, Linear
from rsbd.panels.evidence.compute import EvidenceComputation, EvidenceParams, EvidenceResult
from rsbd.panels.evidence.draw import draw_evidence
from rsbd.panels.panel import Panel, image_dataset
from rsbd.panels.runners import Runner


def evidence(
    dataset: Dataset | str | None = None,
    *,
    learner: Learner | None = None,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[EvidenceParams, EvidenceResult]:
    """Return the live panel of misses and limits: more models lower the misses, more noise raises the limits.

    A prediction is certified at a radius if its miss, which the votes bound, is below the limit of that radius, which
    the noise sets. The votes for one image can be watched as the models are trained.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images in their binary view; a name is loaded. The digits 0 and 1 unless given.
    learner : Learner, optional
        Base learner; :class:`~rsbd.learners.linear.linear.Linear` unless given.
    seed : int
        Seed of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.evidence.compute.EvidenceParams`:
        ``keep``, ``num_models``, ``alpha``, ``point``, ``step``.

    Raises
    ------
    InputError
        If the inputs are not images with levels, or a setting is out of range.

    References
    ----------
    Wang, Cao, Jia, Gong, "On Certifying Robustness against Backdoor Attacks via Randomized Smoothing", 2020.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = evidence(num_models=300, runner=SyncRunner())
    >>> panel.sentence[5:44]
    'of test images are proved to stay right'
    """
    data = image_dataset(dataset, "binary", lambda levels: levels is not None, classes=(0, 1))
    compute, last = EvidenceComputation(data, learner or Linear(), seed), data.num_points - 1
    settings = {"point": min(EvidenceParams.point, last)} | settings
    return Panel.of(EvidenceParams, settings, compute, draw_evidence, runner, point={"high": last})
