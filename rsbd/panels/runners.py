"""Where the tasks of a panel run: on one thread that takes the newest task only, or at once in the caller's thread."""

import contextvars
import threading
from collections.abc import Callable
from typing import TypeAlias


class SyncRunner:
    """Run each task at once in the caller's thread: for tests and for static pictures."""

    def run(self, task: Callable[[], None]) -> None:
        """Run ``task`` before returning."""
        task()

    def close(self) -> None:
        """Do nothing: no task ever waits."""


class ThreadRunner:
    """Run the newest task on a daemon thread, which ends after ``idle`` seconds without a task.

    It ends because a notebook cell that is run again leaves its old panel behind, with its thread.
    """

    def __init__(self, idle: float = 60.0) -> None:
        self._idle = idle
        self._ready = threading.Condition()
        self._slot: Callable[[], None] | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def run(self, task: Callable[[], None]) -> None:
        """Let ``task`` wait for the thread, in place of the task that waited so far."""
        context = contextvars.copy_context()  # a message to the browser names the event that caused it
        with self._ready:
            if self._closed:
                raise RuntimeError("this panel is closed: make a new one")
            self._slot = lambda: context.run(task)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._loop, name="rsbd-panel", daemon=True)
                self._thread.start()
            self._ready.notify()

    def close(self) -> None:
        """Drop the waiting task, and end the thread after the task that runs."""
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


Runner: TypeAlias = SyncRunner | ThreadRunner  # what an engine takes: after `run` no earlier task starts
