"""The command line: fast help, one sentence and exit code 2 for bad input, data and doctor."""

from __future__ import annotations

import importlib
import inspect
import io
import os
import subprocess
import sys
import urllib.request
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import requires
from pathlib import Path

import pytest
from copies import run_copy
from rich.console import Console
from typer.testing import CliRunner

import rsbd
from rsbd import cli
from rsbd.cli import app, options
from rsbd.cli.data import data_app
from rsbd.data import SOURCES


def run(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process: a process of its own would first import torch for seconds."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["rsbd", *arguments])
        # urllib keeps the proxies of its first call: later tests of this process must not get those of a command.
        patch.setattr(urllib.request, "_opener", None)
        for name, value in environment.items():
            patch.setenv(name, value)
        if cwd:
            patch.chdir(cwd)
        with pytest.raises(SystemExit) as end:
            cli.main()
    return subprocess.CompletedProcess(arguments, end.value.code or 0, out.getvalue(), err.getvalue())


def run_alone(*arguments: str, python: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    env = os.environ | {"PYTHONPATH": str(Path(rsbd.__file__).parents[1])}
    command = [sys.executable, *python, "-m", "rsbd", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)


def says_one_sentence(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2, result
    assert result.stderr.startswith("rsbd: ")
    assert result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr


def test_version_and_help() -> None:
    assert run_alone("--version").stdout == f"{rsbd.__version__}\n"
    said = run_alone("--help").stdout
    for command in ("lab", "data", "doctor"):
        assert command in said
        assert run(command, "--help").returncode == 0


def test_help_does_not_wait_for_heavy_imports() -> None:
    code = (
        "import sys; from rsbd.cli import app\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'numpy', 'matplotlib', 'jupyterlab'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(rsbd.__file__).parents[1])


def test_help_does_not_come_from_docstrings_which_python_drops_on_request() -> None:
    said = run_alone("--help", python=("-OO",))
    for group in (app, data_app):
        for command in group.registered_commands:
            assert command.help == inspect.getdoc(command.callback)
            assert group is data_app or " ".join(str(command.help).split()[:5]) in " ".join(said.stdout.split())


@pytest.mark.parametrize("options", [["certify", "--models"], ["certify", "--target"], ["compare", "--poisoned"]])
def test_numbers_that_are_no_numbers_are_named(options: list[str]) -> None:
    found = run(*options, "10k")
    assert found.returncode == 2
    assert "'10k' is not a whole number" in " ".join(found.stderr.split())


def test_data_lists_every_set_with_its_state(tmp_path: Path) -> None:
    result = run("data", RSBD_DATA=str(tmp_path))
    assert result.returncode == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line}
    for name, source in SOURCES.items():
        assert ("missing" if source.files else "in the package") in lines[name]
        assert f"{source.rows:,} rows" in lines[name]
    assert str(tmp_path) in result.stdout
    assert "rsbd data download mnist" in result.stdout


def test_data_errors_are_one_sentence(tmp_path: Path) -> None:
    here = {"RSBD_DATA": str(tmp_path / "data")}
    says_one_sentence(run("certify", "--dataset", "mnist", **here), "rsbd data download mnist", "RSBD_DATA")
    says_one_sentence(run("data", "download", "minst", **here), "choose one of digits")
    says_one_sentence(run("data", "download", "digits", "minst", **here), "choose one of digits")
    offline = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    says_one_sentence(run("data", "download", "cifar10", **here, **offline), "connect to the network")
    (tmp_path / "file").touch()
    blocked = {"RSBD_DATA": str(tmp_path / "file" / "data")}
    says_one_sentence(run("data", "download", "cifar10", **blocked), "cannot be written", "set RSBD_DATA")


def test_a_truncated_download_is_found(tmp_path: Path) -> None:
    for file in SOURCES["mnist"].files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        magic = b"\0\0\x08\x03" + b"\0\0\0\x02" + b"\0\0\0\x1c" * 2 if "images" in file else b"\0\0\x08\x01\0\0\0\x02"
        (tmp_path / file).write_bytes(magic + bytes(2 * 784 if "images" in file else 2))
    result = run("data", "download", "mnist", RSBD_DATA=str(tmp_path))
    says_one_sentence(result, "it has 2 rows and 2 points, not 60000 and 10000", "delete it there")


def test_files_that_cannot_be_written_are_one_sentence(tmp_path: Path) -> None:
    """Any command may meet such a folder, after it is done computing."""
    (tmp_path / "file").touch()
    code = (
        "import sys, pathlib; from rsbd import cli\n"
        "@cli.app.command()\n"
        "def write(): pathlib.Path('file/result.json').write_text('x')\n"
        "sys.argv = ['rsbd', 'write']; cli.main()"
    )
    env = os.environ | {"PYTHONPATH": str(Path(rsbd.__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=env, timeout=60
    )
    says_one_sentence(result, "file/result.json", "choose a file or folder that you can read and write")


def test_every_option_is_explained_in_words() -> None:
    """With what it takes in its place, and no name of a type."""
    for command in ("lab", "lecture", "site", "certify", "compare"):
        said = run(*command.split(), "--help", COLUMNS="80", TERM="dumb").stdout
        assert max(map(len, said.splitlines())) <= 80
        for jargon in ("list[", "int range", "<int>", "<float>", "<str>", "<path>"):
            assert jargon not in said, (command, jargon)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_under_the_output_is_one_sentence(tmp_path: Path) -> None:
    code = (
        "import os, sys; from rsbd import cli\n"
        "for number, name in enumerate(sys.argv[1:], 1): os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), number)\n"
        "sys.argv = 'rsbd certify --side 8 --rows 20 --points 5 --models 8'.split(); cli.main()"
    )
    out, err, full = str(tmp_path / "out"), str(tmp_path / "err"), "/dev/full"
    for names, ends in (((full, err), 2), ((out, full), 0), ((full, full), 2)):
        assert run_copy(code, *names).returncode == ends
    last = (tmp_path / "err").read_text().strip().splitlines()
    assert last == [
        "rsbd: output: No space left on device: make room there, and the same command goes on from what is kept"
    ]
    assert "certified" in (tmp_path / "out").read_text()  # what nobody reads is no reason to lose the result


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_ctrl_c_says_what_is_kept_and_the_run_goes_on(tmp_path: Path) -> None:
    """With and without a folder for the votes."""
    code = (
        "import os, signal\n"
        "from rsbd.cli import main; from rsbd.ensemble.votes import Store\n"
        "from rsbd.recipes.experiment import Experiment\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs are deaf to it
        "Store.every, was = 0.0, Experiment.stream\n"
        "def stream(*a, **k):\n"
        "    for number, found in enumerate(was(*a, **k)):\n"
        "        yield found\n"
        "        if number == 3: os.kill(os.getpid(), signal.SIGINT)\n"
        "Experiment.stream = stream\n"
        "main()"
    )
    small = ["certify", "--side", "8", "--rows", "60", "--points", "20", "--models", "2000"]
    kept = tmp_path / "a b"
    for more, words in (
        (["--out", str(kept)], f"votes so far are kept in {kept}"),
        ([], "keep the votes with --out FOLDER"),
    ):
        done = run_copy(code, *small, *more)
        assert done.returncode == 130, done
        assert done.stderr.strip().endswith(f"{words}, and the same command goes on from there")
        assert "Traceback" not in done.stderr
    assert len(list((kept / "votes").glob("*.npz"))) == 2
    assert run(*small, "--out", str(kept)).returncode == 0


def test_doctor_reports_and_ends_by_what_it_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("rsbd.course.notebooks.stored_course", lambda: (tmp_path, True))
    result = CliRunner().invoke(app, ["doctor"])
    for word in (
        "python",
        "torch ",
        "device",
        "torchvision",
        "digits",
        "ipywidgets",
        "anywidget",
        "jupyterlab",
        "voila",
    ):
        assert f"ok    {word}" in result.output, result.output
    assert "ok    ipykernel" in result.output
    assert result.exit_code == 0, result.output

    module = importlib.import_module("rsbd.cli.doctor")
    real = module.installed
    monkeypatch.setattr(module, "installed", lambda name: "7.0.1" if name == "ipykernel" else real(name))
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    needed = next(one for one in requires("rsbd") or [] if one.startswith("ipykernel"))
    assert f"FAIL  ipykernel      7.0.1 -> pip install '{needed}'" in result.output


def test_doctor_goes_on_where_something_does_not_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "FAIL  widgets" in result.output
    assert "ok    jupyterlab" in result.output


def test_a_bar_tells_how_far_how_fast_and_how_much_longer() -> None:
    now = [0.0]
    bar = options.progress_bar()
    bar.get_time = lambda: now[0]
    task = bar.add_task("training models", total=1000)
    for second in range(1, 6):
        now[0] = float(second)
        bar.update(task, advance=50)
    said = Console(width=120, file=io.StringIO(), record=True)
    said.print(bar.get_renderable())
    assert {"250/1000", "50/s", "0:00:15"} <= set(said.export_text().split())


@pytest.mark.parametrize(
    "option", ["certify --out", "compare --out", "lecture --static", "lecture --handout", "lab --course", "site"]
)
@pytest.mark.parametrize("name", ["", " ", "~nobody-of-this-name/x"])
def test_no_name_is_not_the_folder_at_hand(
    option: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, [*option.split(), name], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "names no file or folder" in result.output or "write the path out in full" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="homes of Unix")
def test_homes_are_homes(tmp_path: Path) -> None:
    """No shell reads the tilde in `--out=~/x`."""
    small = ("certify", "--defence", "noise", "--rows", "20", "--points", "5", "--models", "8", "--out=~/found")
    assert run(*small, cwd=tmp_path, HOME=str(tmp_path)).returncode == 0
    assert (tmp_path / "found" / "result.json").is_file()
    says_one_sentence(run("data", RSBD_DATA="~nobody-of-this-name/x"), "write the path out in full")


def test_a_terminal_without_a_width_is_told_too() -> None:
    said = run("certify", "--bag", "some", COLUMNS="0")
    assert said.returncode == 2
    assert "--bag" in said.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="folders of Unix")
def test_a_working_folder_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import pathlib; pathlib.Path.cwd().rmdir(); from rsbd.cli import main; main()"
    env = os.environ | {"PYTHONPATH": str(Path(rsbd.__file__).parents[1])}
    command = [sys.executable, "-c", code, "certify"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=gone, env=env, timeout=60)
    says_one_sentence(done, "the folder that this runs in is gone")


def test_ctrl_c_at_once_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rsbd.cli.app", stopped)
    with pytest.raises(SystemExit, match="130"):
        cli.main()


def test_the_short_help_is_there_for_every_command() -> None:
    for name in ("", "lab", "course", "lecture", "site", "certify", "compare", "doctor", "data"):
        assert "Usage" in CliRunner().invoke(app, [*name.split(), "-h"]).output, name


def test_course_copies_and_starts_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["course", str(tmp_path / "mine")])
    assert result.exit_code == 0
    assert "files copied" in result.output
    assert (tmp_path / "mine" / "00_start_here.ipynb").is_file()
