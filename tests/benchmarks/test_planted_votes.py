"""Votes held against patches of sides 1, 3 and 5, beside plain votes, and beside a loop over the models.

Run ``pytest tests/benchmarks/test_planted_votes.py --benchmark-enable``; set RSBD_DATA for the 13,007 rows of MNIST.
The lines above the tables give ratios, taken in one process by processor time.
"""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from rsbd import AnyPatch, ClassBagging, RobustLinear, Smoothing, collect, kept, load
from rsbd.learners import Problem, randomness

SIDES, LOOPED = (1, 3, 5), 2


@pytest.fixture(scope="module", params=["digits", "mnist"])
def run(request):
    if request.param == "mnist" and "RSBD_DATA" not in os.environ:
        pytest.skip("set RSBD_DATA to the folder of the real MNIST")
    classes, models = ((0, 1), 1000) if request.param == "digits" else ((1, 7), 4000)
    data = load(request.param, classes=classes)
    if not request.config.getoption("benchmark_enable"):
        models = 16  # only that it runs
    return data, Smoothing(rows=ClassBagging.of(data)), RobustLinear(), data.x_test, models


@pytest.mark.parametrize("sides", [(), (3,), SIDES], ids=["plain", "3x3", "1x1, 3x3 and 5x5"])
def test_votes_held_against_patches(benchmark, run, sides):
    benchmark.group = f"{run[-1]} models on {run[0]}"
    benchmark.pedantic(collect, run, {"triggers": [AnyPatch(side) for side in sides]}, rounds=2, warmup_rounds=1)


def one_by_one(data, smoothing, learner, x, models):
    """Ask :func:`rsbd.kept` model by model."""
    trained = learner.train(Problem.of(data, smoothing), randomness.generators(0, range(models)))
    weights, bias, _ = (part.double().numpy() for part in trained.linear())
    points = x.reshape(len(x), -1)
    return [
        kept(w, b, points, AnyPatch(side), data.shape)[1] for w, b in zip(weights, bias, strict=True) for side in SIDES
    ]


def test_ratios(run, request):
    def seconds(call, *given, **more):
        began = time.process_time()
        call(*given, **more)
        return time.process_time() - began

    *first, models = run
    seconds(collect, *run)  # warm up
    plain = seconds(collect, *run)
    held = seconds(collect, *run, triggers=[AnyPatch(side) for side in SIDES])
    looped = seconds(one_by_one, *first, LOOPED) / LOOPED * models
    plugin = request.config.pluginmanager.getplugin
    with plugin("capturemanager").global_and_fixture_disabled():
        plugin("terminalreporter").write_line(
            f"{run[0].name}: {held:.2f} s of CPU for {models} models against {SIDES}, {held / plain:.1f} times plain "
            f"votes; a loop over models takes {looped / held:.1f} times as long"
        )
    assert np.isfinite(held)
