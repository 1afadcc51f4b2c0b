"""The panel of any noise: one slider for its setting, and what an ensemble under it certifies."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from rsbd import bounds
from rsbd.certify import Certificate, radius
from rsbd.data import Dataset, load
from rsbd.ensemble import Votes
from rsbd.learners import Learner, Linear
from rsbd.noises.smoothing import WHERE, Smoothing
from rsbd.panels import svg
from rsbd.panels.chart import Chart, bars, radii_for
from rsbd.panels.controls import ALPHAS, MODELS, Slider
from rsbd.panels.memory import EnsembleComputation
from rsbd.panels.panel import Panel
from rsbd.panels.runners import Runner
from rsbd.plots import COUNTED
from rsbd.words import count, percent, state


@dataclass(frozen=True)
class SmoothedParams:
    """The noise's setting, the number of models, and the failure probability of each certificate."""

    setting: float
    num_models: int = 500
    alpha: float = 0.001


@dataclass(frozen=True, eq=False)
class SmoothedResult:
    """The votes under the noise, and the certificate that they give."""

    params: SmoothedParams
    smoothing: Smoothing
    votes: Votes
    certificate: Certificate


@dataclass(frozen=True, eq=False)
class SmoothedComputation(EnsembleComputation[SmoothedParams, SmoothedResult]):
    """The panel's ``compute``; :meth:`draw` draws a result."""

    noise_of: Callable[[float], Smoothing] = field(kw_only=True)
    control: Slider = field(kw_only=True)

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
        return SmoothedResult(params, smoothing, votes, radius(evidence, smoothing, slots, None, self.dataset.num_rows))

    def draw(self, found: SmoothedResult) -> svg.Picture:
        """Draw the curve, one training input as a model sees it, and two shares; say the same in words."""
        params, proof, y = found.params, found.certificate, self.dataset.y_test
        counted = proof.norm in COUNTED
        radii = radii_for(proof.radius, "L0" if counted else proof.norm)
        curve, clean = proof.curve(y, radii), float(np.mean(found.votes.label == y))
        half = float(max(radii[curve >= 0.5], default=0.0))
        step = 1.0 if counted else half or float(radii[1])
        where = " and ".join(WHERE.get(slot, slot) for slot in proof.slots)
        xlabel = f"{proof.norm} radius ({where})"
        change = f"change of {proof.norm} size up to {step:.3g} of {where}"
        if proof.norm == "rows":
            xlabel = "certified radius (training rows)"
            change = f"change, insertion or removal of up to {count(step, 'training row')}"
        box, end, title = (78, 70, 434, 400), float(radii[-1]), "certified accuracy"
        chart = Chart(box, (0, end), (0, 1.04), title, xlabel, yformat=percent)
        draw = chart.step if counted else chart.line
        shares = (clean, float(proof.accuracy(y, step)))
        names = ("right", f"certified at {step:.3g}")
        figures = bars((630, 290, 895, 400), names, shares, (svg.ORANGE, svg.BLUE))
        parts = [chart.filled(draw(radii, curve, svg.BLUE)), self._seen(found), figures]
        setting, models = f"{self.control.label} {params.setting:g}", f"{found.votes.num_models:,} models"
        shown = state(found.votes.num_models, params.num_models)
        alt = (
            f"{self.dataset.name} under {setting}, {params.num_models} models, alpha {params.alpha:g}. Right "
            f"{percent(clean)}, certified at {proof.norm} radius {step:.3g} {percent(shares[1])}, half of the points "
            f"up to {half:.3g} {shown}"
        )
        proved = f"{percent(shares[1])} are proved to stay right: no {change} alters the prediction"
        proved = proved if shares[1] else f"Against a {change} nothing is proved"
        sentence = (
            f"With {models} and {setting}, {percent(clean)} of test inputs are classified correctly. "
            f"{proved} (alpha = {params.alpha:g} for each)."
        )
        return svg.Picture(svg.halves(*parts, height=456), alt, sentence, models)

    def _seen(self, found: SmoothedResult) -> str:
        noise, x = found.smoothing.features, torch.tensor(self.dataset.x[:1]).flatten(1)
        if noise is None or len(self.dataset.shape) < 2:
            return ""
        seen = noise.sample(x, torch.Generator().manual_seed(self.seed)).view(self.dataset.shape).numpy()
        title = svg.text(476, 50, "a training input, and its noised copy", weight=600)
        return title + svg.image(self.dataset.x[0], 476, 70, 150) + svg.image(seen, 646, 70, 150, svg.BLUE, 2)


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
    compute = SmoothedComputation(data, learner or Linear(), seed, noise_of=noise_of, control=control)
    middle = control.low + round((control.high - control.low) / control.step / 2) * control.step
    first = SmoothedParams(type(control.step)(middle if start is None else start))
    return Panel(first, (control, MODELS, ALPHAS), compute, compute.draw, runner)
