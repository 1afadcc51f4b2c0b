"""Many machines through dask: the same counts as one process, also when a worker is killed on the way."""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from copies import forkserver

from rsbd.data import Dataset, load
from rsbd.ensemble import blocks, collect, workers
from rsbd.ensemble.votes import Votes
from rsbd.errors import InputError
from rsbd.learners import LDA, MLP, Learner, Linear
from rsbd.noises import Flip, Gaussian
from rsbd.noises.smoothing import Smoothing

distributed = pytest.importorskip("distributed", reason="pip install distributed")
dask = pytest.importorskip("dask")

FLIPS = Smoothing(features=Flip(0.8), labels=Flip(0.8, 2), test=Flip(0.8))
GAUSSIAN = Smoothing(features=Gaussian(0.5), labels=Flip(0.8, 2), test=Gaussian(0.5))


@pytest.fixture(scope="module")
def client() -> Iterator[object]:
    method = {"distributed.worker.multiprocessing-method": forkserver().get_start_method()}
    with pytest.MonkeyPatch.context() as patch, dask.config.set(method):
        patch.setattr(distributed.utils, "_forkserver_preload_set", True, raising=False)  # by `forkserver`
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, memory_limit=0
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


def run_dask(kind: str, folder: Path, arguments: list[str]) -> None:
    """Be `dask scheduler` or `dask worker`, and say nothing."""
    os.chdir(folder)
    for number in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    importlib.import_module(f"distributed.cli.dask_{kind}").main(arguments)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", side=8, classes=(0, 1), points=60)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("smoothing", "learner"),
    [(FLIPS, Linear()), (GAUSSIAN, LDA()), (GAUSSIAN, MLP((8,), epochs=2))],
    ids=["linear", "lda", "mlp"],
)
def test_a_cluster_counts_like_one_process(
    client: object, digits: Dataset, smoothing: Smoothing, learner: Learner
) -> None:
    run = (digits, smoothing, learner, digits.x_test, 640)
    with client.get_executor() as executor:  # type: ignore[attr-defined]
        found = collect(*run, seed=5, executor=executor)
    assert np.array_equal(found.counts, collect(*run, seed=5).counts)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_time_and_no_vote(client: object, digits: Dataset) -> None:
    run = (digits, FLIPS, Linear(), digits.x_test, 3200)
    victims: list[int] = []

    def kill_one(votes: Votes) -> None:
        if not victims and votes.num_models >= 640:
            pid = next(iter(client.run(os.getpid).values()))  # type: ignore[attr-defined]
            os.kill(pid, signal.SIGKILL)
            victims.append(pid)

    with client.get_executor(retries=3) as executor:  # type: ignore[attr-defined]
        found = collect(*run, seed=5, executor=executor, progress=kill_one)
    assert victims
    assert found.models == ((0, 3200),)
    assert np.array_equal(found.counts, collect(*run, seed=5).counts)


def test_what_is_sent_is_small_and_whole() -> None:
    """Bits travel as bits, and a worker finds the same numbers in them."""
    data = load("digits", side=8, points=100)
    noise = Smoothing(features=Flip(0.8), labels=Flip(0.8, 10), test=Flip(0.8))
    task = blocks.Task.of(data, noise, Linear(), data.x_test, 0, "cpu")
    sent = pickle.dumps(task)
    assert len(sent) < data.x.nbytes / 8
    back = pickle.loads(sent)
    assert back == task
    assert np.array_equal(blocks.training_set(back).x.numpy(), data.x.reshape(data.num_rows, -1))
    assert np.array_equal(blocks.test_points(back).numpy(), data.x_test.reshape(data.num_points, -1))
    unit = load("digits", side=8, view="unit", points=100)
    task = blocks.Task.of(unit, GAUSSIAN, Linear(), unit.x_test, 0, "cpu")
    assert np.array_equal(task.x.unpack("cpu").numpy(), unit.x.reshape(unit.num_rows, -1))


@pytest.mark.slow
def test_a_scheduler_that_is_killed_is_one_sentence_and_costs_no_vote(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes, as `dask scheduler` and `dask worker` start them. It dies at the worst of times.

    While the client fetches a result: of such a future dask says nothing more, for ever.
    """
    monkeypatch.setattr(workers, "_PATIENCE", 0.5)
    file = tmp_path / "scheduler.json"
    given = ["--scheduler-file", str(file), "--no-dashboard"]
    options = {
        "scheduler": ["--host", "127.0.0.1", "--port", "0"],
        "worker": ["--nthreads", "1", "--no-nanny", "--death-timeout", "60"],
    }
    scheduler, worker = (
        forkserver().Process(target=run_dask, args=(kind, tmp_path, given + more)) for kind, more in options.items()
    )
    scheduler.start()
    worker.start()
    run = (digits, FLIPS, Linear(), digits.x_test, 3200)

    enough = threading.Event()

    def note(votes: Votes) -> None:
        if votes.num_models >= 640:
            enough.set()

    try:
        for _ in range(600):
            if file.exists() and file.stat().st_size:
                break
            time.sleep(0.1)
        with (
            distributed.Client(scheduler_file=str(file), timeout="60s") as client,
            client.get_executor() as executor,
        ):
            fetch = client._gather_remote

            async def kill_and_fetch(*where: object) -> object:
                if enough.is_set():
                    scheduler.kill()
                    scheduler.join()
                return await fetch(*where)

            monkeypatch.setattr(client, "_gather_remote", kill_and_fetch)
            with pytest.raises(
                InputError, match=r"^the executor gave up \(.*\): give one that works, and the run goes on"
            ):
                collect(*run, seed=5, executor=executor, progress=note, store=tmp_path / "votes")
        (kept,) = (tmp_path / "votes").iterdir()
        assert 640 <= Votes.load(kept).num_models < 3200
        found = collect(*run, seed=5, store=tmp_path / "votes")
        assert np.array_equal(found.counts, collect(*run, seed=5).counts)
    finally:
        for process in (scheduler, worker):
            process.terminate()
            process.join(60)
