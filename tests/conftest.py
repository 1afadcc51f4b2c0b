"""Settings for all tests: threads, examples, workers, and what a test needs before it can run."""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

# Each pytest-xdist worker gets its share of the processors. This must be set before torch is imported.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    share = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))

# Where notebooks are read, jsonschema would build 38 grammars of addresses that no notebook has: 1.5 s in each process.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# A run that decides about a change tries the same examples every time; a run at a desk looks for new ones.
settings.register_profile("same", derandomize=True, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("same")


@pytest.hookimpl(optionalhook=True)  # where pytest-xdist is installed
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Start one worker more than there are processors: browsers mostly wait. Without slow tests, start one for each.

    Start no workers for a single named test, which runs sooner than they start.
    """
    if len(config.args) == 1 and "::" in config.args[0]:
        return 0
    return None if "not slow" in config.getoption("markexpr") else (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage meanwhile, and never look again through all that is there then: it is not garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests of browsers and of MNIST, and benchmarks, as slow. Run slow tests first, and those of browsers before.

    One worker begins with those, which mostly wait, and the others take what is left from the other end. Modules of
    many tests come first, so that no second worker opens their page for the last of them.
    """
    for item in items:
        slow = item.get_closest_marker("browser") or item.get_closest_marker("mnist")
        if slow or item.path.parent.name == "benchmarks":
            item.add_marker("slow")
    sizes = Counter(item.path for item in items if item.get_closest_marker("browser"))
    items.sort(key=lambda item: (-sizes[item.path], item.get_closest_marker("slow") is None))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests whose data set is missing; tests without a browser also fail where CI is set."""
    if item.get_closest_marker("mnist") and not mnist_is_here():
        pytest.skip("no MNIST here: set RSBD_DATA to a folder that holds it, or run `rsbd data download mnist`")
    if not item.get_closest_marker("browser"):
        return
    from browser.lab import missing_browser

    if missing := missing_browser():
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)


def mnist_is_here() -> bool:
    """Return True if the real MNIST lies where the library looks for it."""
    from rsbd.data import SOURCES, data_root

    return SOURCES["mnist"].present(data_root())


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Give torch one thread: with several, how sums round depends on the other rows of the batch."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
