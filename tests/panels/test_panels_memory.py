"""A memory of a panel returns what a fresh computation returns, whatever changed in between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rsbd.attacks import BadPatch, Poisoning
from rsbd.data import load
from rsbd.evasion import AnyPatch
from rsbd.learners import LDA, Learner, Linear
from rsbd.noises import Bagging, Smoothing
from rsbd.panels.memory import ExperimentComputation, VoteMemory
from rsbd.recipes.experiment import Experiment, Outcome

DIGITS = load("digits", side=8, classes=(0, 1), rows=60, points=20)
FIRST = Experiment(DIGITS, Poisoning(BadPatch(3), target=0, rate=0.05), Smoothing.flips(DIGITS, 0.8), num_models=64)
OTHERS = {
    "fewer rows": replace(FIRST, dataset=DIGITS.replace(x=DIGITS.x[:40], y=DIGITS.y[:40])),
    "other test points": replace(FIRST, dataset=DIGITS.replace(x_test=DIGITS.x_test[::-1], y_test=DIGITS.y_test[::-1])),
    "another seed": replace(FIRST, seed=1),
    "another learner": replace(FIRST, learner=Linear(smoothness=0)),
    "no poison": replace(FIRST, poisoning=Poisoning(BadPatch(3), target=0, rate=0.0)),
    "more models": replace(FIRST, num_models=128),
}


class AsItIs(ExperimentComputation[Experiment, Outcome]):
    """The computation whose parameters are an experiment, and whose result is its outcome."""

    def experiment(self, params: Experiment) -> Experiment:
        return params

    def result(self, _params: Experiment, outcome: Outcome) -> Outcome:
        return outcome


def final(compute: AsItIs, experiment: Experiment) -> Outcome:
    """Return the final result, after all previews."""
    steps = compute(experiment, lambda: False, lambda done, total: None)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("learner", [Linear(), LDA()], ids=["linear", "lda"])
def test_a_moved_panel_shows_what_a_fresh_one_shows(other: str, learner: Learner) -> None:
    panel = AsItIs(DIGITS, 0, learner)
    for experiment in (FIRST, OTHERS[other], FIRST):
        found, fresh = final(panel, experiment), final(AsItIs(DIGITS, 0, learner), experiment)
        assert np.array_equal(found.votes.counts, fresh.votes.counts)
        assert np.array_equal(found.attack.mask, fresh.attack.mask)
        assert found.attack.undefended == fresh.attack.undefended
        assert found.smoothed == fresh.smoothed
        assert min(found.voted) == experiment.num_models


def test_votes_held_against_other_triggers_are_not_taken_for_these() -> None:
    memory, run = VoteMemory(), (DIGITS, Smoothing(rows=Bagging(6)), Linear(), DIGITS.x_test, 64, 0)
    for triggers in ([], [AnyPatch(1)], [AnyPatch(2)], [AnyPatch(1)]):
        *_, votes = memory.stream(*run, triggers=triggers)
        assert votes.triggers == tuple(triggers)
