"""Run a Jupyter server for this machine only, as a child process that ends with this one."""

import os
import secrets
import signal
import subprocess
import sys
import time
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import typer

from rsbd.errors import InputError

WINDOWS = sys.platform == "win32"


def culling(seconds: int) -> list[str]:
    """Return the options that end kernels to which no page is connected and that computed nothing for a while."""
    return [f"--MappingKernelManager.cull_{said}" for said in (f"idle_timeout={seconds}", "interval=60")]


def usable_port(port: int | None) -> int:
    """Return a port after a check, or one that is free now.

    Raises
    ------
    InputError
        If it is in use.
    """
    import socket  # not above: Python 3.13.0 cannot import it in a folder that is gone

    with socket.socket() as probe:
        if not WINDOWS:  # count a port as free if its last connection has just closed
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port or 0))
        except OSError:
            raise InputError(f"port {port} is in use", "give another one, or leave --port out") from None
        return int(probe.getsockname()[1])


def serve(
    command: list[str], home: Path, environment: Mapping[str, str], port: int, page: str = "", browser: bool = False
) -> int:
    """Run a server until it ends or this process is asked to stop; print its address once it answers.

    Parameters
    ----------
    command : list of str
        The module that serves, and its options.
    home : Path
        Folder it runs in.
    environment : mapping
        Variables to add to those of this process; they take precedence.
    port : int
        It listens there, on this machine only.
    page : str
        The path of the first page.
    browser : bool
        Open the first page in a browser.

    Returns
    -------
    int
        Exit status of the server.
    """
    # The token is passed in the environment, which other users of this machine cannot read. With glibc's usual number
    # of arenas, many small arrays in many threads make a kernel exceed 1 GB.
    token = secrets.token_hex(24)
    everything = {"MALLOC_ARENA_MAX": "2", **os.environ, "JUPYTER_TOKEN": token, **environment}
    # The server runs in its own session and does not receive Ctrl-C, at which it would ask a question that nobody
    # answers. Each signal that asks this process to stop becomes a clean shutdown, which ends the kernels too.
    started = [sys.executable, "-m", *command, f"--port={port}"]
    server = subprocess.Popen(started, cwd=home, env=everything, start_new_session=not WINDOWS)  # noqa: S603

    def stop(_: int, __: FrameType | None) -> None:
        server.terminate()

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    for _ in range(600):  # a minute
        if server.poll() is not None:
            break
        if _answers(port):
            url = f"http://127.0.0.1:{port}/{page}?token={token}"
            typer.echo(f"rsbd: open {url}")
            if browser:
                webbrowser.open(url)
            break
        time.sleep(0.1)
    return server.wait()


def _answers(port: int) -> bool:
    """Return True if a port of this machine accepts connections."""
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
