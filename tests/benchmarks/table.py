"""Measure the library beside what a reader of the papers would write, and print one table.

Run ``python tests/benchmarks/table.py [WORD ...]``; words choose the lines that hold one of them. ``--write`` puts the
whole table into RESULTS.md, in place of the one there. Set RSBD_DATA for the lines of MNIST. Peer and library take
turns. Rates are per second of processor time (of a clock where a GPU works), so that other programs hardly move them;
the best turn counts. The ceiling is the fastest float32 product of this machine.
"""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from benchmarks import peers
from sum_laws import sample_rows

from rsbd import AnyPatch, ClassBagging, RobustLinear, Smoothing, collect, kept, load
from rsbd.bounds import clopper_pearson
from rsbd.bounds.nearest import neighbour_bounds
from rsbd.certify import radius
from rsbd.certify.confidence import expected
from rsbd.data import SOURCES, data_root
from rsbd.learners import CNN, LDA, MLP, Learner, Module, Problem, determinism, randomness
from rsbd.learners.linear import class_sums
from rsbd.noises import Flip, Gaussian
from rsbd.recipes.rosenfeld import LeastSquares, label_flip_bounds
from rsbd.tradeoff import flips

GPU = "cuda" if torch.cuda.is_available() else "cpu"
GAUSSIAN, FLIPS = (Smoothing(features=noise, test=noise) for noise in (Gaussian(0.5), Flip(0.8)))
ALPHA = 0.001
HEAD = "| work | peer | ours | ratio | share of the ceiling |"
RESULTS = Path(__file__).resolve().parents[2] / "notebooks" / "RESULTS.md"


class Work(NamedTuple):
    """Two ways to do one thing: each with the number of units that a call does, and a check that their answers agree.

    `flops` is the least number of floating-point operations of a unit, if products are most of it.
    """

    name: str
    unit: str
    peer: tuple[float, Callable[[], Any]]
    ours: tuple[float, Callable[[], Any]]
    agree: Callable[[Any, Any], bool]
    flops: float = 0


def problem(name: str, smoothing: Smoothing, rows: int | None, view: str = "unit", **wanted: Any) -> Problem:
    data = load(name, view=view, points=100, **wanted)
    x, y = torch.tensor(data.x[:rows]).flatten(1), torch.tensor(data.y[:rows])
    return Problem(x, y, data.num_classes, data.values, data.shape, smoothing)


def trained(learner: Learner, made: Problem, models: int) -> torch.Tensor:
    """Train models block by block and return their labels of the training rows: (models, rows)."""
    found, block = [], learner.block_size(made)
    with determinism.reproducible():
        for start in range(0, models, block):
            streams = randomness.generators(0, range(start, min(start + block, models)))
            found.append(learner.train(made, streams).predict(made.x[:100], made.smoothing.test, streams))
    return torch.cat(found)


def same_accuracy(made: Problem, peer: torch.Tensor, ours: torch.Tensor) -> bool:
    """Return True if both learn, and about as well."""
    right = [float((labels == made.y[:100]).float().mean()) for labels in (peer, ours)]
    return abs(right[0] - right[1]) < 0.25


def mlp(name: str, hidden: int, models: int, precision: str, small: bool, **wanted: Any) -> Work:
    made, epochs = problem(name, GAUSSIAN, 200 if small else 1000, **wanted), 2 if small else 20
    first, last = made.x.shape[1] * hidden, hidden * made.num_classes
    learner = MLP((hidden,), epochs=epochs, precision=precision)
    make = partial(peers.perceptron, made.x.shape[1], hidden, made.num_classes)
    return Work(
        f"MLP {made.x.shape[1]}-{hidden}-{made.num_classes}, 1,000 {name}, 20 epochs, {precision}",
        "models",
        (1, partial(peers.one_after_another, made, make, epochs, 1)),
        (models, partial(trained, learner, made, 2 if small else models)),
        partial(same_accuracy, made),
        2 * len(made.x) * epochs * (2 * first + 3 * last),
    )


def own_module(small: bool) -> Work:
    made, epochs = problem("digits", GAUSSIAN, 200 if small else 1000, side=8), 2 if small else 20
    make = partial(peers.perceptron, 64, 32, 10)
    learner = Module(lambda: torch.nn.Sequential(torch.nn.Flatten(), make()), epochs=epochs, learning_rate=0.01)
    return Work(
        "a module of one's own 64-32-10, 1,000 digits, 20 epochs",
        "models",
        (1, partial(peers.one_after_another, made, make, epochs, 1)),
        (64, partial(trained, learner, made, 2 if small else 64)),
        partial(same_accuracy, made),
    )


def cnn(precision: str, small: bool) -> Work:
    data = load("mnist", view="unit", classes=(0, 1), points=100)
    rows, epochs, models = 100 if small else 1000, 1 if small else 5, 64 if GPU == "cuda" else 2
    made = problem("mnist", GAUSSIAN, rows, classes=(0, 1))
    learner = CNN(epochs=epochs, precision=precision)
    run = partial(collect, data.replace(x=data.x[:rows], y=data.y[:rows]), GAUSSIAN, learner, data.x_test, models)
    return Work(
        f"RAB's CNN, 1,000 mnist, 10 epochs, {precision}{' on a GPU' * (GPU == 'cuda')}",
        "models",
        (rows * epochs / 1e4, partial(peers.one_after_another, made, peers.rab, epochs, 1)),
        (models * rows * epochs / 1e4, run),
        lambda labels, votes: votes.num_models == models,
        1e4 * 2 * (2 * 24**2 * 16 * 25 + 3 * (8**2 * 32 * 400 + 512 * 512 + 512 * 2)),
    )


def lda(name: str, small: bool, **wanted: Any) -> Work:
    made, epochs = problem(name, GAUSSIAN, 1000 if name == "digits" else None, **wanted), 5 if small else 20
    make = partial(torch.nn.Linear, made.x.shape[1], made.num_classes)
    return Work(
        f"LDA, {len(made.x):,} {name}, beside a linear layer, 20 epochs",
        "models",
        (1, partial(peers.one_after_another, made, make, epochs, 1)),
        (1024, partial(trained, LDA(), made, 1024)),
        partial(same_accuracy, made),
    )


def linear_sums(name: str, small: bool, **wanted: Any) -> Work:
    noise = Smoothing(features=Flip(0.6), labels=Flip(0.6), test=Flip(0.8))
    made, models = problem(name, noise, None, "binary", **wanted), 2 if small else 20
    streams = partial(randomness.generators, 0, range(models))
    return Work(
        f"class sums of Linear, {len(made.x):,} {name}, beside noise row by row",
        "models",
        (models, lambda: sample_rows(made, streams())),
        (models, lambda: class_sums.sample_class_sums(made, streams())),
        lambda rows, drawn: (rows.sizes.sum() - drawn.sizes.sum()).abs() < 1 and rows.sums.shape == drawn.sums.shape,
    )


def kept_votes(small: bool) -> Work:
    data = load("digits", classes=(0, 1), points=20 if small else None)
    smoothing, learner, patches = Smoothing(rows=ClassBagging.of(data)), RobustLinear(), [AnyPatch(1), AnyPatch(3)]
    made, models = Problem.of(data, smoothing), 16 if small else 1000

    def one_by_one() -> list[np.ndarray]:
        streams = randomness.generators(0, range(2))
        models = list(zip(*(part.double().numpy() for part in learner.train(made, streams).linear()), strict=True))
        points = data.x_test.reshape(data.num_points, -1)
        return [sum(kept(w, b, points, patch, data.shape, e)[1] for w, b, e in models) for patch in patches]

    return Work(
        "votes held against 1x1 and 3x3 patches, digits 0/1, beside a loop over models",
        "models",
        (2, one_by_one),
        (models, lambda: collect(data, smoothing, learner, data.x_test, models, triggers=patches)),
        lambda looped, _: np.array_equal(
            looped, collect(data, smoothing, learner, data.x_test, 2, triggers=patches).kept.sum(axis=-1)
        ),
    )


def label_flips(small: bool) -> Work:
    data, few, many = load("mnist", view="binary", classes=(1, 7)), 2 if small else 10, 10 if small else 2163
    model = LeastSquares.fit(data.x)
    return Work(
        "Rosenfeld et al., 13,007 mnist, bounds",
        "points",
        (few, partial(peers.chernoff, model, data, few, 0.7)),
        (many, lambda: label_flip_bounds(model, data.x_test[:many], data.y, Flip(0.7)).miss),
        lambda one, all_: np.allclose(all_[:few], one, rtol=1e-4),
    )


def neighbours(small: bool) -> Work:
    data = load("mnist", view="unit", classes=(0, 1), points=10 if small else 500)
    x, points = data.x.reshape(data.num_rows, -1), data.x_test.reshape(data.num_points, -1)
    return Work(
        "smoothed 1-nearest neighbour, 12,665 mnist, bounds",
        "points",
        (1, partial(peers.bucketised, x.astype(float), data.y, points[0], 1.0)),
        (len(points), lambda: neighbour_bounds(x, data.y, points, 1.0, 2, 500, 1)),
        lambda published, ours: published.argmax() == ours.miss[0].argmin() and (ours.upper + ours.miss < 1.002).all(),
    )


def confidence(small: bool) -> Work:
    scores = np.random.default_rng(0).beta(18, 2, 10_000 if small else 100_000)
    return Work(
        "Kumar et al., 100,000 scores, bounds",
        "radii",
        (1, partial(peers.kumar, scores, 0.5, 0.5, ALPHA)),
        (8, lambda: expected(scores[None], [Gaussian(0.5).shift(r / 4) for r in range(8)], ALPHA, thresholds=10_000)),
        lambda one, eight: math.isclose(eight[0, 2], one, abs_tol=1e-9),
    )


def cohen(small: bool) -> Work:
    top = np.random.default_rng(0).integers(40_000, 100_001, 1000)
    votes, picked = np.stack([top, 100_000 - top], axis=1), np.tile([1, 0], (1000, 1))
    smoothing = Smoothing(test=Gaussian(0.5))
    return Work(
        "Cohen et al., radii from counts",
        "points",
        (1000, partial(peers.cohen, top, 100_000, 0.5, ALPHA)),
        (1000, lambda: radius(clopper_pearson(votes, ALPHA, selection=picked), smoothing).radius),
        lambda one, all_: np.allclose(all_, one, atol=1e-9),
    )


def thresholds(values: int, small: bool) -> Work:
    return Work(
        f"exact thresholds of 0 to 20 changes, {values} values, beside a list of regions",
        "lists",
        (1, lambda: [peers.filled(peers.regions("4/5", values, r)) for r in range(21)]),
        (1, lambda: [flips("4/5", values, r).threshold() for r in range(21)]),
        lambda listed, ours: listed == ours,
    )


WORKS: list[Callable[[bool], Work]] = [
    *(partial(mlp, "digits", 32, 256, precision, side=8) for precision in ("float32", "bfloat16")),
    *(partial(mlp, "mnist", 64, 20, precision, classes=(1, 7)) for precision in ("float32", "bfloat16")),
    *(partial(cnn, precision) for precision in ("float32", "bfloat16")),
    own_module,
    partial(lda, "digits", side=8),
    partial(lda, "mnist", classes=(1, 7)),
    partial(linear_sums, "digits", classes=(1, 7)),
    partial(linear_sums, "mnist", classes=(1, 7)),
    kept_votes,
    label_flips,
    neighbours,
    confidence,
    cohen,
    partial(thresholds, 2),
    partial(thresholds, 256),
]


def needs_mnist(work: Callable[[bool], Work]) -> bool:
    """Return True if a line is of MNIST."""
    given = getattr(work, "args", ())
    return "mnist" in given or getattr(work, "func", work) in (cnn, label_flips, neighbours)


def seconds(call: Callable[[], Any]) -> float:
    clock = time.perf_counter if GPU == "cuda" else time.process_time
    began = clock()
    call()
    return clock() - began


@cache
def ceiling(device: str) -> float:
    """Floating-point operations a second in a large float32 product, of one core or of a GPU."""
    size = 1024 if device == "cpu" else 8192
    a = torch.randn(size, size, device=device)
    with determinism.reproducible():  # with the library that models use
        return 2 * size**3 / min(seconds(lambda: (a @ a)[0, 0].item()) for _ in range(20))


def line(work: Work, turns: int = 3) -> str:
    """Return a line of the table."""
    work.ours[1]()  # what is made once is made
    times = [(seconds(work.peer[1]), seconds(work.ours[1])) for _ in range(turns)]
    peer, ours = (units / min(spent) for (units, _), spent in zip(work[2:4], zip(*times, strict=True), strict=True))
    share = f"{work.flops * ours / ceiling(GPU if 'CNN' in work.name else 'cpu'):.0%}" if work.flops else ""
    return f"| {work.name} | {_read(peer)} {work.unit}/s | {_read(ours)} | {_read(ours / peer)}x | {share} |"


def _read(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def lines(words: list[str]) -> Iterator[str]:
    """Yield the table, line by line."""
    yield HEAD
    yield "|---|---|---|---|---|"
    here = SOURCES["mnist"].present(data_root())
    for make in WORKS:
        if here or not needs_mnist(make):
            work = make(False)
            if not words or any(word in work.name for word in words):
                yield line(work)


def shown(page: str) -> str:
    """Return the table that a page shows."""
    return re.search(re.escape(HEAD) + r"\n(\|.*\n)*", page)[0]


def main(words: list[str], write: bool) -> None:
    """Print the table, and write it into RESULTS.md if asked to."""
    if write and (words or not SOURCES["mnist"].present(data_root())):
        sys.exit("--write takes no words, and needs MNIST in $RSBD_DATA: it writes all lines of the table")
    torch.set_num_threads(1)
    table = ""
    for text in lines(words):
        print(text, flush=True)
        table += f"{text}\n"
    if write:
        page = RESULTS.read_text("utf-8")
        RESULTS.write_text(page.replace(shown(page), table), "utf-8")


if __name__ == "__main__":
    main([word for word in sys.argv[1:] if word != "--write"], "--write" in sys.argv)
