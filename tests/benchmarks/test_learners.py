"""Models per second of the batched learners, side by side with training one model after another.

Run ``pytest tests/benchmarks/test_learners.py --benchmark-enable`` for the tables. Everything is on one
thread, so the share of the matrix-product ceiling is that of one core. Otherwise each case runs once.
"""

from __future__ import annotations

import os
import time

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from rsbd import rng
from rsbd.data import load
from rsbd.learners import Problem
from rsbd.learners.lda import LDA
from rsbd.learners.mlp import MLP
from rsbd.noises import Gaussian
from rsbd.smoothing import Smoothing

SMOOTHING = Smoothing(features=Gaussian(0.5), test=Gaussian(0.5))
POINTS = 100


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def say(request):
    """Lines that are shown above the tables: models per second and their ratios."""
    rates: dict[str, dict[str, float]] = {}
    yield rates
    plugin = request.config.pluginmanager.getplugin
    with plugin("capturemanager").global_and_fixture_disabled():
        for group, found in rates.items():
            plugin("terminalreporter").write_line(f"\n{group}")
            for name, rate in found.items():
                times = rate / min(found.values())
                plugin("terminalreporter").write_line(f"  {rate:8.1f} models/s {times:6.1f}x  {name}")


@pytest.fixture(scope="module")
def ceiling():
    """Floating-point operations a second in a large matrix product on one core."""
    torch.set_num_threads(1)
    a, best = torch.randn(1024, 1024), 0.0
    for _ in range(20):
        began = time.perf_counter()
        a @ a
        best = max(best, 2 * 1024**3 / (time.perf_counter() - began))
    return best


def problem(name):
    if name == "mnist" and "RSBD_DATA" not in os.environ:
        pytest.skip("set RSBD_DATA to the folder of the real MNIST")
    wanted = {"classes": ("1", "7")} if name == "mnist" else {}
    data = load(name, view="unit", points=POINTS, **wanted)
    x, y = torch.tensor(data.x).flatten(1), torch.tensor(data.y)
    made = Problem(x, y, data.num_classes, None, data.shape, SMOOTHING)
    return made, torch.tensor(data.x_test).flatten(1)


def cut(made, rows):
    return Problem(made.x[:rows], made.y[:rows], made.num_classes, None, made.shape, SMOOTHING)


def measure(benchmark, say, name, models, work):
    result = benchmark.pedantic(
        work, rounds=3 if benchmark.enabled else 1, warmup_rounds=int(benchmark.enabled)
    )
    if benchmark.enabled:
        rate = models / benchmark.stats.stats.min
        benchmark.extra_info["models_per_second"] = rate
        say.setdefault(benchmark.group, {})[name] = rate
        return result, rate
    return result, None


def one_after_another(made, points, hidden, epochs, models):
    """What a reader of the papers would write: a DataLoader, a module and an optimiser for each model."""
    labels = []
    for generator in rng.generators(0, range(models)):
        x, y = made.noised(generator)
        rows = DataLoader(TensorDataset(x, y), batch_size=128, shuffle=True, generator=generator)
        net = torch.nn.Sequential(
            torch.nn.Linear(x.shape[1], hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, made.num_classes)
        )
        adam = torch.optim.Adam(net.parameters(), lr=0.01)
        for _ in range(epochs):
            for a, b in rows:
                adam.zero_grad()
                torch.nn.functional.cross_entropy(net(a), b).backward()
                adam.step()
        with torch.no_grad():
            labels.append(net(made.smoothing.test.sample(points, generator)).argmax(1))
    return torch.stack(labels)


def together(learner, made, points, models):
    labels, block = [], learner.block_size(made)
    for start in range(0, models, block):
        streams = rng.generators(0, range(start, min(start + block, models)))
        labels.append(learner.train(made, streams).predict(points, SMOOTHING.test, streams))
    return torch.cat(labels)


MLPS = {"digits MLP 64-32-10": ("digits", 32, 64), "mnist MLP 784-64-2": ("mnist", 64, 32)}


@pytest.mark.parametrize("how", ["one after another", "batched"])
@pytest.mark.parametrize("case", MLPS)
def test_mlp(benchmark, say, ceiling, case, how):
    name, hidden, models = MLPS[case]
    made, points = problem(name)
    made, epochs = cut(made, 1000), 20 if benchmark.enabled else 1
    benchmark.group = f"{case}, n = {len(made.x)}, 20 epochs"
    if how == "batched":
        learner = MLP((hidden,), epochs=epochs)
        labels, rate = measure(benchmark, say, how, models, lambda: together(learner, made, points, models))
        if rate is not None:
            first, last = made.x.shape[1] * hidden, hidden * made.num_classes
            flops = 2 * len(made.x) * epochs * (2 * first + 3 * last)
            say[benchmark.group][f"batched ({rate * flops / ceiling:.0%} of the sgemm ceiling)"] = say[
                benchmark.group
            ].pop(how)
        assert labels.shape == (models, POINTS)
    else:
        labels, _ = measure(
            benchmark, say, how, 1, lambda: one_after_another(made, points, hidden, epochs, 1)
        )
        assert labels.shape == (1, POINTS)


@pytest.mark.parametrize("how", ["sampled row by row", "sampled statistics"])
@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_lda(benchmark, say, name, how, monkeypatch):
    made, points = problem(name)
    made = cut(made, 1000) if name == "digits" else made
    benchmark.group = f"{name} LDA, n = {len(made.x)}, {POINTS} points"
    models = 1000
    if how == "sampled row by row":
        monkeypatch.setattr("rsbd.learners.rotation.Rotation.fits", lambda self, classes: False)
        models = 8
        made = cut(made, len(made.x))  # a problem of its own, so that nothing is kept from the other way
    labels, _ = measure(benchmark, say, how, models, lambda: together(LDA(), made, points, models))
    assert labels.shape == (models, POINTS)
