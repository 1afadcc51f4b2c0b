"""The panel's computation: each method with the best of a few noises; votes are collected once."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from rsbd.noises.smoothing import Threat
from rsbd.panels.compare.params import Entry, Found, Params
from rsbd.panels.engine import Cancel, Cancelled, Progress
from rsbd.panels.memo import Memo
from rsbd.recipes.contest.bench import Bench
from rsbd.recipes.contest.contender import Contender
from rsbd.recipes.contest.methods import CONTENDERS
from rsbd.recipes.contest.search import words
from rsbd.recipes.contest.threats import Attack, Defence, refusal

# Fewer noises than in `rsbd.recipes.contest.compare`: a reader waits for them.
GRIDS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "Wang et al., tied": {"keep": (0.8, 0.85, 0.9)},
    "flips per slot": {"features": (0.6, 0.8), "labels": (0.7, 0.8), "test": (0.8, 0.9)},
    "Gaussian + flips": {"features": (1.0, 2.0), "labels": (0.7, 0.8), "test": (0.5, 1.0)},
    "RAB": {"sigma": (0.5, 1.0, 2.0)},
    "RAB, Hoeffding": {"sigma": (0.5, 1.0, 2.0)},
    "RAB, 1-neighbour": {"sigma": (1.0,)},
    "Cohen et al.": {"sigma": (0.5, 1.0)},
    "DPA": {"parts": (20, 50)},
    "Finite Aggregation": {"parts": (20, 50), "spread": (2,)},
    "bagging": {"size": (5, 10, 20)},
    "BagFlip": {"size": (10, 20), "keep": (0.9, 0.95)},
    "bags + test flips": {"size": (10, 20), "keep": (0.7, 0.8, 0.9)},
}


@dataclass(frozen=True)
class Contest:
    """What stays the same while sliders move, and all that is known. Call it as the panel's ``compute``."""

    bench: Bench
    contenders: tuple[Contender, ...] = tuple(replace(c, grid=GRIDS.get(c.name, c.grid)) for c in CONTENDERS)
    memo: Memo = field(default_factory=lambda: Memo(20_000))  # one number for each noise and threat

    def __call__(self, params: Params, cancel: Cancel, progress: Progress) -> Generator[Found, None, Found]:
        """Yield what is known after each method that had to be trained; return all."""
        data = self.bench.final["unit"]
        about = (params, data.name, data.num_rows, self.bench.num_models)
        entries: list[Entry] = []
        for done, contender in enumerate(self.contenders, 1):
            fresh = len(self.bench.proofs)
            entries.append(self._entry(contender, params, cancel))
            progress(done, len(self.contenders))
            if len(self.bench.proofs) > fresh and done < len(self.contenders):
                yield Found(*about, tuple(entries), len(self.contenders))
        return Found(*about, tuple(entries), len(self.contenders))

    def _entry(self, contender: Contender, params: Params, cancel: Cancel) -> Entry:
        data, threat = self.bench.final[contender.view], params.threat
        attack: Attack = params.attack or ("features", "labels", "test")
        tried = tuple(contender.defences(data, attack))
        if reason := refusal(tried[0], threat, data.num_rows):
            return Entry(contender.name, None, reason)
        scores = [self._certified(contender, defence, threat, cancel, final=False) for defence in tried]
        best = tried[int(np.argmax(scores))]
        held = self._certified(contender, best, threat, cancel, final=True)
        return Entry(contender.name, held, words(best), contender.num_models(best, self.bench.num_models))

    def _certified(self, contender: Contender, defence: Defence, threat: Threat, cancel: Cancel, final: bool) -> float:
        if cancel():
            raise Cancelled
        found: float = self.memo.get(
            (contender.name, repr(defence), repr(threat), final),
            partial(self._count, contender, defence, threat, final),
        )
        return found

    def _count(self, contender: Contender, defence: Defence, threat: Threat, final: bool) -> float:
        # All votes of a noise at once, so that a slider that moves on meets what is known.
        for part in (True, False):
            self.bench.proof(contender, defence, part)
        return float(self.bench.accuracies(contender, defence, [threat], final)[1][0])
