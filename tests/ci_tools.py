"""Load a script of the folder ``.ci``, which is not a package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / ".ci"


def script(name: str) -> Any:
    """Return the module ``.ci/<name>.py``."""
    spec = importlib.util.spec_from_file_location(f"ci_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
