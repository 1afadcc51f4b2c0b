"""An executor that runs its work in the wrong order."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from typing import Any


class Reversed(Executor):
    """Run each pair of tasks last first, to show that the order does not matter."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Any, tuple[Any, ...]]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, fn, args))
        if len(self.waiting) == 2:
            for future_, fn_, args_ in reversed(self.waiting):
                future_.set_result(fn_(*args_))
            self.waiting.clear()
        return future
