"""CUDA has all that learners ask of torch, and Apple's GPU all that networks do: held against torch's own list."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
from problems import digits
from torch.utils._python_dispatch import TorchDispatchMode

from rsbd.learners import CNN, LDA, MLP, HashedTestNoise, Linear, ResNet, RobustLinear, randomness
from rsbd.learners.linear import class_sums
from rsbd.noises import Bagging, Flip, Gaussian, Uniform
from rsbd.noises.smoothing import Smoothing

pytest.importorskip("yaml")  # which torch needs for its own list
torchgen = pytest.importorskip("torchgen.gen")
DispatchKey = pytest.importorskip("torchgen.model").DispatchKey

NETWORKS = MLP(epochs=1), CNN((2,), 4, epochs=1), ResNet(width=4, epochs=1)
BELL = Smoothing(features=Gaussian(0.5), test=Gaussian(0.5))
FLIPS = Smoothing(Bagging(40), Flip(0.8, 17), Flip(0.8, 10), Flip(0.8, 17))
BITS = Smoothing(features=Flip(0.8), labels=Flip(0.8, 10), test=Flip(0.8))


class Asked(TorchDispatchMode):
    """Notes the operators that are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.name())
        return func(*args, **kwargs or {})


def asked(learner, smoothing):
    problem, x, _ = digits(smoothing, rows=60, points=5)
    problem = replace(problem, x=problem.x.round())
    streams = randomness.generators(0, range(2))
    with Asked() as mode:
        learner.train(problem, streams).predict(x, smoothing.test, streams)
    return mode.names


@lru_cache
def listed():
    folder = Path(torchgen.__file__).parent / "packaged/ATen/native"
    found = torchgen.parse_native_yaml(str(folder / "native_functions.yaml"), str(folder / "tags.yaml"))
    functions = {f"aten::{function.func.name}": function for function in found.native_functions}
    return functions, found.backend_indices


def lacking(names, key):
    """Which of the operators have no kernel there, neither of their own nor made of others."""
    functions, kernels = listed()
    found = set()
    for name in names:
        function = functions[name]
        whole = functions[f"aten::{function.structured_delegate or function.func.name}"]
        if not (function.has_composite_kernel or any(kernels[key].has_kernel(f) for f in (function, whole))):
            found.add(name)
    return found


LEARNERS = (*NETWORKS, Linear(), RobustLinear(), LDA(), HashedTestNoise(LDA(), Gaussian(0.5)))


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: type(learner).__name__)
def test_cuda_has_all_that_learners_ask_for(learner, monkeypatch):
    monkeypatch.setattr(class_sums, "_ADDED", 10**9)  # a GPU moves no single rows
    hashed = isinstance(learner, HashedTestNoise)
    for smoothing in (BELL, FLIPS, BITS):
        names = asked(learner, replace(smoothing, test=None) if hashed else smoothing)
        assert len(names) > 20
        assert not lacking(names, DispatchKey.CUDA)


@pytest.mark.parametrize("learner", NETWORKS, ids=lambda learner: type(learner).__name__)
def test_apple_has_what_networks_ask_for_under_continuous_noise(learner):
    for noise in (Gaussian(0.5), Uniform(1)):
        assert not lacking(asked(learner, Smoothing(features=noise, test=noise)), DispatchKey.MPS)


def test_what_is_missing_is_seen():
    """No release of torch had all that the closed forms asked for, so they ask for neither any more."""
    wanting, missing = {"aten::_linalg_eigh", "aten::binomial"}, {"aten::linalg_eig", "aten::ormqr"}
    assert lacking({"aten::add.Tensor", *missing}, DispatchKey.MPS) == missing
    assert not wanting & (asked(LDA(), BELL) | asked(Linear(), BITS))
    assert lacking({"aten::histogram.bin_ct"}, DispatchKey.CUDA)
