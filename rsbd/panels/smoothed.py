"""The panel of any noise: one slider for its setting, and what an ensemble under it certifies."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import numpy as np

from rsbd import bounds
from rsbd.certify import Certificate, radius
from rsbd.data import Dataset, load
from rsbd.ensemble import Votes
from rsbd.learners import Learner, Linear
from rsbd.noises.smoothing import WHERE, Smoothing
from rsbd.panels import svg
from rsbd.panels.chart import Chart, half_certified, radii_for
from rsbd.panels.controls import ALPHAS, MODELS, Slider
from rsbd.panels.memory import EnsembleComputation
from rsbd.panels.panel import Panel, Runner
from rsbd.plots import COUNTED
from rsbd.words import phrases_of, state

_say = phrases_of(__file__)


@dataclass(frozen=True)
class SmoothedParams:
    """The noise's setting, the number of models, and the failure probability of each certificate."""

    setting: float
    num_models: int = 500
    alpha: float = 0.001


SmoothedResult: TypeAlias = tuple[SmoothedParams, Votes, Certificate]


@dataclass(frozen=True, eq=False)
class SmoothedComputation(EnsembleComputation[SmoothedParams, SmoothedResult]):
    """The panel's ``compute``."""

    noise_of: Callable[[float], Smoothing] = field(kw_only=True)

    def smoothing(self, params: SmoothedParams) -> Smoothing:
        """Return the noise at the setting of the slider."""
        return self.noise_of(params.setting)

    def name(self, params: SmoothedParams) -> float:
        """Return the setting."""
        return params.setting

    def result(self, params: SmoothedParams, smoothing: Smoothing, votes: Votes) -> SmoothedResult:
        """Certify the votes at hand; before all models have voted, by anytime-valid bounds."""
        bound = bounds.simultaneous if votes.num_models == params.num_models else bounds.anytime
        evidence, slots = bound(votes.counts, params.alpha), smoothing.radius_slots
        return params, votes, radius(evidence, smoothing, slots, None, self.dataset.num_rows)


def draw_smoothed(label: str, data: Dataset, found: SmoothedResult) -> svg.Picture:
    """Draw the curve, and say in words what is right and what is certified."""
    params, votes, proof = found
    counted, where = proof.norm in COUNTED, " and ".join(WHERE.get(slot, slot) for slot in proof.slots)
    radii = radii_for(proof.radius, "L0" if counted else proof.norm)
    curve, right = proof.curve(data.y_test, radii), float(np.mean(votes.label == data.y_test))
    step = 1.0 if counted else half_certified(radii, curve)[0]
    share, kind = proof.accuracy(data.y_test, step), "rows" if proof.norm == "rows" else "size"
    models, size = f"{votes.num_models:,} models", {"norm": proof.norm, "where": where, "step": step}
    words = size | {"right": right, "share": share, "p": params, "setting": f"{label} {params.setting:g}"}
    xlabel, change = _say(f"{kind}_axis", **size), _say(kind, **size)
    chart = Chart.of_shares((78, 60, 580, 400), (0, float(radii[-1])), "certified accuracy", xlabel)
    drawn = (chart.step if counted else chart.line)(radii, curve, svg.BLUE)
    sentence = _say("proved" if share else "nothing", models=models, change=change, **words)
    alt = _say("alt", data=data.name, state=state(votes.num_models, params.num_models), **words)
    return svg.Picture(svg.document(600, 460, [chart.filled(drawn)]), alt, sentence, models)


def smoothed(
    noise_of: Callable[[float], Smoothing],
    control: Slider,
    dataset: Dataset | None = None,
    *,
    start: float | None = None,
    learner: Learner | None = None,
    seed: int = 0,
    runner: Runner | None = None,
) -> Panel[SmoothedParams, SmoothedResult]:
    """Return a live panel of any noise that has one number to move: your own, in one line.

    Parameters
    ----------
    noise_of : callable
        From the number to the noise in each slot.
    control : Slider
        Its range and label, with the unit; its name is ``"setting"``.
    dataset : Dataset, optional
        The digits 0 and 1 in their binary view unless given.
    start : float, optional
        First value; the middle of the slider unless given.
    learner, seed, runner
        As for :func:`rsbd.panels.backdoor`.

    Examples
    --------
    >>> from rsbd.noises import Gaussian
    >>> from rsbd.panels import Slider, SyncRunner
    >>> sigma = Slider("setting", "sigma (pixel units)", 0.1, 2.0, 0.1)
    >>> panel = smoothed(lambda s: Smoothing(test=Gaussian(s)), sigma, start=0.5, runner=SyncRunner())
    >>> panel.sentence[:45]
    'With 500 models and sigma (pixel units) 0.5, '
    """
    data = load("digits", classes=(0, 1)) if dataset is None else dataset
    compute = SmoothedComputation(data, learner or Linear(), seed, noise_of=noise_of)
    first = SmoothedParams(control.nearest((control.low + control.high) / 2) if start is None else start)
    return Panel(first, (control, MODELS, ALPHAS), compute, partial(draw_smoothed, control.label, data), runner)
