"""The attack panel's computation: a classifier is trained for each poison rate of the curve, and none twice."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from rsbd.attacks import BadPatch, Blend, Pixels, Trigger
from rsbd.attacks.poisoning import Poisoning, attack_success_rate, clean_accuracy, stamp
from rsbd.data import Dataset
from rsbd.learners.linear.linear import Linear
from rsbd.learners.undefended import predict_undefended, weights
from rsbd.panels.attack.params import MOST, Found, Params, Row
from rsbd.panels.engine import Cancel, Cancelled, Progress
from rsbd.panels.memo import Memo

RATES = (0.0, 0.002, 0.004, 0.007, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, MOST)
SHOWN = 4  # images of each kind
FIRST_PREVIEW = 0.15  # seconds: quicker than that, the final picture is preview enough


@dataclass(frozen=True)
class Bench:
    """The images, and what was measured on them so far. Call it as the panel's ``compute``."""

    dataset: Dataset
    seed: int = 0
    memo: Memo = field(default_factory=lambda: Memo(4096))  # pairs of numbers

    def __call__(self, params: Params, cancel: Cancel, progress: Progress) -> Generator[Found, None, Found]:
        """Train at the rate that is set and without attack, then at the other rates of the curve."""
        trigger = trigger_of(params, self.dataset.shape, self.seed)
        rates = sorted({*RATES, params.rate}, key=lambda rate: (rate != params.rate, rate))
        curve: dict[float, tuple[float, float]] = {}
        due = time.monotonic() + FIRST_PREVIEW
        for rate in rates:
            if cancel():
                raise Cancelled
            if time.monotonic() >= due and 0.0 in curve:
                yield self.found(params, trigger, curve, len(rates))
                due = math.inf
            key = (trigger, params.target, params.relabel, rate)
            curve[rate] = self.memo.get(key, partial(self.measure, params, trigger, rate))
            progress(len(curve), len(rates))
        return self.found(params, trigger, curve, len(rates))

    def eligible(self, params: Params) -> int:
        """How many training images this attack could poison."""
        own = self.dataset.y == params.target
        return int(np.sum(~own if params.relabel else own))

    def poison(self, params: Params, trigger: Trigger, rate: float) -> tuple[Dataset, npt.NDArray[np.bool_]]:
        """Poison at a rate, or as many images as there are to poison."""
        rate = min(rate, self.eligible(params) / self.dataset.num_rows)
        return Poisoning(trigger, params.target, rate, relabel=params.relabel).apply(self.dataset, self.seed)

    def measure(self, params: Params, trigger: Trigger, rate: float) -> tuple[float, float]:
        """Train on the poisoned images; return clean accuracy and attack success rate."""
        data = self.dataset
        poisoned, _ = self.poison(params, trigger, rate)
        both = np.concatenate([data.x_test, stamp(trigger, data, data.x_test)])
        clean, triggered = np.split(predict_undefended(poisoned, Linear(), both, self.seed), 2)
        fooled = attack_success_rate(triggered, data.y_test, params.target)
        return clean_accuracy(clean, data.y_test), fooled

    def found(self, params: Params, trigger: Trigger, curve: dict[float, tuple[float, float]], total: int) -> Found:
        """Take images and weights along."""
        data, target = self.dataset, params.target
        poisoned, mask = self.poison(params, trigger, params.rate)
        looked_for = np.stack([weights(data)[target], weights(poisoned)[target]])
        before, after = looked_for / max(float(np.abs(looked_for).max()), 1e-12)
        return Found(
            params=params,
            dataset=data.name,
            target=data.classes[target],
            rows=int(mask.sum()),
            num_rows=data.num_rows,
            eligible=self.eligible(params),
            samples=self.samples(params, trigger, poisoned, mask),
            curve=tuple((rate, *pair) for rate, pair in sorted(curve.items())),
            weights=(before, after),
            total=total,
        )

    def samples(
        self, params: Params, trigger: Trigger, poisoned: Dataset, mask: npt.NDArray[np.bool_]
    ) -> tuple[Row, Row, Row]:
        """Some of the images that are poisoned first, and test images with the trigger, of different classes."""
        data, names = self.dataset, np.array(self.dataset.classes)
        _, first = self.poison(params, trigger, SHOWN / data.num_rows)  # higher rates poison these and more
        rows = np.flatnonzero(first)
        others = data.y_test != params.target
        _, distinct = np.unique(data.y_test[others], return_index=True)
        points = np.flatnonzero(others)[np.resize(distinct, SHOWN)]
        shown = stamp(trigger, data, data.x_test[points])
        called = predict_undefended(poisoned, Linear(), shown, self.seed)
        true = tuple(names[data.y[rows]].tolist())
        return (
            Row(data.x[rows], true, true, (False,) * len(rows)),
            Row(poisoned.x[rows], tuple(names[poisoned.y[rows]].tolist()), true, tuple(mask[rows].tolist())),
            Row(
                shown,
                tuple(names[called].tolist()),
                tuple(names[data.y_test[points]].tolist()),
                tuple((called == params.target).tolist()),
            ),
        )


def trigger_of(params: Params, shape: tuple[int, ...], seed: int = 0) -> Trigger:
    """Make the trigger that the controls describe.

    Examples
    --------
    >>> trigger_of(Params(pixels=4), (8, 8)).budget((8, 8), "L2")
    2.0
    """
    height, width = shape[-2:]
    if params.kind == "blend":
        return Blend(shape, params.strength * math.sqrt(math.prod(shape)), seed)
    if params.kind == "patch":
        patch = BadPatch(math.ceil(math.sqrt(params.pixels)), pixels=params.pixels)
        places = np.argwhere(patch(np.zeros((height, width), np.float32)))
    else:  # sorted uniforms: more pixels keep those of fewer
        order = np.argsort(np.random.default_rng(seed).random(height * width), kind="stable")
        places = np.column_stack(np.divmod(order[: params.pixels], width))
    channels = math.prod(shape[:-2])
    delta = params.strength * math.sqrt(params.pixels * channels)
    return Pixels(tuple((int(row), int(column)) for row, column in places), delta, channels)
