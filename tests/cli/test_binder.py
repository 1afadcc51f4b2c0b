"""Binder installs what pyproject.toml asks for, and its scripts run."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
EXTRA = {"python", "pip", "hatchling"}


def wanted() -> dict[str, SpecifierSet]:
    """Return the pins of pyproject.toml under their names on conda-forge."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = map(Requirement, project["dependencies"])
    here = {"python_version": environment()["python"][0].removeprefix("==")}
    return {CONDA_NAMES.get(r.name, r.name): r.specifier for r in found if r.marker is None or r.marker.evaluate(here)}


def environment() -> dict[str, tuple[str, str]]:
    """Return the pin and the build of each package of environment.yml."""
    listed = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text("utf-8"))["dependencies"]
    packages = {}
    for entry in listed:
        name, exact, build, range_ = re.fullmatch(r"([\w-]+)(?:=([\d.*]+)(?:=([\w*]+))?|([<>].*))?", entry).groups()
        packages[name] = (f"=={exact}" if exact else range_ or "", build or "")
    return packages


def test_pins_agree_with_pyproject() -> None:
    packages = environment()
    assert set(packages) - EXTRA == set(wanted())
    for name, specifier in wanted().items():
        given, build = packages[name]
        if build:  # of torch and torchvision one version, since another one has other builds
            assert specifier.contains(given.removeprefix("==").removesuffix(".*")), name
        else:
            assert SpecifierSet(given) == specifier, name


def test_torch_is_the_small_cpu_build() -> None:
    """conda-forge has `cpu_generic_py...` and `cpu_mkl_py...`, with MKL; of torchvision `cpu_py...`."""
    packages = environment()
    assert packages["pytorch"][1] == "cpu_generic*"
    assert packages["torchvision"][1] == "cpu*"


def test_the_only_channel_is_conda_forge() -> None:
    """mamba 2, which Binder uses, looks for a channel called `nodefaults` and does not find one."""
    listed = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text("utf-8"))["channels"]
    assert listed == ["conda-forge"]


def test_python_and_the_build_tool_fit() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = environment()
    version = packages["python"][0].removeprefix("==")
    assert version in SpecifierSet(project["project"]["requires-python"])
    tool, _ = map(Requirement, project["build-system"]["requires"])  # `editables` is for `pip install -e` alone
    assert SpecifierSet(packages[tool.name][0]) == tool.specifier


@pytest.mark.parametrize("script", ["binder/postBuild", "binder/start", ".ci/run"])
def test_scripts_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)


def test_start_hands_over_with_capped_threads() -> None:
    command = [str(ROOT / "binder" / "start"), "bash", "-c", "echo $OMP_NUM_THREADS $MALLOC_ARENA_MAX $0", "a b"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout == "1 2 a b\n"


def box(folder: Path) -> dict[str, str]:
    """Lay out a machine as Binder has it: a copy of the repository, an environment, a home; return its variables."""
    for name in ("rsbd", "notebooks", "binder"):
        skipped = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT / name, folder / "repository" / name, ignore=skipped)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "repository")
    venv.create(folder / "env", with_pip=False)
    # What environment.yml installs is what runs the tests: it can be read, and all is written to the new one.
    here = sysconfig.get_path("purelib")
    there = sysconfig.get_path("purelib", vars={"base": str(folder / "env")})
    Path(there, "installed.pth").write_text(f"{here}\n")
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    kept = {k: v for k, v in os.environ.items() if k in ("LANG", "LC_ALL", "LD_LIBRARY_PATH")}
    return kept | {
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "PATH": f"{folder / 'env' / 'bin'}:/usr/bin:/bin",
        "JUPYTER_PATH": str(Path(sys.prefix, "share", "jupyter")),
        **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9"),  # no network
    }


def names(folder: Path) -> set[str]:
    """Return what lies in a folder, but not the compiled modules, which other tests write at the same time."""
    return {path.name for path in folder.iterdir()} - {"__pycache__"}


FIRST_PICTURE = """
import importlib.util
import json
import os
from pathlib import Path
import torch, rsbd
from rsbd.panels import SyncRunner, backdoor
panel = backdoor(runner=SyncRunner())
panel.wait()
status = Path("/proc/self/status").read_text() if Path("/proc/self/status").exists() else "VmHWM: 0 kB"
peak = int(status.split("VmHWM:")[1].split()[0]) / 1e3
print(json.dumps({"threads": torch.get_num_threads(), "package": rsbd.__file__, "alt": panel.alt, "MB": peak,
    "settings": Path(os.environ["JUPYTER_CONFIG_PATH"], "labconfig", "default_setting_overrides.json").read_text()}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Binder is Linux")
def test_post_build_and_start_as_binder_runs_them(tmp_path: Path) -> None:
    """Run them in a copy, with a home of its own and no network; nothing is written outside."""
    pytest.importorskip("pip", reason="environments made by uv have none")
    variables, repository = box(tmp_path), tmp_path / "repository"
    outside = (Path(sysconfig.get_path("purelib")), ROOT / "rsbd", ROOT / "binder")
    before = [names(folder) for folder in outside]
    run = {"cwd": repository, "env": variables, "capture_output": True, "text": True, "timeout": 300}
    built = subprocess.run([str(repository / "binder" / "postBuild")], **run)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "The essentials work." in built.stdout
    elsewhere = {**run, "cwd": repository / "notebooks"}
    started = [str(repository / "binder" / "start"), "python", "-c", FIRST_PICTURE]
    answer = subprocess.run(started, **elsewhere)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["threads"] == 1
    assert Path(found["package"]).is_relative_to(tmp_path / "env")
    assert "(final)" in found["alt"]
    assert found["MB"] < 1000
    assert json.loads(found["settings"])["@jupyterlab/notebook-extension:tracker"] == {"kernelShutdown": True}
    assert [names(folder) for folder in outside] == before


def test_the_oldest_versions_are_those_that_the_ranges_begin_with() -> None:
    lines = (ROOT / ".ci" / "lowest.txt").read_text("utf-8").splitlines()[1:]
    found = {line.name: str(line.specifier).removeprefix("==").removesuffix(".*") for line in map(Requirement, lines)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for needed in map(Requirement, project["dependencies"]):
        assert f">={found[needed.name]}" in map(str, needed.specifier)


def test_the_workflow_and_the_codespace_name_what_is_there() -> None:
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))
    (job,) = flow["jobs"].values()
    assert job["steps"][-1]["run"] == "bash .ci/run"
    for entry in job["strategy"]["matrix"]["include"]:
        assert not entry["constraint"] or (ROOT / entry["constraint"]).is_file()
    space = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    assert all((ROOT / name).is_file() for name in space["customizations"]["codespaces"]["openFiles"])
    assert "-e '.[test]'" in space["postCreateCommand"]


def test_the_commands_of_the_readme_are_made_again() -> None:
    spec = importlib.util.spec_from_file_location("reproduce", ROOT / ".ci" / "reproduce.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.commands((ROOT / "README.md").read_text("utf-8"))
    assert [words[:2] for words in found] == [["rsbd", "certify"], ["rsbd", "certify"], ["rsbd", "compare"]]
    for words in found:
        assert module.placed(words, ROOT)[-2:] == ["--out", str(ROOT)]
        assert module.placed(words, ROOT).count("--out") == 1
