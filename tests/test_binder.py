"""Binder installs what pyproject.toml asks for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
EXTRA = {"python", "pip", "hatchling"}


def wanted() -> dict[str, SpecifierSet]:
    """Pins of pyproject.toml under their names on conda-forge."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = map(Requirement, project["dependencies"])
    return {CONDA_NAMES.get(r.name, r.name): r.specifier for r in found}


def environment() -> dict[str, tuple[str, str]]:
    """Pin and build of each package of environment.yml."""
    listed = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text("utf-8"))["dependencies"]
    packages = {}
    for entry in listed:
        name, exact, build, range_ = re.fullmatch(
            r"([\w-]+)(?:=([\d.*]+)(?:=([\w*]+))?|([<>].*))?", entry
        ).groups()
        packages[name] = (f"=={exact}" if exact else range_ or "", build or "")
    return packages


def test_pins_agree_with_pyproject() -> None:
    packages = environment()
    assert set(packages) - EXTRA == set(wanted())
    for name, specifier in wanted().items():
        assert SpecifierSet(packages[name][0]) == specifier, name


def test_torch_is_the_cpu_build() -> None:
    packages = environment()
    assert packages["pytorch"][1] == packages["torchvision"][1] == "cpu*"


def test_python_and_the_build_tool_fit() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = environment()
    version = packages["python"][0].removeprefix("==")
    assert version in SpecifierSet(project["project"]["requires-python"])
    (tool,) = map(Requirement, project["build-system"]["requires"])
    assert SpecifierSet(packages[tool.name][0]) == tool.specifier


@pytest.mark.parametrize("script", ["binder/postBuild", "binder/start", ".ci/run"])
def test_scripts_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)


def test_start_hands_over_with_capped_threads() -> None:
    command = [
        str(ROOT / "binder" / "start"),
        "bash",
        "-c",
        "echo $OMP_NUM_THREADS $MALLOC_ARENA_MAX $0",
        "a b",
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout == "1 2 a b\n"
