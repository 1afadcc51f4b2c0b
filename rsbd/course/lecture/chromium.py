"""Where this machine keeps its Chromium, which prints the hand-out and drives the browser tests."""

from __future__ import annotations

import os
import shutil


def browser() -> str | None:
    """Return the path of a Chromium, the one that ``$RSBD_CHROMIUM`` names if it does; None where there is none."""
    if named := os.environ.get("RSBD_CHROMIUM"):
        return shutil.which(named)
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)
