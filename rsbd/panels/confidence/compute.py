"""Compute the panel of certified confidence: scores of noisy copies, and how far an attack can lower their average."""

from dataclasses import dataclass, field

import numpy as np

from rsbd.bounds import dkw
from rsbd.certify.confidence import RANGE, expected, from_mean, measured
from rsbd.data import Dataset
from rsbd.ensemble.one_model import FixedModel
from rsbd.learners import LDA, Learner
from rsbd.noises import Gaussian
from rsbd.panels.controls import SIGMA_BUYS, Choice, Slider, setting
from rsbd.panels.engine import Cancel, OnProgress, Previews, stop_if
from rsbd.panels.memory import Memo
from rsbd.types import AnyFloats, Ints

FURTHEST_RADIUS = 2.0  # L2 length at the end of the axis and of the slider
_MEASURES = (("score of the class", "score"), ("margin to the next class", "margin"))
_SELECTION = 100  # noisy copies that pick the class; other copies bound its confidence
_COPIES = (100, 300, 1000, 3000)  # numbers fixed beforehand, so that the band holds for a preview, too


@dataclass(frozen=True)
class ConfidenceParams:
    """Settings of one certificate.

    Attributes
    ----------
    sigma : float
        Standard deviation of the noise on the test image, in pixel units.
    radius : float
        L2 length of the attacker's change of the test image, in pixel units.
    measure : {"score", "margin"}
        Confidence in the class, or its lead over the next one.
    point : int
        Number of the test image.
    copies : int
        Number of noisy copies that bound the average.
    alpha : float
        Failure probability for each image.
    """

    sigma: float = setting(1.0, Slider("sigma", "sigma (pixel units)", 0.05, 2.0, 0.05, ends=SIGMA_BUYS))
    radius: float = setting(0.5, Slider("radius", "L2 radius", 0.0, FURTHEST_RADIUS, 0.01))
    measure: str = setting("score", Choice("measure", "confidence", _MEASURES))
    point: int = setting(0, Slider("point", "test image", 0, 0, 1))
    copies: int = setting(1000, Choice.of_numbers("copies", "noisy copies", *_COPIES))
    alpha: float = 0.001


@dataclass(frozen=True)
class ConfidenceResult:
    """Both bounds on the average confidence of one test image, and the distribution that they rest on.

    Attributes
    ----------
    copies : int
        Number of noisy copies that the bounds rest on: fewer than in ``params`` in a preview.
    label : int
        Predicted class of the image.
    noise : array
        One draw of the noise, which shows the image as the model sees it.
    average : float
        Average score over the copies.
    at, reached, lowered, pushed : array, (grid,)
        Scores; the share of copies with at least this score; this share less the band; this share after the attack.
    mean_kept : float
        The naive bound on the average, as a share of the range.
    radii, lower, naive : array, (radii,)
        Both bounds on the average score by radius, for this image.
    here : (float, float)
        Both bounds at the chosen radius.
    shares : (float, float)
        Share of test images that are right and certified at the chosen radius, by each bound.
    """

    params: ConfidenceParams
    copies: int
    dataset: Dataset
    label: int
    noise: AnyFloats
    average: float
    at: AnyFloats
    reached: AnyFloats
    lowered: AnyFloats
    pushed: AnyFloats
    mean_kept: float
    radii: AnyFloats
    lower: AnyFloats
    naive: AnyFloats
    here: tuple[float, float]
    shares: tuple[float, float]


@dataclass(frozen=True)
class ConfidenceComputation:
    """The panel's ``compute``: a new sigma or more copies sample, every other change only certifies."""

    dataset: Dataset
    learner: Learner = field(default_factory=LDA)
    seed: int = 0
    sampled: Memo = field(default_factory=lambda: Memo(4))  # some dozen MB each
    scored: Memo = field(default_factory=lambda: Memo(8))

    def __call__(self, params: ConfidenceParams, cancel: Cancel, progress: OnProgress) -> Previews[ConfidenceResult]:
        """Yield a preview from few copies if copies are missing; return the final result."""
        known = sum(map(len, self._sampled(params.sigma)[1])) - _SELECTION
        few = max((copies for copies in _COPIES if copies <= known), default=_COPIES[0])
        if max(known, few) < params.copies:
            yield self._certify(params, few, cancel, progress)
        return self._certify(params, params.copies, cancel, progress)

    def _certify(self, params: ConfidenceParams, copies: int, cancel: Cancel, progress: OnProgress) -> ConfidenceResult:
        data, measure, (low, high, top) = self.dataset, params.measure, RANGE[params.measure]

        def score() -> tuple[Ints, AnyFloats]:
            draws = self._draws(params.sigma, _SELECTION + copies, cancel, progress)
            label = draws[:_SELECTION].sum(axis=0).argmax(axis=1).astype(np.int64)
            return label, np.sort(measured(draws[_SELECTION:], label, measure))

        labels, scores = self.scored.get((params.sigma, copies, measure), score)
        noise = Gaussian(params.sigma)
        law, one = noise.shift(params.radius), scores[[params.point]]
        radii = np.linspace(0, FURTHEST_RADIUS, 81)
        laws = [noise.shift(radius) for radius in radii]
        right = labels == data.y_test
        whole = expected(scores, [law], params.alpha, low)[:, 0]
        alone = from_mean(scores, [law], params.alpha, low, high)[:, 0]
        at: AnyFloats = np.linspace(low, high, 201)
        reached = 1 - np.searchsorted(one[0], at) / copies
        lowered = np.maximum(reached - dkw(copies, params.alpha), 0)
        here = float(whole[params.point]), float(alone[params.point])
        return ConfidenceResult(
            params=params,
            copies=copies,
            dataset=data,
            label=int(labels[params.point]),
            noise=np.random.default_rng(self.seed).normal(0, params.sigma, data.shape),
            average=float(one.mean()),
            at=at,
            reached=reached,
            lowered=lowered,
            pushed=law.lower(lowered),
            mean_kept=(here[1] - low) / (high - low),
            radii=radii,
            lower=expected(one, laws, params.alpha, low)[0],
            naive=from_mean(one, laws, params.alpha, low, high)[0],
            here=here,
            shares=(float(np.mean((whole > top) & right)), float(np.mean((alone > top) & right))),
        )

    def _sampled(self, sigma: float) -> tuple[FixedModel, list[AnyFloats]]:
        """Return the model for this noise, and what it has answered so far: confidences (copies, points, classes)."""
        run = self.dataset, Gaussian(sigma), self.learner, self.seed, "cpu"
        return self.sampled.get(sigma, lambda: (FixedModel.train(*run), []))

    def _draws(self, sigma: float, total: int, cancel: Cancel, progress: OnProgress) -> AnyFloats:
        """Return the confidences of the first ``total`` copies, after drawing those that are missing."""
        model, done = self._sampled(sigma)
        known = sum(map(len, done))
        for chunk in model.confidences(self.dataset.x_test, range(known, total)) if known < total else ():
            stop_if(cancel)
            done.append(chunk)
            known += len(chunk)
            progress(known, total)
        return np.concatenate(done)[:total]
