"""Models per second of the batched learners, side by side with training one model after another.

Run ``pytest tests/benchmarks/test_learners.py --benchmark-enable`` for the tables. The loop that models are compared
with has one thread, as has "batched", so that its share of the matrix-product ceiling is that of one core; "one worker
a core" is how ensembles are trained. RAB's network, whose peer is a threaded loop, is trained on all cores, and on a
GPU where there is one. Otherwise each case runs once.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from rsbd.data import load
from rsbd.ensemble import collect
from rsbd.learners import CNN, LDA, MLP, Module, Problem, determinism, randomness
from rsbd.noises import Gaussian
from rsbd.noises.smoothing import Smoothing

SMOOTHING = Smoothing(features=Gaussian(0.5), test=Gaussian(0.5))
POINTS = 100


pytestmark = pytest.mark.usefixtures("one_thread")


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
                times = rate / next(iter(found.values()))  # what one reads in papers comes first
                plugin("terminalreporter").write_line(f"  {rate:8.1f} models/s {times:6.1f}x  {name}")


@lru_cache
def ceiling(device="cpu"):
    """Floating-point operations a second in a large float32 product: of one core, or of a GPU."""
    size, best = 1024 if device == "cpu" else 8192, 0.0
    a = torch.randn(1, size, size, device=device)
    with determinism.reproducible():  # with the library that workers use
        for _ in range(20):
            began = time.perf_counter()
            (a @ a)[0, 0, 0].item()  # waits for a GPU
            best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best


def explain(say, group, how, flops, moved, device="cpu", workers=1):
    """Add to a line what its rate means: ``flops`` operations and ``moved`` bytes, at the least, a model."""
    rate, peak = say[group].pop(how), ceiling(device)
    share = f"{rate * flops / (peak * workers):.0%} of {workers} x {peak / 1e9:.0f} GFLOP/s in products"
    say[group][f"{how} ({share}, {rate * moved / 1e9:.0f} GB/s moved at least)"] = rate


def problem(name):
    if name == "mnist" and "RSBD_DATA" not in os.environ:
        pytest.skip("set RSBD_DATA to the folder of the real MNIST")
    wanted = {"classes": ("1", "7")} if name == "mnist" else {"side": 8}
    data = load(name, view="unit", points=POINTS, **wanted)
    x, y = torch.tensor(data.x).flatten(1), torch.tensor(data.y)
    made = Problem(x, y, data.num_classes, None, data.shape, SMOOTHING)
    return made, torch.tensor(data.x_test).flatten(1)


def cut(made, rows):
    return Problem(made.x[:rows], made.y[:rows], made.num_classes, None, made.shape, SMOOTHING)


def measure(benchmark, say, name, models, work):
    result = benchmark.pedantic(work, rounds=3 if benchmark.enabled else 1, warmup_rounds=int(benchmark.enabled))
    if benchmark.enabled:
        rate = models / benchmark.stats.stats.min
        benchmark.extra_info["models_per_second"] = rate
        say.setdefault(benchmark.group, {})[name] = rate
        return result, rate
    return result, None


def perceptron(features, hidden, classes):
    return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, classes))


def rab():
    """RAB's network as it is usually written."""
    first = nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2)
    second = nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    return nn.Sequential(*first, *second, nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 2))


def one_after_another(made, points, make, epochs, models, precision="float32"):
    """What a reader of the papers would write: a DataLoader, a module and an optimiser for each model."""
    rounded = partial(torch.autocast, "cpu", torch.bfloat16, precision == "bfloat16")
    labels = []
    for generator in randomness.generators(0, range(models)):
        x, y = made.noised(generator)
        rows = DataLoader(TensorDataset(x, y), batch_size=128, shuffle=True, generator=generator)
        net = make()
        adam = torch.optim.Adam(net.parameters(), lr=0.01)
        for _ in range(epochs):
            for a, b in rows:
                adam.zero_grad()
                with rounded():
                    loss = nn.functional.cross_entropy(net(a), b)
                loss.backward()
                adam.step()
        with torch.no_grad():
            labels.append(net(made.smoothing.test.sample(points, generator)).argmax(1))
    return torch.stack(labels)


CORES = os.cpu_count() or 1


def together(learner, made, points, models, workers=1):
    """Whole blocks side by side, one thread each."""
    block = learner.block_size(made)

    def work(start):
        with determinism.reproducible():
            streams = randomness.generators(0, range(start, min(start + block, models)))
            return learner.train(made, streams).predict(points, SMOOTHING.test, streams)

    with ThreadPoolExecutor(workers) as pool:
        return torch.cat(list(pool.map(work, range(0, models, block))))


MLPS = {"digits MLP 64-32-10": ("digits", 32, 128), "mnist MLP 784-64-2": ("mnist", 64, 10)}
HOW = {
    "one after another": (0, "float32"),
    "one after another, bfloat16": (0, "bfloat16"),
    "batched": (1, "float32"),
    "batched, one worker a core": (CORES, "float32"),
    "batched, bfloat16": (1, "bfloat16"),
    "batched, bfloat16, one worker a core": (CORES, "bfloat16"),
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("case", MLPS)
def test_mlp(benchmark, say, case, how):
    name, hidden, models = MLPS[case]
    made, points = problem(name)
    made, epochs = cut(made, 1000), 20 if benchmark.enabled else 1
    benchmark.group = f"{case}, n = {len(made.x)}, 20 epochs"
    workers, precision = HOW[how]
    if workers:
        models *= (8 if workers > 1 else 2) if benchmark.enabled else 1  # as an ensemble has
        learner = MLP((hidden,), epochs=epochs, precision=precision)
        work = partial(together, learner, made, points, models, workers)
        labels, rate = measure(benchmark, say, how, models, work)
        if rate is not None:
            first, last = made.x.shape[1] * hidden, hidden * made.num_classes
            flops = 2 * len(made.x) * epochs * (2 * first + 3 * last)
            steps = epochs * len(learner.batch_sizes(len(made.x)))
            # Rows are read forward and backward; weights also, and written, as are gradients and Adam's two moments.
            moved = 4 * (2 * epochs * made.x.numel() + 10 * steps * (first + last))
            explain(say, benchmark.group, how, flops, moved, workers=workers)
        assert labels.shape == (models, POINTS)
    else:
        make = partial(perceptron, made.x.shape[1], hidden, made.num_classes)
        work = partial(one_after_another, made, points, make, epochs, 1, precision)
        labels, _ = measure(benchmark, say, how, 1, work)
        assert labels.shape == (1, POINTS)


@pytest.mark.parametrize("how", ["one after another", "any module by vmap"])
def test_module(benchmark, say, how):
    made, points = problem("digits")
    made, epochs = cut(made, 1000), 20 if benchmark.enabled else 1
    benchmark.group = f"digits, a module 64-32-10 of one's own, n = {len(made.x)}, 20 epochs"
    make = partial(perceptron, 64, 32, 10)
    if how == "one after another":
        labels, _ = measure(benchmark, say, how, 1, lambda: one_after_another(made, points, make, epochs, 1))
    else:
        learner = Module(partial(flattened, make), epochs=epochs, learning_rate=0.01)
        labels, _ = measure(benchmark, say, how, 64, lambda: together(learner, made, points, 64))
    assert labels.shape[1] == POINTS


def flattened(make):
    return nn.Sequential(nn.Flatten(), make())


CNNS = {
    "one after another, threaded": ("cpu", "float32"),
    "one after another, threaded, bfloat16": ("cpu", "bfloat16"),
    "one worker a core": ("cpu", "float32"),
    "one worker a core, bfloat16": ("cpu", "bfloat16"),
    "on a GPU": ("cuda", "float32"),
    "on a GPU, bfloat16": ("cuda", "bfloat16"),
}


@pytest.mark.parametrize("how", CNNS)
def test_cnn(benchmark, say, how):
    if "RSBD_DATA" not in os.environ:
        pytest.skip("set RSBD_DATA to the folder of the real MNIST")
    device, precision = CNNS[how]
    on_gpu = device == "cuda"
    if on_gpu and not torch.cuda.is_available():
        pytest.skip("no CUDA GPU on this machine")
    data = load("mnist", view="unit", classes=("0", "1"), points=POINTS)
    # All of the rows where 64 models train at once; a part of them where each takes seconds.
    few = 1000 if benchmark.enabled else 200
    data = data if on_gpu and benchmark.enabled else data.replace(x=data.x[:few], y=data.y[:few])
    epochs = 5 if benchmark.enabled else 1
    benchmark.group = "mnist 0/1, RAB's CNN, in models of 1,000 rows and 10 epochs"
    torch.set_num_threads(os.cpu_count() or 1)  # given back by `one_thread`
    if "threaded" in how:
        x, points = torch.tensor(data.x).flatten(1), torch.tensor(data.x_test).flatten(1)
        made, models = Problem(x, torch.tensor(data.y), 2, None, data.shape, SMOOTHING), 1
        run = partial(one_after_another, made, points, rab, epochs, models, precision)
    else:
        models = 64 if on_gpu else 4
        learner = CNN(epochs=epochs, precision=precision)
        run = partial(collect, data, SMOOTHING, learner, data.x_test, models, device=device)
    _, rate = measure(benchmark, say, how, models * len(data.x) * epochs / 1e4, run)
    if rate is not None:
        # Products of each layer, three times but for the gradient of the image; outputs of convolutions and of pooling
        # are written and read forward and backward.
        flops = 1e4 * 2 * (2 * 24**2 * 16 * 25 + 3 * (8**2 * 32 * 400 + 512 * 512 + 512 * 2))
        moved = 1e4 * 4 * 4 * 1.25 * (24**2 * 16 + 8**2 * 32)
        explain(say, benchmark.group, how, flops, moved, device, 1 if on_gpu else CORES)


LDAS = [
    "one after another",
    "sampled row by row",
    "sampled statistics",
    "sampled statistics, one worker a core",
]


@pytest.mark.parametrize("how", LDAS)
@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_lda(benchmark, say, name, how, monkeypatch):
    """Beside the closed form: the linear classifier that a loop of 20 epochs finds."""
    made, points = problem(name)
    made = cut(made, 1000 if name == "digits" else len(made.x))  # a problem of its own, with nothing kept for it
    benchmark.group = f"{name} LDA, n = {len(made.x)}, {POINTS} points"
    if how == "one after another":
        models, epochs = 1, 20 if benchmark.enabled else 1
        make = partial(nn.Linear, made.x.shape[1], made.num_classes)
        work = partial(one_after_another, made, points, make, epochs, models)
    else:
        if how == "sampled row by row":
            monkeypatch.setattr("rsbd.learners.discriminant.moments.ROWS", 10**9)
        models = 8 if how == "sampled row by row" else 1024
        work = partial(together, LDA(), made, points, models, CORES if how.endswith("core") else 1)
    labels, _ = measure(benchmark, say, how, models, work)
    assert labels.shape == (models, POINTS)
