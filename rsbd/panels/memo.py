"""A small memory for what is dear to compute and cheap to keep, such as votes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Memo:
    """The last ``size`` results by key; the one that was used longest ago goes first. Safe under threads.

    Examples
    --------
    >>> memo = Memo(2)
    >>> memo.get("a", lambda: 1), memo.get("a", lambda: 2)
    (1, 1)
    >>> memo.put("b", 3), memo.put("c", 4), memo.peek("a")
    (None, None, None)
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def peek(self, key: Hashable) -> Any:
        """Return what is kept under ``key``, or None."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key]

    def put(self, key: Hashable, value: Any) -> None:
        """Keep ``value``."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what is kept under ``key``, or make and keep it; errors are not kept."""
        kept: T | None = self.peek(key)
        if kept is None:
            kept = make()
            self.put(key, kept)
        return kept
