"""Tests marked ``mnist`` need the real data set, and skip with a reason where it is not."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from rsbd.data import SOURCES, data_root

os.environ["RSBD_CACHE"] = "off"  # what a test collects is collected there and then, and nobody's cache is touched

# Where a run decides about a change it tries the same examples every time; at a desk it looks for new ones.
settings.register_profile("same", derandomize=True, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("same")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("mnist") and not SOURCES["mnist"].present(data_root()):
        pytest.skip("no MNIST here: set RSBD_DATA to a folder that holds it, or run `rsbd data download mnist`")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums that are shared out over threads round differently with what else is in the batch."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
