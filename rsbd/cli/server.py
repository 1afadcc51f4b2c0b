"""A server of Jupyter's for this machine only, as a child that ends when we are asked to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import TypeAlias

import typer

from rsbd.errors import InputError

WINDOWS = sys.platform == "win32"
Server: TypeAlias = "subprocess.Popen[bytes]"


def check_port(port: int | None) -> None:
    """Refuse a port that somebody listens on.

    Raises
    ------
    InputError
        If it is in use.
    """
    if port is not None and _taken(port):
        raise InputError(f"port {port} is in use", "give another one, or leave --port out")


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        if not WINDOWS:  # a port whose last connection has just closed is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def serve(
    command: list[str],
    home: Path,
    environment: Mapping[str, str],
    address: Callable[[Server], str | None],
    then: Callable[[str], object] = lambda url: None,
) -> int:
    """Run a server until it ends or we are asked to stop; print its address once it answers.

    Parameters
    ----------
    command : list of str
        The server.
    home : Path
        Folder it runs in.
    environment : mapping
        Variables beside those of this process, which win.
    address : callable
        Waits for the server to answer and returns its address, or None if it ended before.
    then : callable
        What to do with the address beside printing it.

    Returns
    -------
    int
        Exit status of the server.
    """
    # Many small arrays in many threads: with glibc's usual number of arenas a kernel outgrows 1 GB.
    everything = {"MALLOC_ARENA_MAX": "2", **os.environ, **environment}
    # In a session of its own the server does not see Ctrl-C, at which it would ask a question that nobody
    # answers: we turn every way of asking us to stop into its clean shutdown, which ends the kernels too.
    server = subprocess.Popen(  # noqa: S603 - the command is our own
        command, cwd=home, env=everything, start_new_session=not WINDOWS
    )

    def stop(_: int, __: FrameType | None) -> None:
        server.terminate()

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    if url := address(server):
        typer.echo(f"rsbd: open {url}")
        then(url)
    return server.wait()
