"""`rsbd lab`: from a really built wheel, in any folder, reachable by its token from this machine only."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

import rsbd
from rsbd.cli import app
from rsbd.course import notebooks
from rsbd.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
FIRST = ROOT / "notebooks" / notebooks.FIRST


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the package as its wheel installs it."""
    if not FIRST.exists():
        pytest.skip("the first notebook is not written yet")
    pytest.importorskip("hatchling", reason="install the test extra to build the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("rsbd", "notebooks"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
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


@pytest.mark.slow
def test_lab_from_the_wheel_serves_a_copy_until_ctrl_c(installed: Path, tmp_path: Path) -> None:
    work, home = folders(tmp_path)
    mine = work / "rsbd-course" / notebooks.FIRST
    mine.parent.mkdir()
    mine.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with lab(installed, work, home, "--port", str(port)) as running:
        assert f"127.0.0.1:{port}/lab/tree/{notebooks.FIRST}" in running.url
        assert str(work / "rsbd-course") in running.said
        assert re.search(r"rsbd-course: \d+ files copied, 1 existing file kept$", running.said.strip())
        content = running.ask(f"/api/contents/{notebooks.FIRST}")["content"]
        assert content["cells"] == []  # type: ignore[index]
        # No question about news lies over the notebook.
        asked = running.ask("/lab/api/settings/@jupyterlab/apputils-extension:notification")
        assert asked["schema"]["properties"]["fetchNews"]["default"] == "false"  # type: ignore[index]
        # Closing a notebook ends its kernel.
        asked = running.ask("/lab/api/settings/@jupyterlab/notebook-extension:tracker")
        assert asked["schema"]["properties"]["kernelShutdown"]["default"] is True  # type: ignore[index]
        with pytest.raises(urllib.error.HTTPError, match="403"):
            running.ask(f"/api/contents/{notebooks.FIRST}", token=False)
        listening = [c.laddr.ip for c in running.server.net_connections() if c.status == psutil.CONN_LISTEN]
        assert set(listening) == {"127.0.0.1"}
        again = [sys.executable, "-m", "rsbd", "lab", "--no-browser", "--port", str(port)]
        env = os.environ | {"PYTHONPATH": str(installed)}
        taken = subprocess.run(again, cwd=work, env=env, capture_output=True, text=True, timeout=60)
        assert taken.returncode == 2
        assert taken.stderr == f"rsbd: port {port} is in use: give another one, or leave --port out\n"
        if sys.platform != "win32":  # signals of Unix
            ends_by(running, "SIGINT")
    assert "DeprecationWarning" not in (home / "server.log").read_text()
    # Everything else of the course was copied beside it.
    copied = {p.relative_to(work / "rsbd-course") for p in (work / "rsbd-course").rglob("*.ipynb")}
    stored = {p.relative_to(installed / "rsbd" / "_course") for p in (installed / "rsbd" / "_course").rglob("*.ipynb")}
    assert stored <= {p for p in copied if ".ipynb_checkpoints" not in p.parts}


@pytest.mark.slow
def test_the_wheel_carries_all_of_the_course(installed: Path) -> None:
    here, there = (folder / "rsbd" / "course" for folder in (ROOT, installed))
    files, carried = (
        {p.relative_to(root) for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
        for root in (here, there)
    )
    assert {p.suffix for p in files} == {".py", ".js", ".css", ".ipynb", ".j2", ".json", ".toml"}
    assert files == carried


def ends_by(running: Running, name: str) -> None:
    """Check that a signal ends the server and its kernels."""
    running.ask("/api/kernels", "POST")
    kernels = running.server.children(recursive=True)
    assert kernels
    running.process.send_signal(getattr(signal, name))
    assert running.process.wait(20) == 0
    assert psutil.wait_procs([running.server, *kernels], timeout=20)[1] == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_the_end_of_a_terminal_ends_server_and_kernels(installed: Path, tmp_path: Path) -> None:
    work, home = folders(tmp_path)
    with lab(installed, work, home) as running:
        ends_by(running, "SIGHUP")


def in_wheel(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Make `course` believe that the package lies in `folder`, with a course of two files."""
    stored = folder / "rsbd" / "_course"
    (stored / "images").mkdir(parents=True)
    (stored / notebooks.FIRST).write_text("new")
    (stored / "images" / "a.png").write_text("picture")
    (stored / ".ipynb_checkpoints").mkdir()
    (stored / ".ipynb_checkpoints" / "x.ipynb").touch()
    monkeypatch.setattr(rsbd, "__file__", str(folder / "rsbd" / "__init__.py"))
    return stored


def test_the_copy_never_overwrites(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_wheel(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "rsbd-course"
    assert notebooks.open_course() == notebooks.CourseCopy(mine, copied=2)
    (mine / notebooks.FIRST).write_text("my own work")
    (mine / "images" / "a.png").unlink()
    assert notebooks.open_course() == notebooks.CourseCopy(mine, copied=1, kept=1)
    assert (mine / notebooks.FIRST).read_text() == "my own work"
    assert (mine / "images" / "a.png").read_text() == "picture"
    assert not (mine / ".ipynb_checkpoints").exists()
    assert notebooks.open_course() == notebooks.CourseCopy(mine, kept=2)
    assert notebooks.open_course().sentence.endswith(": 2 existing files kept")
    assert notebooks.open_course(tmp_path / "elsewhere" / "deep") == notebooks.CourseCopy(
        tmp_path / "elsewhere" / "deep", copied=2
    )


def test_links_are_kept_and_not_written_through(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_wheel(monkeypatch, tmp_path)
    real, linked = tmp_path / "real", tmp_path / "linked"
    real.mkdir()
    linked.symlink_to(real)
    (real / notebooks.FIRST).symlink_to(tmp_path / "nowhere.ipynb")  # broken: it "does not exist"
    (real / "images").mkdir()
    (real / "images" / "a.png").mkdir()  # a folder where a file should go
    assert notebooks.open_course(linked) == notebooks.CourseCopy(real, kept=2)
    assert not (tmp_path / "nowhere.ipynb").exists()
    (tmp_path / "broken").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=r"broken \(File exists\): name a folder"):
        notebooks.open_course(tmp_path / "broken")
    assert not (tmp_path / "gone").exists()


def test_a_copy_that_fails_leaves_no_half_notebook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_wheel(monkeypatch, tmp_path)

    def no_space(path: Path) -> bytes:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", no_space)
        with pytest.raises(InputError, match=r"mine \(No space left on device\): name a folder"):
            notebooks.open_course(tmp_path / "mine")
    assert notebooks.open_course(tmp_path / "mine") == notebooks.CourseCopy(tmp_path / "mine", copied=2)


def test_a_file_in_the_way_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_wheel(monkeypatch, tmp_path)
    (tmp_path / "file").write_text("mine")
    for wanted in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(
            InputError, match=r"the course cannot be copied to .*file.* \((File exists|Not a directory)\): .* --course$"
        ):
            notebooks.open_course(wanted)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Yield a folder that every user may enter; those of pytest are closed, and shared by its workers."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="permissions of Unix")
@pytest.mark.parametrize("full", [False, True], ids=["empty", "with the course in it"])
def test_a_read_only_folder_is_one_sentence(monkeypatch: pytest.MonkeyPatch, open_folder: Path, full: bool) -> None:
    in_wheel(monkeypatch, open_folder)
    locked = open_folder / "locked"
    if full:
        notebooks.open_course(locked)
    locked.mkdir(exist_ok=True)
    for path in (locked, locked / "images"):
        if path.exists():
            path.chmod(0o555)
    me = os.geteuid()
    try:
        if me == 0:  # nothing is read-only to root
            os.seteuid(65534)
        with pytest.raises(InputError, match=r"locked \(Permission denied\): name a folder .* with --course$"):
            notebooks.open_course(locked)
    finally:
        os.seteuid(me)


def test_an_unwritable_working_folder_falls_back_to_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_wheel(monkeypatch, tmp_path)
    work, home = folders(tmp_path)
    monkeypatch.chdir(work)
    monkeypatch.setattr(Path, "home", lambda: home)
    (work / "rsbd-course").touch()  # a file: no folder can be made there, not even by root
    assert notebooks.open_course() == notebooks.CourseCopy(home / "rsbd-course", copied=2)
    (home / "elsewhere").touch()
    monkeypatch.setattr(Path, "home", lambda: home / "elsewhere")
    with pytest.raises(InputError, match="name a folder that you can write to with --course"):
        notebooks.open_course()


def checkout(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    (folder / "notebooks").mkdir(parents=True)
    (folder / "notebooks" / notebooks.FIRST).write_text("new")
    (folder / "pyproject.toml").touch()
    monkeypatch.setattr(rsbd, "__file__", str(folder / "rsbd" / "__init__.py"))
    return folder / "notebooks"


def test_a_checkout_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stored = checkout(monkeypatch, tmp_path)
    assert notebooks.open_course() == notebooks.CourseCopy(stored)
    (tmp_path / "pyproject.toml").unlink()
    with pytest.raises(InputError, match="has no notebooks"):
        notebooks.open_course()


def test_a_checkout_gives_a_copy_when_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stored = checkout(monkeypatch, tmp_path / "repository")
    assert notebooks.open_course(tmp_path / "mine") == notebooks.CourseCopy(tmp_path / "mine", copied=1)
    for inside in (stored, stored / "mine"):
        with pytest.raises(InputError, match="where the course itself is stored"):
            notebooks.open_course(inside)
    assert list(stored.iterdir()) == [stored / notebooks.FIRST]
    (tmp_path / "link").symlink_to(stored)
    with pytest.raises(InputError, match="where the course itself is stored"):
        notebooks.open_course(tmp_path / "link" / "mine")


def test_the_option_reaches_the_copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checkout(monkeypatch, tmp_path / "repository")
    served: list[Path] = []

    def serve(command: list[str], home: Path, *_: object) -> int:
        served.append(home)
        return 0

    monkeypatch.setattr("rsbd.cli.server.serve", serve)
    result = CliRunner().invoke(app, ["lab", "--no-browser", "--course", str(tmp_path / "mine")])
    assert result.exit_code == 0
    assert result.output.strip() == f"rsbd: the course is in {tmp_path / 'mine'}: 1 file copied"
    assert served == [tmp_path / "mine"]
    assert "--course" in CliRunner().invoke(app, ["lab", "--help"]).output
