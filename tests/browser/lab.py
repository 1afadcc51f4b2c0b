"""Start a private JupyterLab and open a page in Chromium, for tests of what a reader sees."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from warm_kernels import python_path, warm_path

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / ".artifacts"
LOOK = 100  # milliseconds between two looks at a condition: a look at each frame keeps the browser drawing frames
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--mute-audio",
]
# Starts the server and ends it when standard input closes: at the end of the tests, and when they are killed.
KEEPER = """
import subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
def watch():
    sys.stdin.read()
    server.terminate()
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
threading.Thread(target=watch, daemon=True).start()
sys.exit(server.wait())
"""
KERNEL = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
# What JupyterLab and Chromium themselves say on a quiet page.
NOT_OURS = re.compile(
    r"Refused to set unsafe header"  # JupyterLab's own requests
    r"|\[Violation\]"  # Chromium timing its host page
    r"|Plugin \S+ (\(with \d+ dependants\) took [\d.]+ms|is taking too long) to activate"  # JupyterLab timing itself
)


def chromium() -> str | None:
    """Return the path of the Chromium that the tests start, or None if none is installed.

    If ``$RSBD_CHROMIUM`` is set, it names the one to start. Otherwise the tests prefer the headless shell, a Chromium
    without windows: it needs two thirds of the processor time.
    """
    if named := os.environ.get("RSBD_CHROMIUM"):
        return shutil.which(named)
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def missing_browser() -> str:
    """Return what must be installed before tests can open a browser, or nothing."""
    if importlib.util.find_spec("playwright") is None:
        return "no playwright: pip install 'rsbd[test]'"
    return "" if chromium() else "no Chromium: install Debian's chromium, or name one in RSBD_CHROMIUM"


def photograph(subject, name: str, **options: Any) -> None:
    """Save what a page or an element looks like under ``.artifacts``, if ``$RSBD_ARTIFACTS`` is set: it takes time."""
    if os.environ.get("RSBD_ARTIFACTS"):
        ARTIFACTS.mkdir(exist_ok=True)
        subject.screenshot(path=ARTIFACTS / f"{name}.png", **options)


def free_port() -> int:
    """Return a loopback port on which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def server(folder: Path, home: Path) -> Iterator[str]:
    """Serve ``folder`` with private Jupyter folders under ``home``; yield the address; stop the server by its pid."""
    news = home / "lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    news.parent.mkdir(parents=True, exist_ok=True)
    news.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    env = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "lab" / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "lab" / "workspaces"),
        "JUPYTER_PATH": warm_path(),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONPATH": python_path(),
    }
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True",
        f"--ServerApp.root_dir={folder}", "--allow-root"
    ]  # fmt: skip
    log = (home / "server.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-c", KEEPER, *command],
        env=env,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _until_up(address, process, home / "server.log")
        yield address
    finally:
        process.communicate()  # closes its standard input
        log.close()


def _until_up(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"JupyterLab ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/api/status", timeout=2):
            return
        time.sleep(0.1)
    raise TimeoutError(f"JupyterLab did not answer within 60 s:\n{log.read_text()[-3000:]}")


def write_notebook(folder: Path, name: str, *cells: str) -> str:
    """Write a notebook of code cells."""
    code = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "source": c, "outputs": [], "execution_count": None}
        for i, c in enumerate(cells)
    ]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    folder.mkdir(parents=True, exist_ok=True)
    content = {"cells": code, "metadata": spec, "nbformat": 4, "nbformat_minor": 5}
    (folder / name).write_text(json.dumps(content))
    return name


class Lab:
    """One notebook in one page; ``complaints`` collects the errors and warnings of the page."""

    def __init__(self, page, address: str) -> None:
        self.page, self.address = page, address
        self.complaints: list[str] = []
        self.started = False
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))

    def _console(self, message) -> None:
        if message.type in ("error", "warning") and not NOT_OURS.match(message.text):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def open(self, notebook: str, view: str = "doc") -> None:
        """Open ``notebook``, alone or with tabs (``view="lab"``), and wait for an idle kernel."""
        self.page.goto(f"{self.address}/{view}/tree/{notebook}?reset")
        self._until_open()

    def open_instead(self, notebook: str) -> None:
        """End the kernel and open ``notebook`` alone in the same page, which takes seconds less than a new page."""
        self.shut_down()
        act = """async path => {
            [...window.jupyterapp.shell.widgets("main")].forEach(widget => widget.dispose());
            await window.jupyterapp.commands.execute("docmanager:open", { path });
        }"""
        self.page.evaluate(act, notebook)
        self._until_open()

    def _until_open(self) -> None:
        self.until(f"{KERNEL}?.status === 'idle'", timeout=90.0)
        self.started = False

    def until(self, condition: str, given: Any = None, timeout: float = 30.0) -> None:
        """Wait until a condition in JavaScript holds, in which ``given`` names what is given here; seconds."""
        self.page.wait_for_function(f"given => {condition}", arg=given, timeout=timeout * 1000, polling=LOOK)

    def execute(self, code: str, wait: bool = True) -> None:
        """Run code in the kernel of the notebook, and raise its error if it is waited for."""
        self.page.evaluate(f"code => {{ window.asked = {KERNEL}.requestExecute({{ code }}).done; }}", code)
        if wait:
            reply = self.page.evaluate("async () => (await window.asked).content")
            assert reply["status"] == "ok", reply

    def start_all(self) -> None:
        """Start running every cell."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
        self.started = True

    def run_all(self, timeout: float = 300.0) -> None:
        """Run every cell, or wait for what runs, and raise if one did not run or left an error."""
        if not self.started:
            self.start_all()
        self.until(
            f"""{KERNEL}.status === "idle" && (cells => cells.every(c =>
                c.executionCount !== null || c.sharedModel.getSource().trim() === "" ||
                cells.some(d => d.outputs.toJSON().some(o => o.output_type === "error")))
            )([...window.jupyterapp.shell.currentWidget.content.model.cells].filter(c => c.type === "code"))""",
            timeout=timeout,
        )
        errors = self.page.evaluate(
            """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
                .filter(c => c.type === "code").flatMap(c => c.outputs.toJSON())
                .filter(o => o.output_type === "error" || (o.output_type === "stream" && o.name === "stderr"))
                .map(o => o.output_type === "error" ? `${o.ename}: ${o.evalue}` : o.text)"""
        )
        assert errors == [], errors

    @contextlib.contextmanager
    def dark(self) -> Iterator[None]:
        """Show JupyterLab's dark theme inside the block."""
        self._theme("JupyterLab Dark")
        try:
            yield
        finally:
            self._theme("JupyterLab Light")

    def _theme(self, theme: str) -> None:
        self.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
        self.page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")

    def shut_down(self) -> None:
        """End the notebook's kernel: its memory goes back before the next one starts."""
        self.page.evaluate("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.shutdown()")

    def picture(self, containing: str | re.Pattern[str] = ""):
        """Return the live panel's picture, by its role and alt text; not the static picture beside it."""
        return self.page.locator(".rsbd-panel").get_by_role("img", name=containing)

    def screenshot(self, name: str) -> None:
        """Save what is on screen, with the first panel in view."""
        self.page.locator(".rsbd-panel").first.scroll_into_view_if_needed()
        photograph(self.page, name)


@contextlib.contextmanager
def open_browser(folder: Path, home: Path) -> Iterator[Callable[..., contextlib.AbstractContextManager[Lab]]]:
    """Serve ``folder`` and start Chromium; yield a function that opens one page after another."""
    from playwright.sync_api import sync_playwright

    for made in (folder, home):
        made.mkdir(parents=True, exist_ok=True)

    with server(folder, home) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGS)

        @contextlib.contextmanager
        def open_page(width: int = 1400, height: int = 1300) -> Iterator[Lab]:
            page = browser.new_page(viewport={"width": width, "height": height})
            lab = Lab(page, address)
            try:
                yield lab
            finally:
                lab.shut_down()
                page.close()

        try:
            yield open_page
        finally:
            browser.close()
