"""Kernels, and runs of nbval, that start at once: copies of processes that have imported what takes long.

No process of the kernels has imported anything of rsbd.
Run with the path of a socket, this is that process. Run with the path and a connection file, it is what Jupyter
starts: it asks that process for a kernel with its folder and environment, and ends when the kernel ends.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# What the package imports from other packages before a notebook has done much.
HEAVY = "numpy scipy.special scipy.ndimage torch matplotlib.pyplot ipywidgets anywidget"


class WarmKernels:
    """The process that is copied, and what Jupyter takes for its ``python3``, which asks that process for a copy."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.peak = folder / "peak"
        address = str(folder / "socket")
        spec = folder / "kernels" / "python3" / "kernel.json"
        spec.parent.mkdir(parents=True)
        argv = [sys.executable, "-S", __file__, address, "{connection_file}"]
        spec.write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}), "utf-8")
        self.env = env | {"JUPYTER_PATH": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, __file__, address], env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def peak_memory(self) -> int:
        """Return the most bytes that the last kernel ever held, as soon as it has ended."""
        end = time.monotonic() + 10
        while not self.peak.exists() and time.monotonic() < end:
            time.sleep(0.05)
        peak = int(self.peak.read_text())
        self.peak.unlink()
        return peak

    def close(self) -> None:
        """End the process; its kernels have ended."""
        self.process.communicate()  # closes its standard input


def python_path() -> str:
    """Return a PYTHONPATH by which other processes import the package from this checkout first."""
    return os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)


@functools.cache
def warm_path() -> str:
    """Return a folder for Jupyter's path, whose kernels start at once. The process that is copied ends with this."""
    folder = tempfile.TemporaryDirectory()
    kernels = WarmKernels(Path(folder.name), os.environ | {"PYTHONPATH": python_path()})
    atexit.register(lambda: (kernels.close(), folder.cleanup()))
    return folder.name


def run_warm(arguments: list[str], folder: Path, env: dict[str, str], output: Path) -> tuple[int | None, str]:
    """Run pytest with nbval in a copy of a process that has imported both; return its exit code and what it says."""
    from copies import forkserver  # not above: the process of the kernels has imported nothing of rsbd

    process = forkserver().Process(target=_run_pytest, args=(arguments, folder, env, output))
    process.start()
    process.join()
    return process.exitcode, output.read_text("utf-8")


def _run_pytest(arguments: list[str], folder: Path, env: dict[str, str], output: Path) -> None:
    import pytest

    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    file = os.open(output, os.O_WRONLY | os.O_CREAT)
    for number in (1, 2):
        os.dup2(file, number)
    sys.exit(pytest.main(arguments))


def serve(address: str) -> None:
    """Import what takes long, then start a copy for each kernel; write how much memory each of them held.

    This ends when standard input closes: with the tests, also if they are killed.
    """
    import importlib

    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    sys.stdout.write("ready\n")  # who asks now waits for the imports
    sys.stdout.flush()
    for name in ("ipykernel.kernelapp", *HEAVY.split()):
        importlib.import_module(name)
    kernels: dict[int, socket.socket] = {}
    while True:
        ready = select.select([server, sys.stdin, *kernels.values()], [], [], 0.05 if kernels else None)[0]
        if sys.stdin in ready:
            return
        if server in ready:
            client, _ = server.accept()
            asked = json.loads(client.makefile().readline())
            child = os.fork()
            if child == 0:
                for connection in (server, client, *kernels.values()):
                    connection.close()
                run_kernel(*asked)
            client.sendall(f"{child}\n".encode())
            kernels[child] = client
        for child, client in list(kernels.items()):
            if client in ready:  # Jupyter has killed the process that asked
                os.kill(child, signal.SIGKILL)
            ended, _, usage = os.wait4(child, os.WNOHANG)
            if ended:
                peak = Path(address).with_name("peak")
                peak.with_suffix(".new").write_text(str(usage.ru_maxrss * 1024))
                peak.with_suffix(".new").rename(peak)
                kernels.pop(child).close()


def run_kernel(folder: str, file: str, env: dict[str, str]) -> None:
    """Be the kernel of a connection file, in this folder and environment, until it ends."""
    from ipykernel.kernelapp import IPKernelApp

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    os.environ["JPY_PARENT_PID"] = str(os.getppid())  # a kernel ends with this process
    IPKernelApp.launch_instance(argv=["-f", file, "--HistoryManager.hist_file=:memory:"])
    sys.stdout.flush()
    os._exit(0)


def ask(address: str, file: str) -> None:
    """Ask for a kernel in this folder; pass on the signals that Jupyter sends to it, and wait until it ends."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(address)
    client.sendall((json.dumps([str(Path.cwd()), file, dict(os.environ)]) + "\n").encode())
    reader = client.makefile()
    child = int(reader.readline())
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda number, _: os.kill(child, number))
    reader.read()


if __name__ == "__main__":
    ask(*sys.argv[1:]) if len(sys.argv) == 3 else serve(sys.argv[1])
