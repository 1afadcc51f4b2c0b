"""Products of an ensemble: float32, on one thread, by one library from beginning to end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from rsbd.data import load
from rsbd.ensemble import collect
from rsbd.learners import CNN, MLP, Module, Problem, determinism, randomness
from rsbd.noises import Flip
from rsbd.noises.smoothing import Smoothing

matmul = torch.backends.mkldnn.matmul


@pytest.fixture
def restored():
    """Take back what a test sets."""
    parts = matmul, torch.backends.cuda.matmul
    precisions = [part.fp32_precision for part in parts]
    yield
    for part in parts:
        part.fp32_precision = "none"
    torch.set_float32_matmul_precision("highest")
    for part, precision in zip(parts, precisions, strict=True):
        part.fp32_precision = precision


def inside(what):
    """Ask something of a worker that is at work."""
    with determinism.reproducible():
        return what()


def settings():
    cuda = torch.backends.cuda.matmul
    return (
        torch.get_num_threads(), torch.get_float32_matmul_precision(), matmul.fp32_precision, cuda.fp32_precision,
        cuda.allow_tf32,
    )  # fmt: skip


@pytest.mark.parametrize("precision", ["as it is", "highest", "high", "medium"])
def test_what_was_set_before_is_set_again(precision, restored):
    if precision != "as it is":
        torch.set_float32_matmul_precision(precision)
    before = settings()
    assert inside(torch.get_num_threads) == 1
    with pytest.raises(ZeroDivisionError):
        inside(lambda: 1 / 0)
    assert settings() == before


def test_mixed_settings_of_the_user_are_set_again(restored):
    """With them torch's getter raises before, during and after."""
    matmul.fp32_precision = "tf32"
    with pytest.raises(RuntimeError):
        torch.get_float32_matmul_precision()
    a, b = torch.randn(8, 64, 784), torch.randn(8, 784, 128)
    mixed = inside(lambda: a @ b)
    assert matmul.fp32_precision == "tf32"
    matmul.fp32_precision = "none"
    assert torch.equal(inside(lambda: a @ b), mixed)


def test_torch_says_its_precision_while_models_train():
    """Other code of the process may ask at any time, in a callback or in another thread."""
    data, seen = load("digits", side=8, classes=(0, 1), rows=40, points=20), []
    noise = Smoothing(features=Flip(0.8))

    def ask(_):
        seen.append((torch.get_float32_matmul_precision(), torch.backends.cuda.matmul.allow_tf32))

    collect(data, noise, MLP((8,), epochs=1), data.x_test, 192, progress=ask)
    assert len(seen) > 1
    inside(lambda: ask(None))
    thread = threading.Thread(target=inside, args=(lambda: ask(None),))
    thread.start()
    thread.join()
    assert torch.get_float32_matmul_precision() == "highest"


def test_a_gpu_in_the_machine_keeps_the_precision_that_the_user_chose(monkeypatch):
    """The permission would let a GPU round to 10 bits, in code that is not of this package."""
    determinism.keeps_float32.cache_clear()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert inside(torch.get_float32_matmul_precision) == torch.get_float32_matmul_precision()
    determinism.keeps_float32.cache_clear()


def test_where_bfloat16_would_round_nothing_is_set(monkeypatch):
    monkeypatch.setattr(determinism, "keeps_float32", lambda: False)
    assert inside(lambda: matmul.fp32_precision) == matmul.fp32_precision


@pytest.mark.parametrize(
    "shape", [(64, 32, 64, 128), (5, 64, 784, 128), (64, 10, 32, 125), (3, 2, 64, 100), (1, 300, 700, 9)]
)
def test_products_are_as_exact_as_float32_can_be(shape):
    models, out, inner, rows = shape
    g = torch.Generator().manual_seed(0)
    a = torch.randn(models, out, inner, generator=g)
    b = torch.randn(models, inner, rows, generator=g)
    exact = a.double() @ b.double()
    for x, y in ((a, b), (a.mT.contiguous().mT, b), (a, b.mT.contiguous().mT)):
        found = inside(lambda x=x, y=y: x @ y)
        assert (found - exact).abs().max() < 2e-6 * inner**0.5 * exact.abs().max()  # bfloat16 is off by 100 times that


def test_a_product_does_not_change_when_another_worker_goes():
    """The setting belongs to the process: it stays until the last worker has gone."""
    a, b = torch.randn(8, 64, 784), torch.randn(8, 784, 128)
    wanted = inside(lambda: a @ b)
    come, go, wrong = threading.Event(), threading.Event(), []

    def other():
        with determinism.reproducible():
            come.set()
            go.wait()

    thread = threading.Thread(target=other)
    thread.start()
    come.wait()
    with determinism.reproducible():
        go.set()
        thread.join()
        wrong += [i for i in range(20) if not torch.equal(a @ b, wanted)]
    assert not wrong


def test_threads_are_given_back_when_the_last_worker_goes():
    """Workers that overlap must not take each other's single thread for what was set before."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(lambda _: inside(torch.get_num_threads), range(200))) == {1}
        with ThreadPoolExecutor(1) as pool:  # a thread that is new asks what is set for the process
            assert pool.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("kind", ["module", "cnn"])
def test_networks_allow_a_gpu_no_algorithm_that_gives_other_bits_again(kind, monkeypatch):
    """In training and in voting; what was set before is set again."""
    cudnn, cublas, seen = torch.backends.cudnn, torch.backends.cuda.matmul, []
    convolve = nn.functional.conv2d

    def look():
        return cudnn.deterministic, cudnn.benchmark, cublas.allow_bf16_reduced_precision_reduction

    def spy(*args, **settings):
        seen.append(look())
        return convolve(*args, **settings)

    monkeypatch.setattr(cudnn, "benchmark", True)
    before = look()
    monkeypatch.setattr(nn.functional, "conv2d", spy)
    learner = CNN((2,), 4, epochs=1) if kind == "cnn" else Module(convolution, epochs=1, together=2)
    problem = Problem(torch.rand(8, 64), torch.arange(8) % 2, 2, None, (8, 8), Smoothing())
    streams = randomness.generators(0, range(2))
    models = inside(lambda: learner.train(problem, streams))
    trained = len(seen)
    inside(lambda: models.predict(problem.x, None, streams))
    assert 0 < trained < len(seen)
    assert set(seen) == {(True, False, False)}
    assert look() == before != seen[0]


def convolution():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 2))


def test_a_thread_that_came_while_others_worked_gives_back_all_threads():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with ThreadPoolExecutor(1) as other, ThreadPoolExecutor(1) as new:
            with determinism.reproducible():
                assert other.submit(torch.get_num_threads).result() == 1

            def work():
                with determinism.reproducible():
                    return determinism.num_workers()

            assert other.submit(work).result() == 3
            assert new.submit(torch.get_num_threads).result() == 3
    finally:
        torch.set_num_threads(before)
