"""The engine under every panel: parameters in, computed pictures out, never a stale one.

A panel's author writes two pure functions. ``compute(params, cancel, progress)`` either returns its
result, or is a generator: it *yields* previews, which sharpen as evidence arrives, and *returns* the
final result. ``render(result)`` turns a result into a :class:`Picture`. The engine runs them on one
worker thread. Only the newest parameters count: a submission cancels what runs and replaces what waits.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from rsbd.errors import InputError

P = TypeVar("P")
R = TypeVar("R")
State = Literal["busy", "preview", "final", "error"]
Cancel = Callable[[], bool]
Progress = Callable[[int, int], None]
Compute = Callable[[P, Cancel, Progress], "R | Generator[R, None, R]"]


class Cancelled(Exception):  # noqa: N818 - it is a way out, not an error
    """Raised inside ``compute`` to leave early once ``cancel()`` is true; the engine swallows it."""


@dataclass(frozen=True)
class Picture:
    """What a reader gets: the drawing, what it shows in words, and the result as a sentence.

    Attributes
    ----------
    svg : str
        One complete ``<svg>`` element.
    alt : str
        What is seen, for a reader who does not see it; names the current parameters.
    sentence : str
        The result, read honestly.
    note : str
        What the result rests on, shown beside its state: "200 of 1,000 models".
    """

    svg: str
    alt: str
    sentence: str
    note: str = ""


@dataclass(frozen=True)
class Frame:
    """One change of what is on screen. ``None`` leaves that part as it is."""

    state: State
    picture: Picture | None = None
    error: str | None = None
    progress: float | None = None


class Runner(Protocol):
    """Runs tasks for an engine. A new task replaces one that has not started yet."""

    def run(self, task: Callable[[], None]) -> None:
        """Run ``task`` now or later, after which none that came before it starts."""

    def close(self) -> None:
        """Start no more tasks."""


class SyncRunner:
    """Runs each task at once, in the caller's thread: for tests and for static pictures."""

    def run(self, task: Callable[[], None]) -> None:
        """Run ``task`` before returning."""
        task()

    def close(self) -> None:
        """Nothing waits, so there is nothing to drop."""


class ThreadRunner:
    """A slot that holds the newest task only, and a daemon thread that ends when there was none for ``idle`` seconds.

    Cells that are run again leave panels behind that nobody moves any more.
    """

    def __init__(self, idle: float = 60.0) -> None:
        self._idle = idle
        self._ready = threading.Condition()
        self._slot: Callable[[], None] | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def run(self, task: Callable[[], None]) -> None:
        """Put ``task`` in the slot, in place of whatever waited there."""
        context = contextvars.copy_context()  # messages to the browser name the event that caused them
        with self._ready:
            if self._closed:
                raise RuntimeError("this panel is closed: make a new one")
            self._slot = lambda: context.run(task)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._loop, name="rsbd-panel", daemon=True)
                self._thread.start()
            self._ready.notify()

    def close(self) -> None:
        """Drop the waiting task and end the thread after the one that runs."""
        with self._ready:
            self._closed, self._slot = True, None
            self._ready.notify()

    def _loop(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._slot is not None or self._closed, self._idle)
                task, self._slot = self._slot, None
                if task is None or self._closed:
                    self._thread = None
                    return
            task()


class Engine(Generic[P, R]):
    """Computes and draws the newest parameters, and nothing else.

    Parameters
    ----------
    compute : callable
        ``compute(params, cancel, progress)``, pure; returns the result or generates previews and
        returns the result. Asks ``cancel()`` at every batch and tells ``progress(done, total)``.
    render : callable
        ``render(result) -> Picture``, pure.
    show : callable
        ``show(frame)``; called with one frame at a time, also from the worker thread.
    runner : Runner, optional
        A :class:`ThreadRunner` unless given.

    Notes
    -----
    *Guarantee*: once :meth:`submit` has returned, no frame computed for older parameters is shown.
    Each submission takes the next generation number; a frame is shown only under the lock and only
    if its generation is still the newest.

    Examples
    --------
    >>> def compute(n, cancel, progress):
    ...     yield n
    ...     return n * n
    >>> frames = []
    >>> engine = Engine(compute, lambda r: Picture("<svg/>", f"{r}", f"The result is {r}."),
    ...                 frames.append, SyncRunner())
    >>> engine.submit(3)
    >>> [(f.state, f.picture and f.picture.alt) for f in frames]
    [('busy', None), ('preview', '3'), ('final', '9')]
    """

    def __init__(
        self,
        compute: Compute[P, R],
        render: Callable[[R], Picture],
        show: Callable[[Frame], None],
        runner: Runner | None = None,
        progress_every: float = 0.1,
    ) -> None:
        self._compute, self._render, self._show = compute, render, show
        self._runner = ThreadRunner() if runner is None else runner
        self._progress_every = progress_every
        self._changed = threading.Condition(threading.RLock())
        self._generation = 0
        self._running = False
        self._error: BaseException | None = None

    @property
    def compute(self) -> Compute[P, R]:
        """The panel's own function, for those who ask what a picture was computed from."""
        return self._compute

    def submit(self, params: P) -> None:
        """Start on ``params``, cancelling everything older."""
        with self._changed:
            self._generation += 1
            self._running, self._error = True, None
            mine = self._generation
            self._show(Frame("busy"))
        self._runner.run(lambda: self._work(mine, params))

    def reject(self, error: InputError) -> None:
        """Cancel what runs and show why the newest wish cannot be computed."""
        with self._changed:
            self._generation += 1
            self._fail(self._generation, error)

    def wait(self, timeout: float | None = None) -> None:
        """Wait for the final picture of the newest parameters; raise what their computation raised.

        Raises
        ------
        TimeoutError
            If that took longer than ``timeout`` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._running, timeout):
                raise TimeoutError(f"the picture was not ready after {timeout} s: wait longer or compute less")
            if self._error is not None:
                raise self._error

    def cancel(self) -> None:
        """Leave the computation that runs; what is on screen stays."""
        with self._changed:
            self._generation += 1
            self._running = False
            self._changed.notify_all()

    def close(self) -> None:
        """Cancel and end the worker."""
        self.cancel()
        self._runner.close()

    def _work(self, mine: int, params: P) -> None:
        try:
            outcome = self._compute(params, self._stale(mine), self._teller(mine))
            with contextlib.closing(_results(outcome)) as results:
                for state, result in results:
                    if self._stale(mine)():
                        return  # before drawing: a picture that will not be shown costs nothing
                    self._publish(mine, Frame(state, self._render(result)))
        except Cancelled:
            if not self._stale(mine)():  # nobody asked for it: saying nothing would leave the panel busy
                self._fail(mine, RuntimeError("the computation stopped before its end: move a control to restart"))
        except (Exception, SystemExit) as error:  # the one outlet: shown as a sentence, raised by wait()
            self._fail(mine, error)

    def _stale(self, mine: int) -> Cancel:
        return lambda: self._generation != mine

    def _teller(self, mine: int) -> Progress:
        last = time.monotonic()

        def tell(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= self._progress_every:
                last = now
                self._publish(mine, Frame("busy", progress=done / max(total, 1)))

        return tell

    def _publish(self, mine: int, frame: Frame) -> None:
        with self._changed:
            if self._generation == mine:
                self._show(frame)
                if frame.state in ("final", "error"):
                    self._running = False
                    self._changed.notify_all()

    def _fail(self, mine: int, error: BaseException) -> None:
        with self._changed:
            if self._generation == mine:
                self._error = error
                self._publish(mine, Frame("error", error=sentence_of(error)))


def _results(outcome: Any) -> Generator[tuple[State, Any], None, None]:
    """Previews and then the final result, whether ``compute`` returned or generated them."""
    if not isinstance(outcome, Generator):
        yield "final", outcome
        return
    with contextlib.closing(outcome):
        while True:
            try:
                preview = next(outcome)
            except StopIteration as stop:
                yield "final", stop.value
                return
            yield "preview", preview


def sentence_of(error: BaseException) -> str:
    """One sentence for a panel's reader; the package's own errors already are one.

    Examples
    --------
    >>> sentence_of(ZeroDivisionError("division by zero"))
    'The computation failed (ZeroDivisionError: division by zero).'
    """
    if isinstance(error, InputError):
        return str(error)
    first = (str(error).strip().splitlines() or ["no message"])[0]
    return f"The computation failed ({type(error).__name__}: {first})."
