"""A thousand noise-aware linear models on a training set of any size, against noising it row by row.

Run ``pytest tests/benchmarks/test_linear.py --benchmark-enable``; set RSBD_DATA for the 13,007 rows of MNIST.
The lines above the tables give the work behind the figures: multiply-adds and random bits a model.
"""

from __future__ import annotations

import os

import pytest
import torch
from sum_laws import sample_rows

from rsbd import ensemble
from rsbd.data import load
from rsbd.learners import Linear, Problem, randomness
from rsbd.learners.linear import class_sums
from rsbd.noises import Flip
from rsbd.noises.smoothing import Smoothing

NOISE = Smoothing(features=Flip(0.6), labels=Flip(0.6), test=Flip(0.8))
FAST, SLOW = 1000, 20


@pytest.fixture(scope="module", params=["digits", "mnist"])
def data(request):
    if request.param == "mnist" and "RSBD_DATA" not in os.environ:
        pytest.skip("set RSBD_DATA to the folder of the real MNIST")
    return load(request.param, classes=(1, 7), points=1000 if request.param == "mnist" else None)


@pytest.fixture(scope="module")
def say(request):
    lines: list[str] = []
    yield lines.append
    plugin = request.config.pluginmanager.getplugin
    with plugin("capturemanager").global_and_fixture_disabled():
        for line in lines:
            plugin("terminalreporter").write_line(line)


def problem(data):
    x, y = torch.tensor(data.x).flatten(1), torch.tensor(data.y)
    return Problem(x, y, data.num_classes, data.values, data.shape, NOISE)


def test_class_sums_row_by_row(benchmark, data):
    benchmark.group = f"class sums of {data.name}, {data.num_rows} rows"
    made, models = problem(data), SLOW if benchmark.enabled else 2
    benchmark.extra_info["models"] = models
    benchmark.pedantic(sample_rows, (made, randomness.generators(0, range(models))), rounds=3)


def test_class_sums_drawn_at_once(benchmark, data):
    benchmark.group = f"class sums of {data.name}, {data.num_rows} rows"
    made = problem(data)
    benchmark.extra_info["models"] = SLOW
    benchmark.pedantic(class_sums.sample_class_sums, (made, randomness.generators(0, range(SLOW))), rounds=3)


def test_a_thousand_models_trained_and_voted(benchmark, data, say):
    benchmark.group = f"{FAST} linear models on {data.name}, {data.num_rows} rows, {data.num_points} points"
    run = (data, NOISE, Linear(), data.x_test, FAST if benchmark.enabled else SLOW)
    votes = benchmark.pedantic(ensemble.collect, run, rounds=3, warmup_rounds=1)
    rows, width, points = data.num_rows, data.num_features, data.num_points
    train = rows * width * (data.num_classes - 1) + data.num_classes * width**2
    vote = points * width * data.num_classes
    say(f"{data.name}: {train / 1e6:.1f} million multiply-adds and {16 * rows / 1e3:.0f} thousand random bits,")
    say(f"  and {2 * data.num_classes * width:,} binomial draws to train a model ({16 * rows * width / 1e6:.0f} ")
    say(f"  million bits row by row); {vote / 1e6:.1f} million and {16 * width:,} bits to vote on {points} points;")
    spent = votes.seconds
    say(f"  seconds summed over workers: train {spent['train']:.2f}, vote {spent['vote']:.2f}")
