"""Kernels that start at once: copies of a process that has imported what takes long, but nothing of rsbd.

Run as a program, it reads names of connection files, and starts a copy of itself as the kernel of each.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# What the package imports from other packages before a notebook has done much.
HEAVY = "numpy scipy.stats scipy.optimize torch sklearn.discriminant_analysis matplotlib.pyplot ipywidgets anywidget"
SECONDS = 300  # for one cell


class WarmKernels:
    """The process that is copied; ``files`` holds the connection files, and ``cwd`` is where kernels work."""

    def __init__(self, files: Path, cwd: Path) -> None:
        self.files = files
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, __file__], cwd=cwd, stdin=pipe, stdout=pipe, text=True)

    def start(self, file: str) -> int:
        """Start the kernel of a connection file; return the number of its process."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{file}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def shared(self) -> int:
        """Return the bytes of files that the process has in memory, of which a copy counts few as its own."""
        status = Path(f"/proc/{self.process.pid}/status")
        return _bytes(status, "RssFile") if status.exists() else 0

    @contextlib.contextmanager
    def kernel(self) -> Iterator[tuple[Any, int]]:
        """Start a kernel, and yield its client with the number of its process."""
        from jupyter_client import BlockingKernelClient
        from jupyter_client.connect import write_connection_file

        file, _ = write_connection_file(str(self.files / f"kernel-{os.urandom(8).hex()}.json"))
        client = BlockingKernelClient()
        client.load_connection_file(file)
        pid = self.start(file)
        client.start_channels(hb=False)  # a kernel that has not begun has no heartbeat
        try:
            client.wait_for_ready(timeout=60)
            yield client, pid
        finally:
            client.shutdown()
            client.stop_channels()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def close(self) -> None:
        """End the process; its kernels have ended."""
        self.process.communicate()


def run_cell(client: Any, source: str) -> list[dict[str, Any]]:
    """Run the code of a cell; return its outputs as a notebook holds them."""
    from nbformat.v4 import output_from_msg

    outputs: list[dict[str, Any]] = []

    def hear(message: dict[str, Any]) -> None:
        if message["header"]["msg_type"] in ("display_data", "execute_result", "stream", "error"):
            outputs.append(output_from_msg(message))

    client.execute_interactive(source, timeout=SECONDS, output_hook=hear, allow_stdin=False)
    return outputs


def peak_memory(pid: int) -> int:
    """Return the most bytes that a process ever held (elsewhere than on Linux: that it holds now)."""
    import psutil

    status = Path(f"/proc/{pid}/status")
    return _bytes(status, "VmHWM") if status.exists() else int(psutil.Process(pid).memory_info().rss)


def _bytes(status: Path, name: str) -> int:
    return int(re.findall(rf"{name}:\s+(\d+) kB", status.read_text("utf-8"))[0]) * 1024


def main() -> None:
    """Import what takes long, then start a copy for each line of standard input."""
    import importlib

    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # a kernel ends with this process, which ends with the tests
    from ipykernel.kernelapp import IPKernelApp

    for name in HEAVY.split():
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the copies
    for file in sys.stdin:
        if child := os.fork():
            sys.stdout.write(f"{child}\n")
            sys.stdout.flush()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(2, 1)
        IPKernelApp.launch_instance(argv=["-f", file.strip(), "--HistoryManager.hist_file=:memory:"])
        return


if __name__ == "__main__":
    main()
