"""Compute the panel of RAB: run the experiment with noise on the training pixels, and certify by two bounds."""

from dataclasses import dataclass

import numpy as np
import torch

from rsbd import bounds
from rsbd.attacks import Blend, Poisoning
from rsbd.certify import Certificate, radius
from rsbd.learners import HashedTestNoise
from rsbd.noises import Gaussian, Smoothing
from rsbd.panels.chart import radii_for
from rsbd.panels.controls import ALPHAS, MODELS, POISONED, SIGMA_BUYS, Slider, setting
from rsbd.panels.memory import ExperimentComputation
from rsbd.recipes.experiment import Experiment, Outcome
from rsbd.recipes.rab import BOUNDS, total
from rsbd.types import Floats, Points

_ANYTIME = {"anytime": bounds.anytime}  # the one bound that may be looked at while votes arrive


@dataclass(frozen=True)
class RabParams:
    """Settings of one attack and one defence.

    Attributes
    ----------
    sigma : float
        Standard deviation of the noise on the training pixels, in input units (pixels in [0, 1]).
    trigger : float
        L2 norm of the trigger in each poisoned image, in input units.
    poisoned : int
        Poisoned training images.
    num_models : int
        Members of the ensemble.
    alpha : float
        Failure probability of each certificate.
    """

    poisoned: int = setting(4, POISONED)
    sigma: float = setting(1.0, Slider("sigma", "sigma (pixel units)", 0.1, 4.0, 0.05, ends=SIGMA_BUYS))
    trigger: float = setting(1.0, Slider("trigger", "trigger (L2 norm)", 0.1, 8.0, 0.1))
    num_models: int = setting(1000, MODELS)
    alpha: float = setting(0.001, ALPHAS)


@dataclass(frozen=True)
class RabResult:
    """The certified accuracies by each bound, and what the attack did.

    Attributes
    ----------
    outcome : Outcome
        The experiment so far.
    rows, budget : int, float
        Poisoned rows ``m``, and the attack's total L2 length ``sqrt(m) * trigger``.
    images : tuple of array, (height, width) or (channels, height, width)
        A training image clean, with the trigger, and with trigger and noise as one model sees it.
    radii : array, (radii,)
        Total L2 lengths.
    curves : dict of array, (radii,)
        Certified accuracy at each radius by the name of the bound, for the ensemble trained on clean rows.
    at_attack : dict of float
        Certified accuracy at ``budget`` by the name of the bound.
    """

    params: RabParams
    outcome: Outcome
    rows: int
    budget: float
    images: tuple[Points, ...]
    radii: Floats
    curves: dict[str, Floats]
    at_attack: dict[str, float]

    @property
    def models(self) -> int:
        """The number of models of each ensemble that have voted."""
        return min(self.outcome.voted)


class RabComputation(ExperimentComputation[RabParams, RabResult]):
    """The panel's ``compute``."""

    def experiment(self, params: RabParams) -> Experiment:
        """Return the experiment that the sliders describe."""
        data, noise = self.dataset, Gaussian(params.sigma)
        poisoning = Poisoning(Blend(data.shape, params.trigger), self.target, params.poisoned / data.num_rows)
        learner = HashedTestNoise(self.learner, noise)
        run = (Smoothing(features=noise), learner, params.num_models, params.alpha, self.seed)
        return Experiment(data, poisoning, *run)

    def result(self, params: RabParams, outcome: Outcome) -> RabResult:
        """Certify the votes at hand by each bound."""
        y, rows = outcome.experiment.dataset.y_test, int(outcome.attack.mask.sum())
        proved = certificates(outcome, params)
        budget = float(total(params.trigger, rows)) if rows else 0.0
        radii = radii_for(np.concatenate([c.radius for c in proved.values()]), "L2")
        curves = {name: c.curve(y, radii) for name, c in proved.items()}
        at_attack = {name: c.accuracy(y, budget) for name, c in proved.items()}
        return RabResult(params, outcome, rows, budget, _images(outcome.experiment), radii, curves, at_attack)


def certificates(outcome: Outcome, params: RabParams) -> dict[str, Certificate]:
    """Certify the same votes by each bound of the recipe, or by an anytime-valid one before all models have voted."""
    smoothing, counts = outcome.experiment.smoothing, outcome.votes.counts
    chosen = BOUNDS if outcome.final else _ANYTIME
    many = counts.shape[1] > 2
    return {name: radius(bound(counts, params.alpha, runner_up=many), smoothing) for name, bound in chosen.items()}


def _images(e: Experiment) -> tuple[Points, ...]:
    """Return one training image clean, with the trigger, and as one model sees it."""
    clean = e.dataset.x[np.flatnonzero(e.dataset.y != e.poisoning.target)[:1]]
    marked = e.poisoning.trigger(clean)
    assert e.smoothing.features is not None  # noqa: S101  (RAB has noise there)
    noised = e.smoothing.features.sample(torch.tensor(marked), torch.Generator().manual_seed(e.seed)).numpy()
    return clean[0], marked[0], noised[0]
