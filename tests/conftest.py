"""Tests marked ``mnist`` need the real data set, and skip with a reason where it is not."""

from __future__ import annotations

import pytest

from rsbd.data import SOURCES, data_root


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("mnist") and not SOURCES["mnist"].present(data_root()):
        pytest.skip(
            "no MNIST here: set RSBD_DATA to a folder that holds it, or run `rsbd data download mnist`"
        )
