"""Compute the panel of the planted attack: train on bags, count the votes that no patch moves, and certify."""

import math
from dataclasses import dataclass, field, replace
from operator import itemgetter

import numpy as np
import torch

from rsbd import bounds
from rsbd.certify import Certificate, certified_map, radius
from rsbd.data import Dataset
from rsbd.ensemble import Votes
from rsbd.evasion import AnyPatch
from rsbd.learners import Problem, RobustLinear
from rsbd.learners.randomness import generators
from rsbd.noises import ClassBagging, Smoothing, Threat
from rsbd.panels.controls import POISONED, Choice, Slider, setting
from rsbd.panels.engine import Cancel, OnProgress, Previews, stop_if
from rsbd.panels.memory import EnsembleComputation, Memo
from rsbd.types import AnyFloats, Floats
from rsbd.words import options_of

ALPHA = 0.001
FLIPS = 0.6  # the noise to compare with: at less of it models need even more votes
BAGS, NUMBERS = (1, 2, 3, 5), (100, 200, 500, 1000, 2000)  # the defences that a reader's wish is tried on
LARGEST = 7  # side of a patch
_RATES = (0, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2)  # poison rates of the map


@dataclass(frozen=True)
class PlantedParams:
    """One attack, one defence, and the test image that is shown.

    Attributes
    ----------
    poisoned : int
        Poisoned training images.
    side : int
        Side of the patch on the test image, in pixels.
    each : int
        Training images of each class in a bag.
    num_models : int
        Number of bags.
    point : int
        Number of the test image that is shown.
    wanted : float
        If above 0, the panel chooses ``each`` and ``num_models``: the fewest models that certify this share of practice
        images, which are training images that are held out.
    """

    wanted: float = setting(0.0, Choice("wanted", "ask", options_of(__file__, "questions")))
    poisoned: int = setting(10, POISONED)
    side: int = setting(3, Slider("side", "side of the patch (pixels)", 1, LARGEST, 1))
    each: int = setting(1, Slider("each", "images of each class", 1, 5, 1), wanted=(0,))
    num_models: int = setting(1000, Slider("num_models", "models", 100, 2000, 100), wanted=(0,))
    point: int = setting(0, Slider("point", "test image (number)", 0, 0, 1))

    @property
    def patch(self) -> AnyPatch:
        """The patch as a threat."""
        return AnyPatch(self.side)


@dataclass(frozen=True)
class OneVote:
    """One linear model, one test image, and the patch that costs the model's answer most.

    Attributes
    ----------
    label : int
        The model's answer.
    image, attacked : array, (height, width) or (channels, height, width)
        The test image as it is, and with the patch.
    place : tuple of int
        Row and column of the patch's top left corner.
    weights : array, the shape of the image
        Weights of the answer less those of the class that the patch brings closest.
    lead, loss : float
        By how much the answer's score leads that of this class, and how much of it the patch takes.
    kept : bool
        True if no patch of this size changes the model's answer.
    """

    label: int
    image: AnyFloats
    attacked: AnyFloats
    place: tuple[int, int]
    weights: Floats
    lead: float
    loss: float
    kept: bool

    @property
    def taken(self) -> float:
        """The loss as a share of the lead: the answer changes if it is above 1."""
        return self.loss / self.lead if self.lead else float(self.loss > 0)


def one_vote(dataset: Dataset, point: int, side: int, each: int = 1, seed: int = 0) -> OneVote:
    """Train the first model of an ensemble, and find the patch that costs its answer to a test image most."""
    trigger, streams = AnyPatch(side), generators(seed, range(1))
    problem = Problem.of(dataset, Smoothing(rows=ClassBagging.of(dataset, each)))
    models, x = RobustLinear().train(problem, streams), torch.tensor(dataset.x_test[[point]]).flatten(1)
    labels = models.predict(x, None, streams)
    kept = int(next(models.reach(x, labels, [trigger], dataset.shape)).sum()) == 1
    (weights,), (bias,), _ = (some.double().numpy() for some in models.linear())
    label, image, (groups, _) = int(labels), x[0].double().numpy(), trigger.groups(dataset.shape)
    apart = weights[label] - weights
    losses = np.maximum(apart * image, apart * (image - 1))[:, groups].sum(-1)  # (classes, places)
    leads = apart @ image + bias[label] - bias
    room = np.where(np.arange(len(leads)) == label, np.inf, leads - losses.max(1))
    rival = int(room.argmin())
    place = int(losses[rival].argmax())
    attacked = image.copy()
    attacked[groups[place]] = apart[rival, groups[place]] < 0
    image, attacked, difference = (some.reshape(dataset.shape) for some in (image, attacked, apart[rival]))
    corner = divmod(place, dataset.shape[-1] - side + 1)
    lead, loss = float(leads[rival]), float(losses[rival, place])
    return OneVote(label, image, attacked, corner, difference, lead, loss, kept)


@dataclass(frozen=True)
class PlantedResult:
    """What is proved against every attack of the map, and against the one that the sliders set.

    Attributes
    ----------
    params : PlantedParams
        The settings.
    dataset : Dataset
        The clean training images and the test images.
    models : int
        Models that have voted.
    rows, sides : array of int
        Poisoned images and sides of the patch, of the map.
    table : array, (rows, sides)
        Certified accuracy.
    held : Certificate
        The certificate against patches of the side that is set.
    keeps : float
        Share of the models whose vote for the shown image no such patch moves.
    vote : OneVote
        The first model and the shown image.
    least : float
        The fewest models that can certify anything against the attack that is set: if all vote alike.
    flips : float, optional
        The same for noise on all pixels and labels in place of bags, on data with levels.
    practice : float
        The share that is certified on practice images, if the defence was chosen there; NaN while it is being chosen.
    """

    params: PlantedParams
    dataset: Dataset
    models: int
    rows: tuple[int, ...]
    sides: tuple[int, ...]
    table: Floats
    held: Certificate
    keeps: float
    vote: OneVote
    least: float
    flips: float | None
    practice: float

    @property
    def proved(self) -> float:
        """Certified accuracy against the attack that is set."""
        return self.held.accuracy(self.dataset.y_test, self.params.poisoned)


@dataclass(frozen=True)
class PlantedComputation(EnsembleComputation[PlantedParams, PlantedResult]):
    """The panel's ``compute``; its ``triggers`` are the patches of the map, from side 1 on."""

    choices: Memo = field(default_factory=lambda: Memo(64))

    def smoothing(self, params: PlantedParams) -> Smoothing:
        """Return the bags."""
        return Smoothing(rows=ClassBagging.of(self.dataset, params.each))

    def __call__(self, params: PlantedParams, cancel: Cancel, progress: OnProgress) -> Previews[PlantedResult]:
        """Choose a defence if the reader asks for one, and show the defence that is set meanwhile; then vote."""
        if params.wanted:
            if self._wish(params) not in self.choices:
                shown, votes = replace(params, wanted=0.0), next(self.stream(params))
                meanwhile = self.result(shown, self.smoothing(params), votes)
                yield replace(meanwhile, params=params, practice=math.nan)
            params = self.choice(params, cancel)[0]
        return (yield from super().__call__(params, cancel, progress))

    def choice(self, params: PlantedParams, cancel: Cancel) -> tuple[PlantedParams, float]:
        """Return the wish with the defence that meets it on practice images, or comes closest, and its share there."""
        each, models, share = self.choices.get(self._wish(params), lambda: self._choose(params, cancel))
        return replace(params, each=each, num_models=models), share

    @staticmethod
    def _wish(params: PlantedParams) -> tuple[float, ...]:
        return params.poisoned, params.side, params.wanted

    def _choose(self, params: PlantedParams, cancel: Cancel) -> tuple[int, int, float]:
        data, best = self.dataset.hold_out(), (BAGS[0], NUMBERS[0], 0.0)
        for models in NUMBERS:
            for each in BAGS:
                smoothing = Smoothing(rows=ClassBagging.of(data, each))
                if models < self._least(smoothing, params, data.num_rows):
                    continue  # nothing could be certified
                run = (data, smoothing, self.learner, data.x_test, models, self.seed)
                for votes in self.memory.stream(*run, triggers=(params.patch,)):
                    newest = votes
                    stop_if(cancel)
                found = bounds.kept_votes(newest.against(params.patch), ALPHA, runner_up=True)
                held = radius(found, smoothing, num_rows=data.num_rows)
                share = held.accuracy(data.y_test, params.poisoned)
                best = max(best, (each, models, share), key=itemgetter(2))
                if share >= params.wanted:
                    return best
        return best

    def _least(self, smoothing: Smoothing, params: PlantedParams, num_rows: int) -> float:
        classes = self.dataset.num_classes
        threat = Threat(rows=params.poisoned, trigger=params.patch)
        limit = smoothing.tradeoff(threat, num_rows, params.patch).threshold()
        return bounds.fewest_votes(limit, ALPHA, classes + 2 * (classes > 2))

    def _flips(self, params: PlantedParams) -> float | None:
        data = self.dataset
        if data.values is None:
            return None
        threat = Threat(rows=params.poisoned, trigger=data.channels * params.side**2)
        limit = Smoothing.flips(data, FLIPS).tradeoff(threat).threshold()
        return bounds.fewest_votes(limit, ALPHA, data.num_classes)

    def result(self, params: PlantedParams, smoothing: Smoothing, votes: Votes) -> PlantedResult:
        """Certify the votes at hand; before all models have voted, by anytime-valid bounds."""
        data, patches, watched = self.dataset, self.triggers, votes.num_models < params.num_models
        rows = tuple(sorted({round(rate * data.num_rows) for rate in _RATES}))
        found = [bounds.kept_votes(votes.against(patch), ALPHA, runner_up=True, watched=watched) for patch in patches]
        table = certified_map(found, data.y_test, smoothing, rows, patches, num_rows=data.num_rows)
        held = radius(found[params.side - 1], smoothing, num_rows=data.num_rows)
        kept = votes.against(params.patch).kept[0, params.point, votes.label[params.point]]
        keeps, sides = float(kept / votes.num_models), tuple(patch.side for patch in patches)
        one = one_vote(data, params.point, params.side, params.each, self.seed)
        least, practice = self._least(smoothing, params, data.num_rows), 0.0
        if params.wanted:
            practice = self.choice(params, bool)[1]
        shown = params, data, votes.num_models, rows, sides, table, held, keeps, one
        return PlantedResult(*shown, least, self._flips(params), practice)
