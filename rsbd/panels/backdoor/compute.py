"""Compute the main panel: run the experiment that the sliders describe, and train only the models that are new."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from rsbd.attacks import BadPatch, Poisoning
from rsbd.data import Dataset
from rsbd.noises import Smoothing
from rsbd.panels.chart import radii_for
from rsbd.panels.controls import ALPHAS, MODELS, POISONED, SIGMA_BUYS, CheckedParams, Choice, Slider, setting
from rsbd.panels.memory import ExperimentComputation
from rsbd.recipes.experiment import Experiment, Outcome
from rsbd.recipes.report import Report, report
from rsbd.types import AnyFloats, Floats
from rsbd.words import options_of

MAP_ROWS = (0, 1, 2, 3, 5, 10, 20, 50, 100)
MOST_POISONED = 0.1  # share of the training images
MAP_PIXELS = (1, 2, 3, 4, 6, 9, 16, 25)


@dataclass(frozen=True)
class BackdoorParams(CheckedParams):
    """One attack and one defence.

    Attributes
    ----------
    noise : {"tied", "slots", "gaussian"}
        One ``keep`` for training features, training labels and test input; one for each; or Gaussian noise
        on training features and test input, with ``keep_labels`` for the labels.
    keep, keep_features, keep_labels, keep_test : float in [0, 1]
        Probability that a pixel or a label keeps its value.
    sigma : float
        Standard deviation in input units, pixels in [0, 1].
    trigger_pixels : int
        Pixels of the trigger: a white square in a corner, filled row by row.
    poisoned : int
        Poisoned training images.
    num_models : int
        Members of the ensemble.
    alpha : float
        Failure probability of each certificate.
    """

    poisoned: int = setting(10, POISONED)
    noise: str = setting("tied", Choice("noise", "noise", options_of(__file__, "noises")))
    keep: float = setting(0.8, Slider.of_keep("keep", "keep"), noise=("tied",))
    keep_features: float = setting(0.85, Slider.of_keep("keep_features", "keep (training pixels)"), noise=("slots",))
    keep_labels: float = setting(
        0.8, Slider.of_keep("keep_labels", "keep (training labels)", 0.1), noise=("slots", "gaussian")
    )
    keep_test: float = setting(0.85, Slider.of_keep("keep_test", "keep (test image)"), noise=("slots",))
    sigma: float = setting(
        0.5, Slider("sigma", "sigma (pixel units)", 0.05, 3.0, 0.05, ends=SIGMA_BUYS), noise=("gaussian",)
    )
    trigger_pixels: int = setting(9, Slider("trigger_pixels", "trigger (pixels)", 1, 25, 1))
    num_models: int = setting(1000, MODELS)
    alpha: float = setting(0.001, ALPHAS)

    def smoothing(self, data: Dataset) -> Smoothing:
        """Return the noise that the sliders describe."""
        if self.noise == "gaussian":
            return Smoothing.gaussian(data, self.sigma, labels=self.keep_labels)
        if self.noise == "tied":
            return Smoothing.flips(data, self.keep)
        return Smoothing.flips(data, features=self.keep_features, labels=self.keep_labels, test=self.keep_test)


class LabelledImages(NamedTuple):
    """Images with the names of their classes; (images, height, width) or (images, channels, height, width)."""

    images: AnyFloats
    labels: tuple[str, ...]


@dataclass(frozen=True)
class BackdoorResult:
    """What the experiment found, and the curve and the images of the picture.

    Attributes
    ----------
    images : tuple of LabelledImages
        Some training images: as they were, with the trigger, and as one model sees them.
    report : Report
        The experiment's outcome so far, with its certificates.
    radii, accuracies : array, (radii,)
        Certified accuracy at each radius, for the ensemble trained on clean rows.
    """

    params: BackdoorParams
    images: tuple[LabelledImages, ...]
    report: Report
    radii: Floats
    accuracies: Floats

    @property
    def models(self) -> int:
        """The number of models of each ensemble that have voted."""
        return min(self.report.outcome.voted)


class BackdoorComputation(ExperimentComputation[BackdoorParams, BackdoorResult]):
    """The panel's ``compute``."""

    def experiment(self, params: BackdoorParams) -> Experiment:
        """Return the experiment that the sliders describe."""
        trigger = BadPatch(math.ceil(math.sqrt(params.trigger_pixels)), pixels=params.trigger_pixels)
        poisoning = Poisoning(trigger, self.target, params.poisoned / self.dataset.num_rows)
        run = (params.smoothing(self.dataset), self.learner, params.num_models, params.alpha, self.seed)
        return Experiment(self.dataset, poisoning, *run)

    def result(self, params: BackdoorParams, outcome: Outcome) -> BackdoorResult:
        """Certify the votes at hand; before all models have voted, by anytime-valid bounds."""
        e, data = outcome.experiment, outcome.experiment.dataset
        sizes = np.array(MAP_PIXELS, dtype=float) * data.channels
        found = report(outcome, MAP_ROWS, (np.sqrt(sizes) if e.smoothing.trigger_norm == "L2" else sizes).tolist())
        radii = radii_for(found.certificate.radius, found.certificate.norm)
        return BackdoorResult(params, _images(outcome), found, radii, found.certificate.curve(data.y_test, radii))


def _images(outcome: Outcome) -> tuple[LabelledImages, ...]:
    """Return three training images before the attack, after it, and with noise; poisoned ones if there are any."""
    e, data, poisoned = outcome.experiment, outcome.experiment.dataset, outcome.attack.dataset
    others = np.flatnonzero(data.y != data.label(e.poisoning.target))
    rows = np.concatenate([np.flatnonzero(outcome.attack.mask), others])[:3]
    x, y = torch.tensor(poisoned.x[rows]), torch.tensor(poisoned.y[rows])
    stream = torch.Generator().manual_seed(e.seed)
    noised_y = y if e.smoothing.labels is None else e.smoothing.labels.sample(y, stream)
    noised_x = x if e.smoothing.features is None else e.smoothing.features.sample(x, stream)
    groups = (data.x[rows], data.y[rows]), (x.numpy(), y.numpy()), (noised_x.numpy(), noised_y.numpy())
    return tuple(LabelledImages(x, tuple(data.classes[i] for i in y)) for x, y in groups)
