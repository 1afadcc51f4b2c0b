"""Run a Jupyter server for this machine only, as a child process that ends with this one."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

import typer

from rsbd.errors import InputError

WINDOWS = sys.platform == "win32"


def culling(seconds: int) -> list[str]:
    """Return the options that end kernels to which no page is connected and that computed nothing for a while."""
    return [f"--MappingKernelManager.cull_{said}" for said in (f"idle_timeout={seconds}", "interval=60")]


def check_port(port: int | None) -> None:
    """Raise if a port is in use.

    Raises
    ------
    InputError
        If it is in use.
    """
    if port is None:
        return
    with socket.socket() as probe:
        if not WINDOWS:  # count a port as free if its last connection has just closed
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise InputError(f"port {port} is in use", "give another one, or leave --port out") from None


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Return True if a port of this machine accepts connections."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def serve(
    command: list[str],
    home: Path,
    environment: Mapping[str, str],
    address: Callable[[int], str | None],
    then: Callable[[str], object] = lambda url: None,
) -> int:
    """Run a server until it ends or this process is asked to stop; print its address once it answers.

    Parameters
    ----------
    command : list of str
        The server.
    home : Path
        Folder it runs in.
    environment : mapping
        Variables to add to those of this process; they take precedence.
    address : callable
        From the number of the process to the address of the server, or None while it does not answer.
    then : callable
        Called with the address once it is printed.

    Returns
    -------
    int
        Exit status of the server.
    """
    # With glibc's usual number of arenas, many small arrays in many threads make a kernel exceed 1 GB.
    everything = {"MALLOC_ARENA_MAX": "2", **os.environ, **environment}
    # The server runs in its own session and does not receive Ctrl-C, at which it would ask a question that nobody
    # answers. Each signal that asks this process to stop becomes a clean shutdown, which ends the kernels too.
    server = subprocess.Popen(command, cwd=home, env=everything, start_new_session=not WINDOWS)  # noqa: S603

    def stop(_: int, __: FrameType | None) -> None:
        server.terminate()

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    for _ in range(600):  # a minute
        if server.poll() is not None:
            break
        if url := address(server.pid):
            typer.echo(f"rsbd: open {url}")
            then(url)
            break
        time.sleep(0.1)
    return server.wait()
