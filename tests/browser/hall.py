"""Start `rsbd lecture` as a lecturer would, and open its page in Chromium."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from warm_kernels import python_path, warm_path

from browser.lab import CHROMIUM_ARGS, KEEPER, chromium, photograph

# Voila carries an older JupyterLab than the extensions that it loads; its loader remarks on that.
NOT_OURS = ("Unsatisfied version", "No satisfying version", "[Violation]")


@contextlib.contextmanager
def lecture(home: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run the command; yield the address that it prints, and the process under which its kernels run."""
    folders = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("RUNTIME", "DATA", "CONFIG")}
    ours = {"IPYTHONDIR": str(home / "ipython"), "JUPYTER_PATH": warm_path(), "PYTHONPATH": python_path()}
    env = {**os.environ, **folders, **ours}
    command = [sys.executable, "-m", "rsbd", "lecture", "--no-browser"]
    with (home / "lecture.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", KEEPER, *command], env=env, cwd=home, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )  # fmt: skip
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said.startswith("rsbd: open http"), (home / "lecture.log").read_text()[-3000:]
            yield said.split()[-1], psutil.Process(process.pid)
        finally:
            family = psutil.Process(process.pid).children(recursive=True)
            process.communicate()  # closes its standard input
            alive = psutil.wait_procs(family, timeout=60)[1]
            for left in alive:
                left.kill()
    assert not alive, "the server or a kernel outlived `rsbd lecture`"


def kernels(process: psutil.Process) -> list[psutil.Process]:
    """Return the kernels that run under the command."""
    return [p for p in process.children(recursive=True) if "warm_kernels" in " ".join(p.cmdline())]


class Hall:
    """A page; ``complaints`` collects its errors, its warnings and its requests to other machines."""

    def __init__(self, page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        page.on("request", self._request)

    def _console(self, message) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(NOT_OURS):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request) -> None:
        if not re.match(r"(https?://127\.0\.0\.1:|file:|data:|blob:)", request.url):
            self.complaints.append(f"asked for {request.url}")

    def picture(self, containing: str | re.Pattern[str] = "") -> str:
        """Wait for the picture whose alt text says this, and return that text."""
        found = self.page.get_by_role("img", name=containing).first
        found.wait_for(timeout=60_000)
        return str(found.get_attribute("aria-label"))

    def scene(self, number: int) -> None:
        """Wait for a scene and its final picture."""
        from playwright.sync_api import expect

        self.page.locator(".rsbd-number", has_text=re.compile(rf"^{number} /")).wait_for(timeout=60_000)
        carrier = expect(self.page.locator(".rsbd-carrier"))
        carrier.to_have_attribute("data-state", "final", timeout=60_000)  # if not, it says which state it has

    def pressed(self) -> str:
        """Return the name of the preset at which the controls are."""
        return str(self.page.locator('.rsbd-presets [aria-pressed="true"]').inner_text())

    def pixels(self, selector: str) -> float:
        """Return the size of the letters of an element."""
        size = "e => parseFloat(getComputedStyle(e).fontSize)"
        return float(self.page.locator(selector).first.evaluate(size))

    def letters(self, within: str = ".rsbd-picture") -> float:
        """Return the height in pixels of the smallest letters of the picture, as they are on the screen."""
        size = """within => Math.min(...[...document.querySelectorAll(`${within} text`)]
            .filter(t => t.checkVisibility())
            .map(t => parseFloat(getComputedStyle(t).fontSize) * Math.hypot(t.getScreenCTM().a, t.getScreenCTM().b)))"""
        return float(self.page.evaluate(size, within))

    def screenshot(self, name: str, width: int = 1280, height: int = 720) -> None:
        """Give the screen a size, and save what is on it."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_timeout(200)
        photograph(self.page, name)

    def overflow(self) -> list[str]:
        """Return the parts of the stage that reach beyond the screen."""
        parts = ".rsbd-stage :is(p, h1, button, select, label, .rsbd-picture, .rsbd-pair, .rsbd-example)"
        return list(
            self.page.evaluate(
                """parts => [...document.querySelectorAll(parts)]
                    .filter(e => e.offsetParent && (b => b.right > innerWidth + 1 || b.bottom > innerHeight + 1)(
                        e.getBoundingClientRect())).map(e => e.className + " " + e.textContent.slice(0, 60))""",
                parts,
            )
        )


@contextlib.contextmanager
def open_chromium() -> Iterator[Any]:
    """Start a Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def open_hall(address: str, offline: bool = False, within: Any = None) -> Iterator[Hall]:
    """Open an address in a Chromium of its own, or ``within`` one, as somebody who has not been there before."""
    with (
        contextlib.nullcontext(within) if within else open_chromium() as browser,
        browser.new_context(viewport={"width": 1280, "height": 720}, offline=offline) as context,
    ):
        hall = Hall(context.new_page())
        hall.page.goto(address, timeout=90_000)  # a kernel starts before the page comes
        yield hall
