"""Executors that give up and stores that cannot be written to: one clear sentence, and no vote is lost."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rsbd import Flip, Linear, Smoothing, load
from rsbd.data import Dataset
from rsbd.ensemble import collect, stream, workers
from rsbd.ensemble.votes import Votes
from rsbd.errors import InputError

FLIPS = Smoothing(features=Flip(0.8), labels=Flip(0.8, 2), test=Flip(0.8))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", side=8, classes=(0, 1), rows=60, points=40)


@pytest.fixture(scope="module")
def expected(digits: Dataset) -> Votes:
    return gather(digits, num_models=64 * 104)


def gather(data: Dataset, num_models: int = 256, **options: Any) -> Votes:
    return collect(data, FLIPS, Linear(), data.x_test, num_models, seed=3, **options)


class Wrapped(Executor):
    """An executor of one worker that does something else with one of the blocks that it is given."""

    def __init__(self, number: int, otherwise: Callable[[Executor, Future[Any]], Future[Any]]) -> None:
        self.inner, self.number, self.otherwise, self.given = ThreadPoolExecutor(1), number, otherwise, 0

    def submit(self, work: Any, /, *things: Any, **named: Any) -> Future[Any]:
        self.given += 1
        future = self.inner.submit(work, *things, **named)
        return self.otherwise(self.inner, future) if self.given == self.number else future


def shut(inner: Executor, future: Future[Any]) -> Future[Any]:
    inner.shutdown(wait=False)
    return future


def cancelled(inner: Executor, future: Future[Any]) -> Future[Any]:
    assert future.cancel()
    return future


def broken(inner: Executor, future: Future[Any]) -> Future[Any]:
    return inner.submit(fail, BrokenProcessPool("A process was terminated abruptly"))


def fail(error: Exception) -> None:
    raise error


@pytest.mark.slow
@pytest.mark.parametrize("otherwise", [shut, cancelled, broken])
def test_an_executor_that_gives_up_is_one_sentence_and_costs_no_vote(
    digits: Dataset, tmp_path: Path, expected: Votes, otherwise: Any
) -> None:
    with pytest.raises(InputError, match=r"^the executor gave up \(.+\): give one that works, .* --out$"):
        gather(digits, num_models=64 * 200, executor=Wrapped(100, otherwise), store=tmp_path)
    (file,) = tmp_path.iterdir()
    assert Votes.load(file).num_models >= 64 * 30  # of a second, in which nothing is written between
    assert np.array_equal(gather(digits, num_models=64 * 104, store=tmp_path).counts, expected.counts)


class Forgetful(Executor):
    """An executor that forgets one block for ever; then it refuses new work, or cancels what it had accepted."""

    def __init__(self, refuses: bool) -> None:
        self.inner, self.refuses, self.given = ThreadPoolExecutor(1), refuses, 0

    def submit(self, work: Any, /, *things: Any, **named: Any) -> Future[Any]:
        self.given += 1
        if self.given < 10:
            done = self.inner.submit(work, *things, **named)
            done.exception()  # on a busy machine too, all other blocks are there before one is missed
            return done
        if self.given > 10 and self.refuses:
            raise KeyError("Client is closed")  # as dask does, with an error of its own kind
        future: Future[Any] = Future()
        if self.given > 10:
            future.cancel()
        return future


@pytest.mark.parametrize("refuses", [True, False])
def test_an_executor_that_forgets_a_block_does_not_hang_a_run(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    monkeypatch.setattr(workers, "_PATIENCE", 0.01)
    with pytest.raises(
        InputError, match=r"gave up \(('Client is closed'|it cancelled work that it had accepted)\): give"
    ):
        gather(digits, num_models=64 * (10 if refuses else 20), executor=Forgetful(refuses), store=tmp_path)
    assert Votes.load(next(tmp_path.iterdir())).num_models == 64 * 9


def test_a_block_that_takes_long_is_waited_for(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(inner: Executor, future: Future[Any]) -> Future[Any]:
        return inner.submit(lambda: (time.sleep(0.1), future.result())[1])

    def late(inner: Executor, _: object) -> Future[Any]:
        return inner.submit(fail, TimeoutError("of a learner of one's own"))

    monkeypatch.setattr(workers, "_PATIENCE", 0.01)
    expected = gather(digits)
    assert np.array_equal(gather(digits, executor=Wrapped(2, slow)).counts, expected.counts)
    with pytest.raises(TimeoutError, match="one's own"):
        gather(digits, executor=Wrapped(2, late))


def test_an_executor_that_is_none_or_was_shut_down(digits: Dataset) -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(InputError, match=r"gave up \(cannot schedule new futures after shutdown\)"):
        gather(digits, executor=pool)
    with pytest.raises(InputError, match=r"executor is 42: give a concurrent.futures.Executor"):
        gather(digits, executor=42)


def test_what_fails_in_a_worker_is_raised_as_it_is_and_costs_no_vote(digits: Dataset, tmp_path: Path) -> None:
    def wrong(inner: Executor, _: object) -> Future[Any]:
        return inner.submit(fail, ZeroDivisionError("of a learner of one's own"))

    with pytest.raises(ZeroDivisionError, match="one's own"):
        gather(digits, num_models=64 * 200, executor=Wrapped(100, wrong), store=tmp_path)
    assert Votes.load(next(tmp_path.iterdir())).num_models >= 64 * 30


def test_whoever_stops_listening_keeps_the_votes(digits: Dataset, tmp_path: Path) -> None:
    for votes in stream(digits, FLIPS, Linear(), digits.x_test, 6400, seed=3, store=tmp_path):
        if votes.num_models >= 640:
            break
    assert Votes.load(next(tmp_path.iterdir())).num_models >= 640


def test_a_store_is_a_folder_that_can_be_written_to(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found out before the work; once nothing is to be written any more, reading is enough."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(Linear, "train", lambda *_: pytest.fail("it was trained for nothing"))
    for store, words in (
        ("", "names no file or folder"),
        ("a\0b", "names no file or folder"),
        (tmp_path / "file" / "x", "votes cannot be kept in .*/file/x"),
    ):
        with pytest.raises(InputError, match=words):
            gather(digits, store=store)
    monkeypatch.undo()
    expected = gather(digits, store=tmp_path / "votes")

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "replace", read_only)
    monkeypatch.setattr(tempfile, "TemporaryFile", read_only)
    assert np.array_equal(gather(digits, store=tmp_path / "votes").counts, expected.counts)
    assert gather(digits, num_models=64, store=tmp_path / "votes").num_models == 64
    with pytest.raises(InputError, match=r"\(Read-only file system\): name a folder that you can write to"):
        gather(digits, num_models=512, store=tmp_path / "votes")


def test_a_store_stays_where_it_was_when_the_working_folder_changes(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    gather(digits, store="my votes ü", progress=lambda _: os.chdir(tmp_path / "b"))
    assert len(list((tmp_path / "a" / "my votes ü").glob("*.npz"))) == 1
    assert list((tmp_path / "b").iterdir()) == []
