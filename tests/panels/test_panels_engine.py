"""The engine's promises: the newest parameters win, nothing stale is shown, errors are said and raised."""

import threading
import time

import pytest

from rsbd.errors import InputError
from rsbd.panels import Cancelled, Engine, Picture, SyncRunner, ThreadRunner


def picture(result):
    return Picture("<svg/>", f"alt {result}", f"The result is {result}.")


def finals(frames):
    return [frame.picture.alt for frame in frames if frame.state == "final"]


def test_previews_then_final_then_idle():
    def compute(n, cancel, progress):
        yield n
        yield n + 1
        return n + 2

    frames = []
    engine = Engine(compute, picture, frames.append, SyncRunner())
    engine.submit(1)
    engine.wait(1)
    assert [f.state for f in frames] == ["busy", "preview", "preview", "final"]
    assert finals(frames) == ["alt 3"]


def test_plain_function_is_final_at_once():
    frames = []
    Engine(lambda n, cancel, progress: n, picture, frames.append, SyncRunner()).submit(7)
    assert [f.state for f in frames] == ["busy", "final"]


def test_burst_shows_last_value_and_computes_few():
    """Sixty submissions while one runs: the last is shown, and nearly all others are never computed."""
    computed, frames = [], []

    def compute(n, cancel, progress):
        computed.append(n)
        for _ in range(20):
            if cancel():
                raise Cancelled
            time.sleep(0.005)
        return n

    engine = Engine(compute, picture, frames.append)
    for n in range(60):
        engine.submit(n)
    engine.wait(10)
    assert finals(frames) == ["alt 59"]
    assert len(computed) < 60
    engine.close()


def test_stale_result_is_never_shown():
    """A computation that ignores ``cancel`` ends late; its result, previews and errors stay unseen."""
    started, go = threading.Event(), threading.Event()
    frames = []

    def compute(n, cancel, progress):
        if n == "old":
            started.set()
            assert go.wait(10)
            progress(1, 2)
            yield "old preview"
            raise ValueError("old error")
        return n

    engine = Engine(compute, picture, frames.append, progress_every=0.0)
    engine.submit("old")
    assert started.wait(10)
    engine.submit("new")
    shown = len(frames)
    go.set()
    engine.wait(10)
    assert [(f.state, f.picture.alt) for f in frames[shown:]] == [("final", "alt new")]
    engine.close()


def test_random_traffic_never_goes_back():
    """Many threads submit; generations on screen only rise and the newest one is the last."""
    shown, lock, number = [], threading.Lock(), iter(range(10**6))

    def compute(n, cancel, progress):
        yield n
        return n

    def show(frame):
        if frame.picture:
            shown.append(int(frame.picture.alt.split()[1]))

    engine = Engine(compute, picture, show)

    def press():
        for _ in range(50):
            with lock:  # so that the order of submission is the order of numbers
                engine.submit(next(number))
            time.sleep(0.001)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.wait(10)
    assert shown == sorted(shown)
    assert shown[-1] == 199
    engine.close()


def test_cancel_is_seen_within_a_batch():
    left = threading.Event()
    running = threading.Event()

    def compute(n, cancel, progress):
        if n == 0:
            while not cancel():
                running.set()
                time.sleep(0.002)
            left.set()
            raise Cancelled
        return n

    engine = Engine(compute, picture, lambda frame: None)
    engine.submit(0)
    assert running.wait(10)
    engine.submit(1)
    assert left.wait(10)
    engine.wait(10)
    engine.close()


@pytest.mark.parametrize("runner", [SyncRunner, ThreadRunner])
def test_errors_are_shown_and_raised(runner):
    def compute(n, cancel, progress):
        if n == "input":
            raise InputError("keep is 2", "give a number from 0 to 1")
        if n == "bug":
            raise ZeroDivisionError("division by zero\nwith a second line")
        if n == "exit":
            raise SystemExit(4)
        return n

    frames = []
    engine = Engine(compute, picture, frames.append, runner())
    engine.submit("input")
    with pytest.raises(InputError, match="keep is 2"):
        engine.wait(10)
    assert frames[-1].error == "keep is 2: give a number from 0 to 1"
    engine.submit("bug")
    with pytest.raises(ZeroDivisionError):
        engine.wait(10)
    assert frames[-1].error == "The computation failed (ZeroDivisionError: division by zero)."
    engine.submit("exit")  # ends a thread without a word, were it not caught
    with pytest.raises(SystemExit):
        engine.wait(10)
    assert frames[-1].error == "The computation failed (SystemExit: 4)."
    engine.submit("fine")
    engine.wait(10)
    assert frames[-1].state == "final"
    engine.close()


def test_error_in_render_is_shown_and_raised():
    def render(result):
        raise KeyError("no such thing")

    frames = []
    engine = Engine(lambda n, cancel, progress: n, render, frames.append, SyncRunner())
    engine.submit(1)
    assert frames[-1].state == "error"
    with pytest.raises(KeyError):
        engine.wait(1)


def test_leaving_early_without_being_asked_is_an_error():
    def compute(n, cancel, progress):
        raise Cancelled

    engine = Engine(compute, picture, lambda frame: None, SyncRunner())
    engine.submit(1)
    with pytest.raises(RuntimeError, match="stopped before its end"):
        engine.wait(1)


def test_wait_times_out_and_close_refuses_more():
    release = threading.Event()
    engine = Engine(lambda n, cancel, progress: release.wait(10), picture, lambda frame: None)
    engine.submit(1)
    with pytest.raises(TimeoutError, match=r"0\.05 s"):
        engine.wait(0.05)
    engine.close()
    release.set()
    with pytest.raises(RuntimeError, match="closed"):
        engine.submit(2)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_page_that_could_not_be_written_to_is_written_to_again():
    frames, lost = [], threading.Event()

    def show(frame):
        if frame.state != "busy" and not lost.is_set():  # the picture, and then the sentence about its failure
            if frame.error:
                lost.set()
            raise OSError("connection lost")
        frames.append(frame)

    runner = ThreadRunner()
    engine = Engine(lambda n, cancel, progress: n, picture, show, runner)
    engine.submit(1)
    assert lost.wait(10)
    runner._thread.join(10)
    engine.submit(2)
    engine.wait(10)
    assert finals(frames) == ["alt 2"]
    engine.close()


def test_an_idle_thread_ends_and_the_next_task_starts_another():
    """A cell that is run again leaves its old panel behind, which nobody moves any more."""
    runner, frames = ThreadRunner(idle=0.05), []
    engine = Engine(lambda n, cancel, progress: n, picture, frames.append, runner)
    for n in range(3):
        engine.submit(n)
        engine.wait(10)
        first = runner._thread
        if first is not None:
            first.join(10)
        assert runner._thread is None
    assert finals(frames) == ["alt 0", "alt 1", "alt 2"]
    engine.close()


def test_progress_is_throttled_and_tied_to_the_generation():
    def compute(n, cancel, progress):
        for i in range(1000):
            progress(i, 1000)
        return n

    frames = []
    engine = Engine(compute, picture, frames.append, SyncRunner(), progress_every=10.0)
    engine.submit(1)
    assert [f.state for f in frames] == ["busy", "final"]
    frames.clear()
    engine = Engine(compute, picture, frames.append, SyncRunner(), progress_every=0.0)
    engine.submit(1)
    assert max(f.progress for f in frames if f.progress is not None) == pytest.approx(0.999)
