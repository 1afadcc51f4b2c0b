"""Devices that are not there, or not whole: one sentence each, before any work. No Apple machine is at hand."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from rsbd import Bagging, Dataset, Flip, Linear, Smoothing, collect, load
from rsbd.attacks import BadPatch
from rsbd.attacks.poisoning import Poisoning
from rsbd.ensemble import blocks, devices
from rsbd.ensemble.devices import pick_device
from rsbd.ensemble.one_model import FixedModel
from rsbd.errors import InputError
from rsbd.learners import CNN, LDA, MLP, HashedTestNoise, Learner, ResNet
from rsbd.recipes.experiment import Experiment
from rsbd.recipes.report import report

FLIPS = Smoothing(features=Flip(0.8), labels=Flip(0.8, 2), test=Flip(0.8))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", side=8, classes=(0, 1), rows=40, points=10)


@pytest.mark.parametrize("name", ["warp", "", "CPU", "auto ", "cuda:", "cuda:-1", "cuda:x", "é", None, 3, 1.5])
def test_no_such_device(name: Any) -> None:
    with pytest.raises(InputError, match=r"^there is no device '.*': use the device auto, or one such as cpu"):
        pick_device(name)


@pytest.mark.parametrize("name", ["meta", "xla", "vulkan", "hpu", "cuda:99", torch.device("meta")])
def test_a_device_that_is_not_here(name: Any) -> None:
    with pytest.raises(InputError, match=r"^device '.*' does not work here \([^\n]{5,170}\): use the device auto$"):
        pick_device(name)


def test_a_device_may_be_an_object(digits: Dataset, tmp_path: Path) -> None:
    assert [pick_device(name) for name in ("cpu", "cpu:0", torch.device("cpu"))] == ["cpu"] * 3  # type: ignore[arg-type]
    device: Any = torch.device("cpu")
    e = Experiment(digits, Poisoning(BadPatch(2), 0, 0.1), FLIPS, num_models=8, device=device)
    report(e.run()).write(tmp_path)
    assert json.loads((tmp_path / "result.json").read_text())["settings"]["device"] == "cpu"


def test_what_a_device_lacks_is_one_sentence(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch knows of Apple's device here, too, and fails on the first thing asked of it."""
    monkeypatch.setattr(devices, "pick_device", str)
    task = blocks.Task.of(digits, FLIPS, Linear(), digits.x_test, 0, "mps")
    said = r"^device 'mps' lacks what Linear needs here \(.*(MPS|mps).*\): use the device cpu$"
    with pytest.raises(InputError, match=said):
        blocks.vote_in_block(task, (0, 8))


@pytest.mark.skipif(torch.cuda.device_count() > 99, reason="the device of this test is here")
@pytest.mark.parametrize("learner", [Linear(), LDA(), MLP(), CNN(), ResNet(), HashedTestNoise(LDA(), Flip(0.8))])
def test_workers_alone_need_the_device(digits: Dataset, learner: Learner) -> None:
    """Whoever hands out blocks knows their size without it; a worker that has no such device says so."""
    task = blocks.Task.of(digits, FLIPS, learner, digits.x_test, 0, "cuda:99")
    on_cpu = blocks.models_per_block(replace(task, device="cpu"))
    assert blocks.models_per_block(task) >= on_cpu
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(InputError, match=r"^device 'cuda:99' does not work here"),
    ):
        collect(digits, replace(FLIPS, test=None), learner, digits.x_test, 8, device="cuda:99", executor=pool)


@pytest.mark.parametrize(
    "error",
    [
        NotImplementedError("The operator 'aten::binomial' is not currently implemented for the MPS device. If you"),
        TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64."),
        RuntimeError("random_mps_ currently does not handle the lowest() -> max() range"),
        torch.OutOfMemoryError("MPS backend out of memory (allocated: 9 GB). Tried to allocate 1 GB"),
    ],
)
def test_errors_of_such_devices(error: Exception, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every way that models are trained; on the CPU the same errors are faults of ours, and stay what they are."""

    def fail(*_: object) -> Any:
        raise error

    monkeypatch.setattr(Linear, "train", fail)
    if not isinstance(error, torch.OutOfMemoryError):
        with pytest.raises(type(error)):
            collect(digits, FLIPS, Linear(), digits.x_test, 8, device="cpu")
    monkeypatch.setattr(devices, "COMPLETE", ())  # the CPU plays a device that is not whole
    first = str(error).partition(". ")[0].rstrip(".")
    asks = (
        lambda: collect(digits, FLIPS, Linear(), digits.x_test, 8, device="cpu"),
        lambda: FixedModel.train(digits, Flip(0.8), Linear(), device="cpu"),
    )
    for ask in asks:
        with pytest.raises(InputError, match=r"use the device cpu$") as found:
            ask()
        assert first in str(found.value)
        assert "\n" not in str(found.value)


@pytest.mark.parametrize("noise", [Bagging(5), Flip(0.8)])
def test_no_draw_makes_do_with_fewer_bits(noise: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apple's device draws from 32 bits whatever range it is given, and refuses whole words alone: those are asked."""
    asked: list[tuple[Any, ...]] = []
    real = torch.Tensor.random_

    def apples(tensor: torch.Tensor, *given: Any, generator: torch.Generator) -> torch.Tensor:
        asked.append(given)
        return real(tensor, *given, generator=generator)

    monkeypatch.setattr(torch.Tensor, "random_", apples)
    generator = torch.Generator().manual_seed(0)
    if isinstance(noise, Bagging):
        noise.draw(torch.zeros(1000), [generator])
    else:
        noise.sample(torch.ones(3, 5), generator)
    assert asked
    assert all(given == (-(2**63), None) or given[1] - given[0] <= 2**31 for given in asked)
