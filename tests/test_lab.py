"""`rsbd lab`: from a really built wheel, in any folder, reachable by its token from this machine only."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import rsbd
from rsbd.cli import course
from rsbd.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
FIRST = ROOT / "notebooks" / course.FIRST


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the package as its wheel installs it."""
    if not FIRST.exists():
        pytest.skip("the first notebook is not written yet")
    pytest.importorskip("hatchling", reason="install the test extra to build the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("rsbd", "notebooks"):
        shutil.copytree(
            ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=folder / "source", check=True, capture_output=True)
    (wheel,) = folder.glob("rsbd-*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


class Running:
    """A running `rsbd lab`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.said = process.stdout.readline()
        opened = process.stdout.readline()
        assert opened.startswith("rsbd: open http"), (self.said, opened, process.poll())
        self.url = opened.split()[-1]
        (self.server,) = psutil.Process(process.pid).children()

    def ask(self, path: str, method: str = "GET", token: bool = True) -> dict[str, object]:
        base, _, secret = self.url.partition("?token=")
        assert len(secret) >= 32
        address = base[: base.index("/lab/tree/")] + path
        headers = {"Authorization": f"token {secret}"} if token else {}
        with urllib.request.urlopen(
            urllib.request.Request(address, headers=headers, method=method), timeout=30
        ) as answer:
            return dict(json.load(answer))


@contextlib.contextmanager
def lab(package: Path, cwd: Path, home: Path, *arguments: str) -> Iterator[Running]:
    env = os.environ | {
        "PYTHONPATH": str(package),
        "HOME": str(home),
        **{f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("RUNTIME", "DATA", "CONFIG")},
    }
    command = [sys.executable, "-m", "rsbd", "lab", "--no-browser", *arguments]
    log = (home / "server.log").open("w")
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield Running(process)
    finally:
        family = [] if process.poll() is not None else psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.wait(20)
        _, alive = psutil.wait_procs(family, timeout=20)
        for left in alive:
            left.kill()
        log.close()
    assert not alive, "the server or a kernel outlived `rsbd lab`"


def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("work", "home"):
        (tmp_path / name).mkdir()
    return tmp_path / "work", tmp_path / "home"


def test_lab_from_the_wheel_serves_a_copy(installed: Path, tmp_path: Path) -> None:
    work, home = folders(tmp_path)
    mine = work / "rsbd-course" / course.FIRST
    mine.parent.mkdir()
    mine.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with lab(installed, work, home, "--port", str(port)) as running:
        assert f"127.0.0.1:{port}/lab/tree/{course.FIRST}" in running.url
        assert str(work / "rsbd-course") in running.said
        assert "1 files of yours are kept" in running.said
        content = running.ask(f"/api/contents/{course.FIRST}")["content"]
        assert content["cells"] == []  # type: ignore[index]
        with pytest.raises(urllib.error.HTTPError, match="403"):
            running.ask(f"/api/contents/{course.FIRST}", token=False)
        listening = [c.laddr.ip for c in running.server.net_connections() if c.status == psutil.CONN_LISTEN]
        assert set(listening) == {"127.0.0.1"}
        again = [sys.executable, "-m", "rsbd", "lab", "--no-browser", "--port", str(port)]
        env = os.environ | {"PYTHONPATH": str(installed)}
        taken = subprocess.run(again, cwd=work, env=env, capture_output=True, text=True, timeout=60)
        assert taken.returncode == 2
        assert taken.stderr == f"rsbd: port {port} is in use: give another one, or leave --port out\n"
    # Everything else of the course was copied beside it.
    copied = {p.relative_to(work / "rsbd-course") for p in (work / "rsbd-course").rglob("*.ipynb")}
    stored = {
        p.relative_to(installed / "rsbd" / "_course")
        for p in (installed / "rsbd" / "_course").rglob("*.ipynb")
    }
    assert stored <= {p for p in copied if ".ipynb_checkpoints" not in p.parts}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_a_signal_ends_server_and_kernels(installed: Path, tmp_path: Path, name: str) -> None:
    work, home = folders(tmp_path)
    with lab(installed, work, home) as running:
        running.ask("/api/kernels", "POST")
        kernels = running.server.children(recursive=True)
        assert kernels
        running.process.send_signal(getattr(signal, name))
        assert running.process.wait(20) == 0
        assert psutil.wait_procs([running.server, *kernels], timeout=5)[1] == []


def in_wheel(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Make `course` believe that the package lies in `folder`, with a course of two files."""
    stored = folder / "rsbd" / "_course"
    (stored / "images").mkdir(parents=True)
    (stored / course.FIRST).write_text("new")
    (stored / "images" / "a.png").write_text("picture")
    (stored / ".ipynb_checkpoints").mkdir()
    (stored / ".ipynb_checkpoints" / "x.ipynb").touch()
    monkeypatch.setattr(rsbd, "__file__", str(folder / "rsbd" / "__init__.py"))
    return stored


def test_the_copy_never_overwrites(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_wheel(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert course.folder() == (tmp_path / "rsbd-course", 0)
    (tmp_path / "rsbd-course" / course.FIRST).write_text("my own work")
    (tmp_path / "rsbd-course" / "images" / "a.png").unlink()
    assert course.folder() == (tmp_path / "rsbd-course", 1)
    assert (tmp_path / "rsbd-course" / course.FIRST).read_text() == "my own work"
    assert (tmp_path / "rsbd-course" / "images" / "a.png").read_text() == "picture"
    assert not (tmp_path / "rsbd-course" / ".ipynb_checkpoints").exists()
    assert course.folder(tmp_path / "elsewhere") == (tmp_path / "elsewhere", 0)


def test_an_unwritable_working_folder_falls_back_to_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_wheel(monkeypatch, tmp_path)
    work, home = folders(tmp_path)
    monkeypatch.chdir(work)
    monkeypatch.setattr(Path, "home", lambda: home)
    (work / "rsbd-course").touch()  # a file: no folder can be made there, not even by root
    assert course.folder() == (home / "rsbd-course", 0)
    with pytest.raises(InputError, match="name a folder that you can write to with --to"):
        course.folder(work / "rsbd-course" / "inside")


def test_a_checkout_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / course.FIRST).touch()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(rsbd, "__file__", str(tmp_path / "rsbd" / "__init__.py"))
    assert course.folder() == (tmp_path / "notebooks", 0)
    (tmp_path / "pyproject.toml").unlink()
    with pytest.raises(InputError, match="has no notebooks"):
        course.folder()
