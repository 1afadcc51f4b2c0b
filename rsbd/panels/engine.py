"""The engine of every panel: it computes and draws the newest parameters, and never shows an older result.

The author of a panel writes two pure functions. ``compute(params, cancel, progress)`` returns its result, or is a
generator that *yields* previews while evidence arrives and *returns* the final result. ``render(result)`` turns a
result into a :class:`~rsbd.panels.svg.Picture`. The engine runs both on one worker thread. Only the newest parameters
count: a submission cancels the computation that runs and replaces the one that waits.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from rsbd.errors import InputError
from rsbd.panels.runners import Runner, ThreadRunner
from rsbd.panels.svg import Picture

_P = TypeVar("_P")
_R = TypeVar("_R")
_T = TypeVar("_T")
_State = Literal["busy", "preview", "final", "error"]
FIRST_PREVIEW, NEXT_PREVIEW = 0.12, 0.2  # seconds; a final picture that is ready earlier needs no preview
Cancel = Callable[[], bool]
OnProgress = Callable[[int, int], None]
Previews = Generator[_R, None, _R]  # yields previews and returns the final result
Compute = Callable[[_P, Cancel, OnProgress], "_R | Previews[_R]"]


class Cancelled(Exception):  # noqa: N818 - not an error: it ends a computation early
    """Raised inside ``compute`` to stop early once ``cancel()`` is true; the engine catches it."""


def stop_if(cancel: Cancel) -> None:
    """Raise :class:`Cancelled` if ``cancel()`` is true."""
    if cancel():
        raise Cancelled


def show_previews(
    steps: Iterable[tuple[_T, tuple[int, ...]]], total: int, cancel: Cancel, tell: OnProgress, found: Callable[[_T], _R]
) -> Previews[_R]:
    """Yield a preview now and then while results arrive; return the final result.

    Parameters
    ----------
    steps : iterable of (step, counts)
        The results so far, with the number of parts that are done of each, such as the models of each ensemble.
    total : int
        The number of parts of each at the end.
    cancel, tell : callable
        The arguments of the panel's ``compute``.
    found : callable
        ``found(step)`` returns the panel's result.
    """
    due = time.monotonic() + FIRST_PREVIEW
    for step, counts in steps:
        stop_if(cancel)
        tell(sum(counts), len(counts) * total)
        if min(counts) >= total:
            break
        if time.monotonic() >= due and min(counts) > 0:
            yield found(step)
            due = time.monotonic() + NEXT_PREVIEW
    return found(step)


@dataclass(frozen=True)
class Frame:
    """One change of the screen. A part that is ``None`` stays as it is."""

    state: _State
    picture: Picture | None = None
    error: str | None = None
    progress: float | None = None


class Engine(Generic[_P, _R]):
    """Compute and draw the newest parameters, and nothing else.

    Parameters
    ----------
    compute : callable
        ``compute(params, cancel, progress)``, pure. It returns the result, or yields previews and returns the
        result. It asks ``cancel()`` at every batch and calls ``progress(done, total)``.
    render : callable
        ``render(result) -> Picture``, pure.
    show : callable
        ``show(frame)``, called with one frame at a time, also from the worker thread.
    runner : Runner, optional
        A :class:`ThreadRunner` unless given.

    Attributes
    ----------
    compute : callable
        The panel's ``compute``, which knows the data that a picture was computed from.

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
    >>> from rsbd.panels.runners import SyncRunner
    >>> engine = Engine(compute, lambda r: Picture("<svg/>", f"{r}", f"The result is {r}."),
    ...                 frames.append, SyncRunner())
    >>> engine.submit(3)
    >>> [(f.state, f.picture and f.picture.alt) for f in frames]
    [('busy', None), ('preview', '3'), ('final', '9')]
    """

    def __init__(
        self,
        compute: Compute[_P, _R],
        render: Callable[[_R], Picture],
        show: Callable[[Frame], None],
        runner: Runner | None = None,
        progress_every: float = 0.1,
    ) -> None:
        self.compute, self._render, self._show = compute, render, show
        self._runner = ThreadRunner() if runner is None else runner
        self._progress_every = progress_every
        self._changed = threading.Condition(threading.RLock())
        self._generation = 0
        self._running = False
        self._error: BaseException | None = None

    def submit(self, params: _P) -> None:
        """Start on ``params``, cancelling everything older."""
        with self._changed:
            self._generation += 1
            self._running, self._error = True, None
            mine = self._generation
            self._show(Frame("busy"))
        self._runner.run(lambda: self._work(mine, params))

    def reject(self, error: InputError) -> None:
        """Cancel the computation that runs, and show why the newest setting cannot be computed."""
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

    def close(self) -> None:
        """Cancel the computation that runs, and end the worker; the screen stays as it is."""
        with self._changed:
            self._generation += 1
            self._running = False
            self._changed.notify_all()
        self._runner.close()

    def _work(self, mine: int, params: _P) -> None:
        try:
            outcome = self.compute(params, self._stale(mine), self._teller(mine))
            if isinstance(outcome, Generator):
                outcome = self._preview(mine, outcome)
            self._draw(mine, "final", outcome)
        except Cancelled:
            if not self._stale(mine)():  # nobody cancelled it: without a message the panel would stay busy
                self._fail(mine, RuntimeError("the computation stopped before its end: move a control to restart"))
        except (Exception, SystemExit) as error:  # every error is shown as a sentence and raised by wait()
            self._fail(mine, error)

    def _preview(self, mine: int, results: Previews[_R]) -> _R:
        """Show the previews of a computation; return its final result."""
        with contextlib.closing(results):
            while True:
                try:
                    preview = next(results)
                except StopIteration as stop:
                    final: _R = stop.value
                    return final
                self._draw(mine, "preview", preview)

    def _draw(self, mine: int, state: _State, result: _R) -> None:
        stop_if(self._stale(mine))  # before drawing, so that no picture is drawn in vain
        self._publish(mine, Frame(state, self._render(result)))

    def _stale(self, mine: int) -> Cancel:
        return lambda: self._generation != mine

    def _teller(self, mine: int) -> OnProgress:
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


def sentence_of(error: BaseException) -> str:
    """Write an error as one sentence; the package's own errors already are one.

    Examples
    --------
    >>> sentence_of(ZeroDivisionError("division by zero"))
    'The computation failed (ZeroDivisionError: division by zero).'
    """
    if isinstance(error, InputError):
        return str(error)
    first = (str(error).strip().splitlines() or ["no message"])[0]
    return f"The computation failed ({type(error).__name__}: {first})."
