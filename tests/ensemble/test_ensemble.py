"""An ensemble is the same however it is computed, and says at once what cannot work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from copies import forkserver
from reversed_executor import Reversed

from rsbd.data import Dataset, load
from rsbd.ensemble import blocks, collect, stream
from rsbd.ensemble.blocks import PackedFeatures, Task
from rsbd.ensemble.devices import pick_device
from rsbd.ensemble.one_model import FixedModel, stream_confidences
from rsbd.ensemble.votes import Votes
from rsbd.errors import InputError
from rsbd.learners import LDA, MLP, Learner, Linear
from rsbd.learners.linear.linear import LinearModels
from rsbd.noises import Flip, Gaussian
from rsbd.noises.smoothing import Smoothing

FLIPS = Smoothing(features=Flip(0.8), labels=Flip(0.8, 2), test=Flip(0.8))
GAUSSIAN = Smoothing(features=Gaussian(0.5), labels=Flip(0.8, 2), test=Gaussian(0.5))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", side=8, classes=(0, 1), rows=100, points=60)


def gather(
    data: Dataset,
    smoothing: Smoothing = FLIPS,
    num_models: int = 256,
    learner: Learner = Linear(),  # noqa: B008  (frozen)
    **options: Any,
) -> Votes:
    return collect(data, smoothing, learner, data.x_test, num_models, seed=3, **options)


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    """Yield two processes, for all tests."""
    with ProcessPoolExecutor(2, forkserver()) as pool:
        yield pool


@pytest.mark.slow
@pytest.mark.parametrize("learner", [Linear(), MLP((8,), epochs=2)], ids=["linear", "mlp"])
@pytest.mark.parametrize("smoothing", [FLIPS, GAUSSIAN], ids=["flips", "Gaussian"])
def test_counts_do_not_depend_on_executor_order_or_process(
    digits: Dataset, smoothing: Smoothing, learner: Learner, processes: Executor
) -> None:
    expected = gather(digits, smoothing, learner=learner)
    assert expected.counts.sum(1).tolist() == [256] * 60
    for executor in (ThreadPoolExecutor(1), ThreadPoolExecutor(3), Reversed(), processes):
        found = gather(digits, smoothing, learner=learner, executor=executor)
        assert np.array_equal(found.counts, expected.counts)


def test_a_preview_is_of_the_first_models_and_not_of_the_fastest(digits: Dataset) -> None:
    with Reversed() as executor:
        seen = list(stream(digits, FLIPS, Linear(), digits.x_test, 256, executor=executor))
    assert [votes.models for votes in seen] == [((0, 64 * done),) for done in (1, 2, 3, 4)]


@pytest.mark.parametrize("smoothing", [FLIPS, GAUSSIAN], ids=["flips", "Gaussian"])
def test_a_run_that_stopped_anywhere_goes_on_to_the_same_counts(digits: Dataset, smoothing: Smoothing) -> None:
    expected = gather(digits, smoothing)
    for stop in (1, 63, 64, 65, 200):
        part = gather(digits, smoothing, num_models=stop)
        assert part.num_models == stop
        whole = gather(digits, smoothing, resume=part)
        assert whole.models == ((0, 256),)
        assert np.array_equal(whole.counts, expected.counts)


def test_models_of_different_numbers_and_seeds_differ(digits: Dataset) -> None:
    first, second = gather(digits, num_models=64), gather(digits, num_models=128)
    assert not np.array_equal(second.counts - first.counts, first.counts)
    other = collect(digits, FLIPS, Linear(), digits.x_test, 64, seed=4)
    assert not np.array_equal(other.counts, first.counts)


def test_resuming_refuses_votes_of_another_experiment(digits: Dataset) -> None:
    part = gather(digits, num_models=64)
    with pytest.raises(InputError, match="differ in dataset"):
        gather(digits.replace(y=1 - digits.y), resume=part)


def test_stream_grows_and_stops_when_it_is_closed(digits: Dataset) -> None:
    seen = []
    for votes in stream(digits, FLIPS, Linear(), digits.x_test, 10_000_000, seed=3):
        seen.append(votes.num_models)
        if len(seen) == 3:
            break
    assert seen == [64, 128, 192]


def test_cancel_and_progress(digits: Dataset) -> None:
    cancel, seen = threading.Event(), []

    def watch(votes: Votes) -> None:
        seen.append(votes.num_models)
        if len(seen) == 2:
            cancel.set()

    with pytest.raises(CancelledError):
        gather(digits, num_models=100_000, progress=watch, cancel=cancel)
    assert len(seen) == 2


def test_threads_of_torch_are_left_as_they_were(digits: Dataset) -> None:
    before = torch.get_num_threads()
    gather(digits)
    assert torch.get_num_threads() == before


def test_votes_follow_the_noise(digits: Dataset) -> None:
    """With almost no noise the ensemble agrees and is right; with noise that hides everything it guesses."""
    clear = replace(FLIPS, features=Flip("999/1000"), labels=Flip("999/1000"), test=Flip("999/1000"))
    agreed = gather(digits, clear)
    assert np.mean(agreed.label == digits.y_test) > 0.95
    assert agreed.counts.max(1).mean() / 256 > 0.98
    hidden = replace(FLIPS, features=Flip("501/1000"), labels=Flip("501/1000"), test=Flip("501/1000"))
    assert gather(digits, hidden).counts.max(1).mean() / 256 < 0.75


BAD = [
    ({"num_models": 0}, "from 1 to 10,000,000"),
    ({"num_models": 20_000_000}, "from 1 to 10,000,000"),
    ({"device": "warp"}, "the device auto"),
    ({"smoothing": replace(FLIPS, labels=Flip(0.8, 10))}, "2 classes"),
    ({"smoothing": replace(FLIPS, features=Flip(0.8, 3))}, "takes 2 values"),
    ({"smoothing": replace(FLIPS, test=Flip(0.8, 3))}, "takes 2 values"),
]


@pytest.mark.parametrize(("change", "words"), BAD)
def test_bad_settings_are_one_sentence(digits: Dataset, change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        gather(digits, **change)


def test_flips_on_continuous_features_are_refused() -> None:
    data = load("digits", side=8, view="unit", classes=(0, 1), rows=50, points=10)
    with pytest.raises(InputError, match="continuous"):
        gather(data)


def test_points_of_another_shape_are_refused(digits: Dataset) -> None:
    with pytest.raises(InputError, match="features"):
        collect(digits, FLIPS, Linear(), digits.x_test[:, :4], 10)


def test_points_between_the_levels_of_their_noise_are_refused(digits: Dataset) -> None:
    """A bit of 0.3 turns into 0.7: no changed point shows either, so a model that looks for them finds the change."""
    gray = digits.x_test * np.float32(0.5) + np.float32(0.2)
    bits = FixedModel.train(digits, Flip(0.8), Linear())
    for ask in (
        lambda: collect(digits, FLIPS, Linear(), gray, 10),
        lambda: next(stream_confidences(digits, FLIPS, Linear(), gray, range(10))),
        lambda: bits.votes(gray, range(10)),
        lambda: next(bits.confidences(gray, range(10))),
    ):
        with pytest.raises(InputError, match="off the 2 levels"):
            ask()
    assert collect(digits, replace(FLIPS, test=None), Linear(), gray, 10).num_models == 10


def test_a_vote_is_for_a_class(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that abstains half the time has half the probability: bounds from its other votes would be twice that."""
    plain = LinearModels.predict

    def shy(models: LinearModels, *asked: Any) -> torch.Tensor:
        return torch.where(torch.arange(len(models.weights))[:, None] % 2 == 0, plain(models, *asked), -1)

    monkeypatch.setattr(LinearModels, "predict", shy)
    with pytest.raises(InputError, match=r"labels from -1 to 1: use 0 to 1"):
        gather(digits)


def test_auto_device_is_one_that_works() -> None:
    assert pick_device(pick_device("auto")) in ("cpu", "cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU on this machine")
@pytest.mark.parametrize("learner", [Linear(), LDA(), MLP(epochs=5)], ids=["linear", "lda", "mlp"])
@pytest.mark.parametrize("smoothing", [FLIPS, GAUSSIAN], ids=["flips", "Gaussian"])
def test_votes_on_a_gpu_have_the_law_of_the_cpus(digits: Dataset, smoothing: Smoothing, learner: Learner) -> None:
    """Streams differ between devices, their law does not; on one device a seed gives the same counts again."""
    run = (digits, smoothing, learner, digits.x_test, 2000)
    cpu, gpu, other = (collect(*run, seed=s, device=d) for s, d in [(0, "cpu"), (1, "cuda"), (2, "cpu")])
    assert np.array_equal(collect(*run, seed=1, device="cuda").counts, gpu.counts)
    share = (cpu.counts[:, 1] + other.counts[:, 1]) / 4000
    seen = (share > 0.02) & (share < 0.98)
    spread = np.sqrt(2000 * share * (1 - share) * 1.5)[seen]
    distance = np.abs(gpu.counts[:, 1] - 2000 * share)[seen] / spread
    assert seen.sum() >= 3
    # Points share their models' noise, so their distances go together: the bound is wide.
    assert np.sqrt(np.mean(distance**2)) < 2.5


def test_a_store_goes_on_where_a_run_stopped(digits: Dataset, tmp_path: Path) -> None:
    expected = gather(digits)
    for votes in stream(digits, FLIPS, Linear(), digits.x_test, 256, seed=3, store=tmp_path):
        if votes.num_models >= 128:
            break
    (file,) = tmp_path.iterdir()
    seen: list[int] = []
    found = gather(digits, store=tmp_path, progress=lambda votes: seen.append(votes.num_models))
    assert seen[0] >= 64  # what was there came first
    assert np.array_equal(found.counts, expected.counts)
    assert gather(digits, store=tmp_path, progress=lambda votes: seen.append(0)).models == ((0, 256),)
    assert seen[-1] == 0
    assert seen.count(0) == 1  # nothing was trained again
    gather(digits, num_models=64, store=tmp_path)  # fewer than stored: counted anew, and the store is left alone
    assert Votes.load(file).num_models == 256


def test_another_experiment_has_another_file(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever determines the votes is part of their name, and its like is never taken for it."""
    same: dict[str, Any] = {
        "dataset": digits, "smoothing": FLIPS, "learner": Linear(), "x_test": digits.x_test, "seed": 3,
    }  # fmt: skip
    others = {
        "dataset": digits.replace(y=1 - digits.y), "smoothing": Smoothing(features=Flip(0.8), test=Flip(0.8)),
        "learner": MLP(hidden=(4,), epochs=1), "x_test": np.ascontiguousarray(digits.x_test[::-1]), "seed": 4,
    }  # fmt: skip
    first = collect(**same, num_models=64, store=tmp_path)
    for number, (name, other) in enumerate(others.items(), 2):
        found = collect(**{**same, name: other}, num_models=64, store=tmp_path)
        assert len(list(tmp_path.iterdir())) == number, name
        assert not np.array_equal(found.counts, first.counts), name
    collect(**same, num_models=8, store=tmp_path)
    assert len(list(tmp_path.iterdir())) == 6
    other_versions = {"code_version": (blocks, lambda: "0.0.1"), "__version__": (torch, "0.0.1")}
    for number, (name, (module, version)) in enumerate(other_versions.items(), 7):
        monkeypatch.setattr(module, name, version)
        collect(**same, num_models=8, store=tmp_path)
        assert len(list(tmp_path.iterdir())) == number, module
    task = Task.of(digits, FLIPS, Linear(), digits.x_test, 3, "cuda:1")
    assert task.manifest["device"] == "cuda"
    gray = np.float32([[0.5, 1]])
    assert np.array_equal(PackedFeatures.of(gray, 2).unpack("cpu"), gray)  # bits only where they are bits


def test_a_damaged_store_is_set_aside_and_redone(digits: Dataset, tmp_path: Path) -> None:
    expected = gather(digits, store=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.warns(UserWarning, match="set aside"):
        found = gather(digits, store=tmp_path)
    assert np.array_equal(found.counts, expected.counts)
    aside = file.with_name(file.name + ".damaged")
    assert aside.exists()
    file.write_bytes(b"damaged again")
    aside.unlink()
    aside.mkdir()
    with pytest.raises(InputError, match=r"and cannot be set aside as .*\.damaged \(.*: delete it and collect again"):
        gather(digits, store=tmp_path)
    assert file.read_bytes() == b"damaged again"
