"""Compute the panel of label flips: the certified accuracy, without sampling, and the accuracy under real attacks."""

from dataclasses import dataclass, field

import numpy as np

from rsbd.attacks.label_flips import carried_out, fewest_flips, heaviest
from rsbd.certify import radius
from rsbd.data import Dataset
from rsbd.noises import Flip, Smoothing
from rsbd.panels.controls import Choice, Slider, setting
from rsbd.panels.engine import Cancel, OnProgress
from rsbd.panels.memory import Memo
from rsbd.recipes.rosenfeld import LeastSquares, closed_form_radius, label_flip_bounds
from rsbd.types import Bools, Floats, Ints
from rsbd.words import options_of

PENALTIES = options_of(__file__, "penalties")
_THUMBS = 5  # training images that the picture shows


@dataclass(frozen=True)
class LabelFlipsParams:
    """Settings of one defence and one attack.

    Attributes
    ----------
    keep : float in [0, 1]
        Probability that the noise keeps a training label; otherwise it flips it.
    penalty : float
        Ridge penalty, as a multiple of the default, which depends on the training features.
    flips : int
        Training labels that the attacker flips.
    """

    keep: float = setting(0.8, Slider.of_keep("keep", "keep (training labels)", 0.51, 0.99))
    penalty: float = setting(1.0, Choice("penalty", "ridge penalty", PENALTIES))
    flips: int = setting(10, Slider("flips", "flipped labels (attack)", 0, 10, 1))


@dataclass(frozen=True)
class AttackedLeastSquares:
    """Least squares at one penalty, and its accuracy under attack; nothing here depends on the noise.

    Attributes
    ----------
    influence : array, (points, rows)
        Influence of each training label on the score of each test image.
    one, each : array, (flips + 1,)
        Accuracy after 0, 1, 2, ... flips: one set of flips against all test images, or one set against each.
    needed : array of int, (points,)
        Number of flips that changes each prediction.
    """

    model: LeastSquares
    influence: Floats
    one: Floats
    each: Floats
    needed: Ints


@dataclass(frozen=True)
class LabelFlipsResult:
    """The certified accuracies by number of flipped labels, and the attack on one test image.

    Attributes
    ----------
    exact, closed : array, (flips + 1,)
        Certified accuracy by the exact trade-off and by the closed form.
    victim : int
        The test image that is shown.
    rows : array of int
        The training rows with the largest influence on it, largest first.
    answer : int
        Prediction of least squares for the victim after the flips.
    radii : (int, int)
        Certified flips of the victim, exact and closed form; -1 if not even the prediction is certain.
    """

    params: LabelFlipsParams
    dataset: Dataset
    fitted: AttackedLeastSquares
    exact: Floats
    closed: Floats
    victim: int
    rows: Ints
    answer: int
    radii: tuple[int, int]


@dataclass(frozen=True)
class LabelFlipsComputation:
    """The panel's ``compute``, with its data set and the results that are known."""

    dataset: Dataset
    most: int
    memo: Memo = field(default_factory=lambda: Memo(8))
    certified: Memo = field(default_factory=lambda: Memo(256))

    def __call__(self, params: LabelFlipsParams, cancel: Cancel, progress: OnProgress) -> LabelFlipsResult:
        """Certify the smoothed classifier, and attack least squares."""
        data, fitted = self.dataset, self.fitted(params.penalty)
        noise = Flip(params.keep)
        key = (params.keep, params.penalty)
        right, exact, closed = self.certified.get(key, lambda: self._certify(fitted.model, noise))
        steps = np.arange(self.most + 1)
        victim = self.victim()
        weights = fitted.influence[[victim]]
        before = carried_out(weights, data.y, np.zeros(0, dtype=np.int64))[0]
        rows = heaviest(weights, data.y, before)
        answer = int(carried_out(weights, data.y, rows[: params.flips])[-1, 0])
        held, looser = (np.mean((found[:, None] >= steps) & right[:, None], axis=0) for found in (exact, closed))
        radii = int(exact[victim]), int(closed[victim])
        return LabelFlipsResult(params, data, fitted, held, looser, victim, rows[:_THUMBS], answer, radii)

    def fitted(self, penalty: float) -> AttackedLeastSquares:
        """Return least squares at a multiple of the default penalty, with all attacks on it."""
        return self.memo.get(penalty, lambda: self._fit(penalty))

    def victim(self) -> int:
        """Return the test image that needs a typical number of flips at the default penalty."""
        needed = self.fitted(1.0).needed
        return int(np.argsort(needed, kind="stable")[len(needed) // 2])

    def _certify(self, model: LeastSquares, noise: Flip) -> tuple[Bools, Ints, Ints]:
        known = label_flip_bounds(model, self.dataset.x_test, self.dataset.y, noise)
        exact = radius(known, Smoothing(labels=noise)).radius.astype(np.int64)
        return known.label == self.dataset.y_test, exact, closed_form_radius(known.miss, noise)

    def _fit(self, penalty: float) -> AttackedLeastSquares:
        data = self.dataset
        model = LeastSquares.fit(data.x)
        if penalty != 1:
            model = LeastSquares.fit(data.x, penalty * model.penalty)
        influence = model.influence(data.x_test)
        label, needed = fewest_flips(influence, data.y)
        rows = heaviest(influence, data.y, data.y_test)[: self.most]
        one = np.mean(carried_out(influence, data.y, rows) == data.y_test, axis=1)
        withstands = needed[:, None] > np.arange(self.most + 1)
        each = np.mean(withstands & (label == data.y_test)[:, None], axis=0)
        return AttackedLeastSquares(model, influence, one, each, needed)
