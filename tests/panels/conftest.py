"""One JupyterLab and one Chromium for all tests of panels in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from browser.lab import Lab, open_browser


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that JupyterLab serves."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="session")
def open_page(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., AbstractContextManager[Lab]]]:
    """Yield a function that opens a page; each has a kernel of its own."""
    with open_browser(folder, tmp_path_factory.mktemp("home")) as opener:
        yield opener
