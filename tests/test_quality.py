"""Format, lint and types: one command says whether the repository is sound."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "command",
    ["ruff format --check --no-cache .", "ruff check --no-cache .", pytest.param("mypy", marks=pytest.mark.slow)],
    ids=["ruff format", "ruff check", "mypy"],
)
def test_clean(command: str) -> None:
    pytest.importorskip(command.split()[0], reason="install the test extra")
    run = [sys.executable, "-m", *command.split()]
    answer = subprocess.run(run, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, f"{command}\n{answer.stdout}{answer.stderr}"
