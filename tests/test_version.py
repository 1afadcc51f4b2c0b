"""The version that votes are kept under changes with the code that they depend on."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import rsbd
from rsbd.version import __version__, code_version

PACKAGE = Path(rsbd.__file__).parent


def version_of(copy: Path) -> Any:
    spec = importlib.util.spec_from_file_location("copied_version", copy / "version.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.code_version()


def test_an_edited_noise_is_another_version(tmp_path: Path) -> None:
    """Somebody who develops a noise inside the package must not get the votes of its last state from a store."""
    copy = tmp_path / "rsbd"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert version_of(copy) == code_version()
    assert code_version().startswith(f"{__version__} ")
    noise = copy / "noises" / "flip.py"
    noise.write_text(noise.read_text("utf-8").replace("1 - self.keep", "self.keep"), "utf-8")
    assert version_of(copy) != code_version()
