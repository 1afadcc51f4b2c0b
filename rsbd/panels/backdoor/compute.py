"""The main panel's computation: poison, smooth, vote, certify, with every vote reused that can be.

Moving alpha certifies the votes at hand again. Moving the trigger or the rate retrains the ensemble on the
poisoned rows only; moving the noise retrains both. More models are added to the ones that have voted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from rsbd import bounds, ensemble
from rsbd.attacks import BadPatch
from rsbd.attacks.poisoning import Poisoning, attack_success_rate, clean_accuracy, stamp
from rsbd.certify import certify, radius
from rsbd.data import Dataset
from rsbd.ensemble import workers
from rsbd.ensemble.votes import Votes
from rsbd.learners import Learner
from rsbd.learners.undefended import predict_undefended
from rsbd.noises import Flip, Gaussian
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.panels.backdoor.params import Floats, Found, Params, Samples
from rsbd.panels.chart import radii_for
from rsbd.panels.engine import Cancel, Progress
from rsbd.panels.growing import grow, watch
from rsbd.panels.memo import Memo
from rsbd.types import Labels, Points

MAP_ROWS = (0, 1, 2, 3, 5, 10, 20, 50, 100)
MAP_PIXELS = (1, 2, 3, 4, 6, 9, 16, 25)


@dataclass(frozen=True)
class Attack:
    """A planted backdoor, and what it does to a classifier that nobody defends."""

    trigger: BadPatch
    poisoned: Dataset
    rows: Labels
    triggered: Points
    undefended: Labels


@dataclass(frozen=True)
class Bench:
    """What stays the same while sliders move, and the votes collected so far.

    Call it as the panel's ``compute``.
    """

    dataset: Dataset
    target: int
    learner: Learner
    seed: int = 0
    memo: Memo = field(default_factory=lambda: Memo(128))  # votes and labels: small
    attacks: Memo = field(default_factory=lambda: Memo(2))  # whole data sets: on MNIST 40 MB each

    def __call__(self, params: Params, cancel: Cancel, progress: Progress) -> Generator[Found, None, Found]:
        """Yield previews under anytime-valid bounds; return the final result."""
        attack = self.attacks.get((params.trigger_pixels, params.poison_rate), lambda: self.attack(params))
        smoothing = smoothing_of(params, self.dataset)
        samples = self.samples(attack, smoothing)
        found = partial(self.found, params, attack, smoothing, samples)
        return watch(self._votes(params, attack, smoothing), params.num_models, cancel, progress, found)

    def attack(self, params: Params) -> Attack:
        """Plant the backdoor and let it loose on the undefended classifier."""
        side = math.ceil(math.sqrt(params.trigger_pixels))
        trigger = BadPatch(side, pixels=params.trigger_pixels)
        poisoned, mask = Poisoning(trigger, self.target, params.poison_rate).apply(self.dataset, self.seed)
        triggered = stamp(trigger, self.dataset, self.dataset.x_test)
        both = np.concatenate([self.dataset.x_test, triggered])
        key = ("undefended", params.trigger_pixels, params.poison_rate)
        labels = self.memo.get(key, lambda: predict_undefended(poisoned, self.learner, both, self.seed))
        return Attack(trigger, poisoned, np.flatnonzero(mask), triggered, labels)

    def samples(self, attack: Attack, smoothing: Smoothing) -> Samples:
        """Take three training images along: poisoned ones where there are any."""
        others = np.flatnonzero(self.dataset.y != self.target)
        rows = np.concatenate([attack.rows, others])[:3]
        x, y = torch.tensor(attack.poisoned.x[rows]), torch.tensor(attack.poisoned.y[rows])
        stream = torch.Generator().manual_seed(self.seed)
        noised_y = y if smoothing.labels is None else smoothing.labels.sample(y, stream)
        noised_x = x if smoothing.features is None else smoothing.features.sample(x, stream)
        names = self.dataset.classes
        return Samples(
            self.dataset.x[rows],
            x.numpy(),
            noised_x.numpy(),
            tuple(names[label] for label in self.dataset.y[rows]),
            tuple(names[label] for label in y.tolist()),
            tuple(names[label] for label in noised_y.tolist()),
        )

    def found(
        self, params: Params, attack: Attack, smoothing: Smoothing, samples: Samples, clean: Votes, attacked: Votes
    ) -> Found:
        """Certify the votes at hand."""
        data, count, norm = self.dataset, len(attack.rows), "L2" if params.noise == "gaussian" else "L0"
        # All models have voted: one look at a number fixed in advance. Before: bounds that bear watching, and
        # beside them what those of one look would claim now.
        watched = params.watched or clean.num_models < params.num_models
        once = bounds.simultaneous(clean.counts, params.alpha)
        evidence = bounds.anytime(clean.counts, params.alpha) if watched else once
        slots = smoothing.radius_slots
        certificate = radius(evidence, smoothing, slots)
        claimed = radius(once, smoothing, slots) if watched else certificate
        radii = radii_for(np.maximum(certificate.radius, claimed.radius), norm)
        trigger = attack.trigger.budget(data.shape, norm)
        right = evidence.label == data.y_test

        def share(rows: int, size: float) -> float:
            return float(np.mean(certify(evidence, smoothing, Threat(rows, size)) & right))

        values = math.prod(data.shape[:-2])  # a colour pixel has three
        sizes = np.array(MAP_PIXELS, dtype=float) * values
        sizes = np.sqrt(sizes) if norm == "L2" else sizes
        cells = staircase(share, MAP_ROWS, sizes.tolist())
        beaten = cells[np.searchsorted(MAP_ROWS, count, "right") - 1, : np.searchsorted(sizes, trigger, "right")]
        plain, smoothed = np.split(attack.undefended, 2), np.split(attacked.label, 2)
        return Found(
            params=params,
            dataset=data.name,
            target=data.classes[self.target],
            samples=samples,
            clean_accuracy=(clean_accuracy(plain[0], data.y_test), clean_accuracy(smoothed[0], data.y_test)),
            attack_success=(self._success(plain[1]), self._success(smoothed[1])),
            radii=radii,
            accuracies=certificate.curve(data.y_test, radii),
            norm=norm,
            relabel=True,
            rows=count,
            trigger=trigger,
            budget=Threat(count, trigger).budget(norm),
            at_threat=0.0 if 0 in beaten else share(count, trigger),
            map_rows=np.array(MAP_ROWS, dtype=float),
            map_triggers=sizes,
            certified=cells,
            models=min(clean.num_models, attacked.num_models),
            naive=claimed.curve(data.y_test, radii) if watched else None,
        )

    def _success(self, labels: Labels) -> float:
        if np.all(self.dataset.y_test == self.target):
            return math.nan
        return attack_success_rate(labels, self.dataset.y_test, self.target)

    def _votes(self, params: Params, attack: Attack, smoothing: Smoothing) -> Iterator[tuple[Votes, ...]]:
        """Grow both ensembles side by side, on the clean and on the poisoned rows."""
        both = np.concatenate([self.dataset.x_test, attack.triggered])
        name = (params.trigger_pixels, params.poison_rate)
        with workers.threads() as pool:
            streams = [
                self._grow((), self.dataset, self.dataset.x_test, smoothing, params.num_models, pool),
                self._grow(name, attack.poisoned, both, smoothing, params.num_models, pool),
            ]
            yield from ensemble.together(streams, params.num_models)

    def _grow(
        self,
        name: tuple[float, ...],
        dataset: Dataset,
        x: Points,
        smoothing: Smoothing,
        num_models: int,
        pool: Executor,
    ) -> Iterator[Votes]:
        known: dict[int, Votes] = self.memo.get((name, repr(smoothing)), dict)

        def train(resume: Votes | None) -> Iterator[Votes]:
            run = (dataset, smoothing, self.learner, x, num_models, self.seed)
            return ensemble.stream(*run, executor=pool, resume=resume)

        return grow(known, num_models, train)


def smoothing_of(params: Params, dataset: Dataset) -> Smoothing:
    """Read the noise off the sliders."""
    classes = dataset.num_classes
    if params.noise == "gaussian":
        noise = Gaussian(params.sigma)
        return Smoothing(features=noise, labels=Flip(params.keep_labels, classes), test=noise)
    values = dataset.values or 2
    if params.noise == "tied":
        flip = Flip(params.keep, values)
        return Smoothing(features=flip, labels=Flip(params.keep, classes), test=flip)
    return Smoothing(
        features=Flip(params.keep_features, values),
        labels=Flip(params.keep_labels, classes),
        test=Flip(params.keep_test, values),
    )


def staircase(share: Callable[[int, float], float], rows: Sequence[int], sizes: Sequence[float]) -> Floats:
    """Fill a table that falls along both axes; what lies beyond a zero is zero and is not computed.

    Examples
    --------
    >>> asked = []
    >>> staircase(lambda m, t: asked.append((m, t)) or max(0, 3 - m * t), [1, 2, 3], [1, 2, 3])
    array([[2., 1., 0.],
           [1., 0., 0.],
           [0., 0., 0.]])
    >>> asked
    [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)]
    """
    table = np.zeros((len(rows), len(sizes)))
    end = len(sizes)
    for i, m in enumerate(rows):
        for j, size in enumerate(sizes[:end]):
            table[i, j] = share(m, size)
            if not table[i, j]:
                end = j
                break
    return table
