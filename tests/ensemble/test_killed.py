"""kill -9 at twenty moments, two runs in one folder, a home that is no folder: the same counts in the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from copies import run_copy

import rsbd

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="processes of Unix")]

# Forks one child per moment: a start takes milliseconds, not seconds.
KILLER = """
import os, random, signal, sys, time, warnings
from pathlib import Path
from rsbd import Flip, Linear, Smoothing, collect, load
from rsbd.ensemble.votes import Store
warnings.simplefilter("error")
Store.every = 0.0  # every block is written: most moments fall into training, voting or writing
data = load("digits", side=8, classes=(0, 1), rows=60, points=40)
noise = Smoothing(features=Flip(0.8), labels=Flip(0.8, 2), test=Flip(0.8))
root = Path(sys.argv[1])

def start(folder):
    pid = os.fork()
    if pid:
        return pid
    try:
        collect(data, noise, Linear(), data.x_test, 1000, seed=3, store=folder)
        os._exit(0)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)

def result(folder):
    (file,) = folder.glob("*.npz")
    return file.read_bytes()

began = time.monotonic()
assert os.waitpid(start(root / "whole"), 0)[1] == 0
took, expected, left, moments = time.monotonic() - began, result(root / "whole"), [], random.Random(0)
for number in range(20):
    folder = root / str(number)
    pid = start(folder)
    time.sleep(took * (number + moments.random()) / 20)
    os.kill(pid, signal.SIGKILL)
    killed = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    took *= 1 if killed else 0.8  # other programs make less use of the processors than they did at first
    there = folder.exists() and any(path.suffix == ".npz" for path in folder.iterdir())
    left.append(f"{'killed' if killed else 'done'}, {'some' if there else 'no'} votes")
    assert os.waitpid(start(folder), 0)[1] == 0
    assert result(folder) == expected, number
print(*left, sep="\\n")
"""


def test_killed_at_any_moment_a_run_goes_on_to_the_same_counts(tmp_path: Path) -> None:
    run = run_copy(KILLER, str(tmp_path))
    assert run.returncode == 0, run.stderr
    left = run.stdout.splitlines()
    assert len(left) == 20
    assert sum(line.startswith("killed") for line in left) >= 10, left
    assert left.count("killed, some votes") >= 3, left  # the next run found something to go on from


# Forks two runs that begin at once in one folder, and one that runs alone in another.
CERTIFY = """
import os, sys
from rsbd import cli

def start(folder):
    if not (child := os.fork()):
        sys.argv = f"rsbd certify --side 8 --rows 60 --points 20 --models 400 --out {folder}".split()
        cli.main()
    return child

for folders in (["both", "both"], ["alone"]):
    for child in [start(folder) for folder in folders]:
        assert os.waitpid(child, 0)[1] == 0
"""


def results(folder: Path) -> tuple[object, bytes]:
    found = json.loads((folder / "result.json").read_text())
    for part in (found, found["bags"]):
        part.pop("seconds")
    return found, (folder / "votes.npz").read_bytes()


def test_two_runs_in_one_folder(tmp_path: Path) -> None:
    """Both end well, and what lies there is what one of them alone would have written."""
    run = run_copy(CERTIFY, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert results(tmp_path / "both") == results(tmp_path / "alone")
    left = sorted(path.name for path in (tmp_path / "both").rglob("*") if path.name.startswith("."))
    assert left == []  # no unfinished file


# Says what data there are, and certifies, one after the other.
HOMELESS = """
import sys
from rsbd import cli
for words in ("data", "certify --side 8 --rows 30 --points 10 --models 8"):
    sys.argv = ["rsbd", *words.split()]
    try:
        cli.main()
    except SystemExit as end:
        assert not end.code, words
"""


def test_a_home_that_cannot_be_written_to(tmp_path: Path) -> None:
    """Nobody, not even root, can make a folder in a file."""
    home = tmp_path / "home"
    home.write_text("no folder")
    names = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "RSBD_DATA", "MPLCONFIGDIR")
    env = {k: v for k, v in os.environ.items() if k not in names}
    env |= {"HOME": str(home), "PYTHONPATH": str(Path(rsbd.__file__).parents[1])}
    answer = subprocess.run([sys.executable, "-c", HOMELESS], env=env, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    assert "Traceback" not in answer.stderr
    assert home.read_text() == "no folder"
