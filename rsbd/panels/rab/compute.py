"""The panel's computation: plant the attack, train both ensembles with noise on the training pixels, certify."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from rsbd import bounds, ensemble
from rsbd.attacks import Blend
from rsbd.attacks.poisoning import Poisoning, attack_success_rate, stamp
from rsbd.certify import Certificate, radius
from rsbd.data import Dataset
from rsbd.ensemble import workers
from rsbd.ensemble.votes import Votes
from rsbd.learners import HashedTestNoise, Learner
from rsbd.learners.undefended import predict_undefended
from rsbd.noises import Gaussian
from rsbd.noises.smoothing import Smoothing
from rsbd.panels.chart import radii_for
from rsbd.panels.engine import Cancel, Progress
from rsbd.panels.growing import grow, watch
from rsbd.panels.memo import Memo
from rsbd.panels.rab.params import Floats, Found, Params
from rsbd.recipes.rab import BOUNDS, total

ANYTIME = "anytime"  # the one bound that may be looked at while votes arrive


@dataclass(frozen=True)
class Attack:
    """A planted backdoor: relabelled rows with a faint pattern of the given length."""

    trigger: Blend
    poisoned: Dataset
    rows: int
    triggered: Floats
    undefended: float


@dataclass(frozen=True)
class Bench:
    """What stays the same while sliders move, and the votes collected so far; call it as the panel's ``compute``."""

    dataset: Dataset
    target: int
    learner: Learner
    seed: int = 0
    memo: Memo = field(default_factory=lambda: Memo(128))
    attacks: Memo = field(default_factory=lambda: Memo(2))  # whole data sets

    def __call__(self, params: Params, cancel: Cancel, progress: Progress) -> Generator[Found, None, Found]:
        """Yield previews under anytime-valid bounds; return the final result."""
        attack = self.attacks.get((params.trigger, params.poison_rate), lambda: self.attack(params))
        found = partial(self.found, params, attack)
        return watch(self._votes(params, attack), params.num_models, cancel, progress, found)

    def attack(self, params: Params) -> Attack:
        """Plant the backdoor and let it loose on the undefended classifier."""
        data, trigger = self.dataset, Blend(self.dataset.shape, params.trigger)
        poisoned, mask = Poisoning(trigger, self.target, params.poison_rate).apply(data, self.seed)
        triggered = stamp(trigger, data, data.x_test)
        labels = predict_undefended(poisoned, self.learner, triggered, self.seed)
        return Attack(trigger, poisoned, int(mask.sum()), triggered, self._success(labels))

    def images(self, params: Params, attack: Attack) -> tuple[Floats, ...]:
        """Take one training image along: clean, with the trigger, and as one model sees it."""
        clean = self.dataset.x[np.flatnonzero(self.dataset.y != self.target)[:1]]
        marked = attack.trigger(clean)
        stream = torch.Generator().manual_seed(self.seed)
        noised = Gaussian(params.sigma).sample(torch.from_numpy(marked), stream).numpy()
        return clean[0], marked[0], noised[0]

    def found(self, params: Params, attack: Attack, clean: Votes, attacked: Votes) -> Found:
        """Certify the votes at hand."""
        data, budget = self.dataset, float(total(params.trigger, attack.rows)) if attack.rows else 0.0
        models = min(clean.num_models, attacked.num_models)
        proved = certificates(clean, params, final=models == params.num_models)
        radii = radii_for(np.concatenate([c.radius for c in proved.values()]), "L2")
        return Found(
            params=params,
            dataset=data.name,
            rows=attack.rows,
            budget=budget,
            images=self.images(params, attack),
            target=data.classes[self.target],
            attack_success=(attack.undefended, self._success(attacked.label)),
            radii=radii,
            curves={name: c.curve(data.y_test, radii) for name, c in proved.items()},
            at_attack={name: c.accuracy(data.y_test, budget) for name, c in proved.items()},
            models=models,
        )

    def _success(self, labels: np.ndarray) -> float:
        if np.all(self.dataset.y_test == self.target):
            return float("nan")
        return attack_success_rate(labels, self.dataset.y_test, self.target)

    def _votes(self, params: Params, attack: Attack) -> Iterator[tuple[Votes, ...]]:
        """Grow both ensembles side by side, on the clean and on the poisoned rows."""
        name = (params.trigger, params.poison_rate)
        # A pool for each: in one queue, the second ensemble would wait until the first is nearly grown.
        with workers.threads() as one, workers.threads() as other:
            streams = [
                self._grow((), self.dataset, self.dataset.x_test, params, one),
                self._grow(name, attack.poisoned, attack.triggered, params, other),
            ]
            yield from ensemble.together(streams, params.num_models)

    def _grow(
        self, name: tuple[float, ...], dataset: Dataset, x: Floats, params: Params, pool: Executor
    ) -> Iterator[Votes]:
        noise, number = Gaussian(params.sigma), params.num_models
        models, smoothing = HashedTestNoise(self.learner, noise), Smoothing(features=noise)

        def train(resume: Votes | None) -> Iterator[Votes]:
            run = (dataset, smoothing, models, x, number, self.seed)
            return ensemble.stream(*run, executor=pool, resume=resume)

        return grow(self.memo.get((name, params.sigma), dict), number, train)


def certificates(votes: Votes, params: Params, final: bool) -> dict[str, Certificate]:
    """Certify the same votes with each bound of the recipe; before all have voted, with one that bears watching."""
    chosen = BOUNDS if final else {ANYTIME: bounds.anytime}
    smoothing, many = Smoothing(features=Gaussian(params.sigma)), votes.counts.shape[1] > 2
    return {
        name: radius(bound(votes.counts, params.alpha, runner_up=many), smoothing) for name, bound in chosen.items()
    }
