"""A student's way in a real browser: `rsbd lab --course` serves a copy, and words lead to the glossary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser.lab import open_browser

from rsbd.course import notebooks

pytestmark = pytest.mark.browser
TABS = "() => [...window.jupyterapp.shell.widgets('main')].map(widget => widget.title.label)"


def test_the_glossary_opens_as_a_page_beside_the_notebook(tmp_path: Path) -> None:
    copy = notebooks.open_course(tmp_path / "mine")
    assert copy.copied > 10
    with open_browser(copy.home, tmp_path / "home") as open_page, open_page() as lab:
        # As `rsbd lab` opens it: with tabs, not as a single document.
        lab.page.goto(f"{lab.address}/lab/tree/{notebooks.FIRST}?reset")
        lab.page.get_by_role("link", name="glossary").first.click(timeout=60_000)
        preview = lab.page.locator(".jp-MarkdownViewer")
        preview.get_by_role("heading", name="certified accuracy").wait_for()
        assert lab.page.evaluate(TABS) == [notebooks.FIRST, "GLOSSARY.md"]
        # And back: each word names the notebook that introduces it.
        preview.get_by_role("link", name="08").first.click()
        lab.page.get_by_role("heading", name=re.compile("^08 Partitions")).first.wait_for(timeout=60_000)
        assert lab.page.evaluate(TABS)[-1].startswith("08_")
