"""`rsbd lab`: open the course in JupyterLab."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from rsbd.errors import InputError

_WINDOWS = sys.platform == "win32"


def lab(
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port on this machine; a free one by default.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Folder to copy the notebooks to; a checkout is used as it is.")
    ] = None,
) -> None:
    """Open the course in JupyterLab (for this machine only, protected by its token); Ctrl-C ends it."""
    from rsbd.cli import course

    if port is not None and _taken(port):
        raise InputError(f"port {port} is in use: give another one, or leave --port out")
    home, kept = course.folder(to)
    typer.echo(f"rsbd: the course is in {home}" + (f" ({kept} files of yours are kept)" if kept else ""))
    raise typer.Exit(_serve(home, course.FIRST, no_browser, port))


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        if not _WINDOWS:  # a port whose last connection has just closed is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _serve(home: Path, notebook: str, no_browser: bool, port: int | None) -> int:
    command = [sys.executable, "-m", "jupyterlab", notebook, f"--ServerApp.root_dir={home}"]
    command += ["--ip=127.0.0.1", "--log-level=WARN"]
    if no_browser:
        command.append("--no-browser")
    if port is not None:
        command += [f"--port={port}", "--ServerApp.port_retries=0"]
    if not _WINDOWS and os.geteuid() == 0:  # containers: the server is for this machine only all the same
        command.append("--allow-root")
    # Many small arrays in many threads: with glibc's usual number of arenas a kernel outgrows 1 GB.
    environment = {"MALLOC_ARENA_MAX": "2"} | os.environ
    # In a session of its own the server does not see Ctrl-C, at which it would ask a question that nobody
    # answers: we turn every way of asking us to stop into its clean shutdown, which ends the kernels too.
    server = subprocess.Popen(  # noqa: S603 - the command is our own
        command, cwd=home, env=environment, start_new_session=not _WINDOWS
    )

    def stop(_: int, __: FrameType | None) -> None:
        server.terminate()

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    if url := _address(server, notebook):
        typer.echo(f"rsbd: open {url}")
    return server.wait()


def _address(server: subprocess.Popen[bytes], notebook: str) -> str | None:
    """Wait until the server answers for itself and return the address of the notebook, with the token."""
    from jupyter_core.paths import jupyter_runtime_dir

    record = Path(jupyter_runtime_dir()) / f"jpserver-{server.pid}.json"
    for _ in range(600):
        if server.poll() is not None:
            return None
        if record.is_file() and (text := record.read_text("utf-8")).endswith("}"):
            found = json.loads(text)
            if _answers(found["port"]):  # the record is written a moment before the server listens
                return f"{found['url']}lab/tree/{notebook}?token={found['token']}"
        time.sleep(0.1)
    return None


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
