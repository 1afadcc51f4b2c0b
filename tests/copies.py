"""Processes that start at once: copies of one that has imported the package and what it needs."""

from __future__ import annotations

import atexit
import functools
import json
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import tempfile
from multiprocessing.context import BaseContext
from pathlib import Path

import rsbd

# What pools, the workers of a cluster and runs of nbval import first. One process holds it for all of them.
PRELOADED = ["pytest", "nbval.plugin", "nbval.kernel", "jupyter_client.manager", "distributed", "rsbd.ensemble.blocks"]


def forkserver() -> BaseContext:
    """Return a context for processes that inherit no thread of this one and import next to nothing (but on Windows)."""
    context = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
    context.set_forkserver_preload(PRELOADED)
    return context


# Reads jobs, one a line: a folder with code, words, a working folder and variables. Answers with exit codes.
SERVER = """
import gc, json, os, sys
import matplotlib.pyplot, scipy.ndimage
from rsbd import cli, load, panels
from rsbd.cli import certify, experiments
from rsbd.recipes import experiment
load("digits", side=28)
gc.freeze()  # the end of a copy does not look through all that
def be(folder, argv, cwd, variables):
    for number, name in enumerate(("out", "err"), 1):
        os.dup2(os.open(os.path.join(folder, name), os.O_RDWR | os.O_CREAT), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv = argv
    return compile(open(os.path.join(folder, "code")).read(), "<copy>", "exec")
for line in sys.stdin:
    if not (child := os.fork()):
        exec(be(*json.loads(line)), {"__name__": "__main__"})
        sys.exit()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@functools.cache
def server() -> subprocess.Popen[str]:
    """Start the process that is copied. It ends with this one."""
    env = os.environ | {"PYTHONPATH": str(Path(rsbd.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", SERVER], env=env, text=True, start_new_session=True, **pipes)
    atexit.register(process.communicate)
    return process


def run_copy(
    code: str, *arguments: str, cwd: Path | None = None, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run code in a process as `python -c` does, where torch has one thread, and return what it said.

    What rsbd imports before its first experiment is there, and nothing has been computed.
    """
    if not hasattr(os, "fork"):
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout)
    copied = server()
    assert copied.stdin
    assert copied.stdout
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "code").write_text(code, "utf-8")
        job = (name, ["-c", *arguments], str(cwd or Path.cwd()), dict(os.environ))
        copied.stdin.write(json.dumps(job) + "\n")
        copied.stdin.flush()
        if not select.select([copied.stdout], [], [], timeout)[0]:
            os.killpg(copied.pid, signal.SIGKILL)
            server.cache_clear()
            raise TimeoutError(f"{timeout} seconds: {(folder / 'err').read_text('utf-8')}")
        answer = int(copied.stdout.readline())
        return subprocess.CompletedProcess(arguments, answer, *(Path(name, of).read_text() for of in ("out", "err")))
