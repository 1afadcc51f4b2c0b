"""What a reader sees: notebooks in JupyterLab in a real Chromium, with and without the kernel that made them."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
from collections.abc import Iterator

import numpy as np
import pytest
from browser.lab import ARTIFACTS, KERNEL, ROOT, write_notebook
from fake_found import fake
from scene_frames import pictures

from rsbd.course import notebooks
from rsbd.course.lecture import SCENES
from rsbd.panels.backdoor.draw import draw_backdoor, draw_compact_backdoor

pytestmark = pytest.mark.browser
TABS = "() => [...window.jupyterapp.shell.widgets('main')].map(widget => widget.title.label)"


def final(lab) -> None:
    lab.page.locator(".rsbd-carrier[data-state=final]").first.wait_for(timeout=60_000)


def gone(lab) -> None:
    """The picture stays, its badge and sentence say that nobody is behind it; the cell runs again."""
    panel = lab.page.locator(".rsbd-panel").first
    panel.locator(".rsbd-carrier[data-state=lost]").wait_for(timeout=30_000)
    panel.get_by_role("status").filter(
        has_text="The kernel behind this panel has stopped: run its cell again."
    ).wait_for()
    assert "kernel stopped" in panel.locator(".rsbd-badge").inner_text()
    assert panel.locator(".rsbd-picture > svg").count() == 1
    lab.until(f"{KERNEL}.status === 'idle'")
    lab.start_all()
    final(lab)


def test_a_panel_whose_kernel_is_gone_says_so_and_a_saved_notebook_shows_its_picture(folder, open_page):
    """The kernel is restarted, shut down with its page, and killed: four kernels one after the other."""
    cell = "from rsbd.panels import PANELS\npanel = PANELS['worst_case']()\npanel"
    name = write_notebook(folder, "left.ipynb", cell)
    with open_page() as lab:
        lab.open(name)
        lab.run_all()
        lab.picture(re.compile(r"\(final\)")).first.wait_for()
        page = lab.page.locator(".rsbd-still")
        page.locator("img").wait_for(state="attached")
        assert not page.is_visible()  # the live panel is there
        lab.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        lab.page.evaluate(f"() => {KERNEL}.restart()")
        gone(lab)
        lab.screenshot("kernel-restart")
        lab.shut_down()
        lab.open(name)
        page.get_by_role("img", name=re.compile(r"\(final\)")).wait_for()
        lab.page.get_by_text("Error displaying widget").wait_for(state="hidden")
        assert lab.picture().count() == 0
        lab.start_all()
        lab.picture(re.compile(r"\(final\)")).first.wait_for()
        assert not page.is_visible()
        lab.execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", wait=False)
        dialog = lab.page.get_by_role("dialog")
        dialog.filter(has_text="appears to have died").wait_for(timeout=30_000)
        dialog.get_by_role("button").last.click()
        gone(lab)
        lab.screenshot("kernel-kill")


def nudge(lab) -> None:
    """Press an arrow key on the first slider of the first panel and wait for another final picture."""
    panel = lab.page.locator(".rsbd-panel").first
    panel.get_by_role("img", name=re.compile(r"\(final\)")).wait_for()
    before = panel.locator(".rsbd-picture").get_attribute("aria-label")
    panel.get_by_role("slider").first.focus()
    lab.page.keyboard.press("ArrowRight")
    lab.until(
        "(now => now !== given && now.includes('(final)'))"
        "(document.querySelector('.rsbd-panel .rsbd-picture').getAttribute('aria-label'))",
        before,
    )


# All notebooks are executed without a browser, and all panels tried in one: here one of them goes the whole way.
FIRST = f"notebooks/{notebooks.FIRST}"


@pytest.mark.parametrize("path", os.environ.get("RSBD_BROWSER_NOTEBOOK", FIRST).split())
def test_course_notebook(path, folder, open_page):
    """As `rsbd lab --course` opens a copy: with tabs, where words lead to the glossary and from there to notebooks."""
    source = ROOT / path
    assert notebooks.open_course(folder / source.stem).copied > 10  # whole: notebooks read results beside them
    with open_page() as lab:
        lab.open(f"{source.stem}/{source.name}", "lab")
        lab.run_all()
        nudge(lab)
        guess = lab.page.locator(".rsbd-prediction").first
        guess.get_by_role("textbox").fill("30")
        guess.get_by_role("button", name="reveal").click()
        guess.get_by_role("status").filter(has_text="You said 30").wait_for()
        lab.screenshot(source.stem)
        assert lab.complaints == []
        lab.page.get_by_role("link", name="glossary").first.click()
        preview = lab.page.locator(".jp-MarkdownViewer")
        preview.get_by_role("heading", name="certified accuracy").wait_for()
        assert lab.page.evaluate(TABS) == [source.name, "GLOSSARY.md"]
        # And back: each word names the notebook that introduces it.
        preview.get_by_role("link", name="08").first.click()
        lab.page.get_by_role("heading", name=re.compile("^08 Partitions")).first.wait_for(timeout=60_000)
        assert lab.page.evaluate(TABS)[-1].startswith("08_")


ALL, NONE = {"certified": np.ones((9, 6))}, {"certified": np.zeros((9, 6))}
LENGTHS = {"radii": np.linspace(0, 2, 101), "accuracies": np.linspace(0.9, 0, 101), "norm": "L2"}
FOUNDS = {
    "final": {},
    "preview": {"models": 200, "budget": 5, "naive": np.linspace(0.9, 0, 8)},
    "certified": {"accuracies": np.ones(8), "rows": 500, "trigger": 49, "at_threat": 0.01, **ALL},
    "nothing": {"accuracies": np.zeros(8), "attack_success": (np.nan,) * 3, **NONE},
    "many": {"radii": np.arange(60.0), "accuracies": np.linspace(1, 0, 60), "budget": 24},
    "lengths": {"budget": 1.9, **LENGTHS},
    "words": {"target": "ankle boot", "dataset": "fashion"},
}
MODELS = {"backdoor": 300, "planted": 300, "rab": 100}
BOXES = """() => {
    const svg = document.querySelector("svg"), frame = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].map(t => {
        const b = t.getBoundingClientRect();
        const at = [b.left - frame.left, b.right - frame.left, b.top - frame.top, b.bottom - frame.top];
        return [t.textContent, ...at, frame.width, frame.height];
    });
}"""


def drawn() -> Iterator[tuple[str, str]]:
    """Yield pictures with their names: the main panel's from made-up results, and those of all scenes.

    The scenes train few models: their texts would stand where they stand now, next to other numbers.
    """
    for (name, changes), render in itertools.product(FOUNDS.items(), (draw_backdoor, draw_compact_backdoor)):
        yield f"{name}, {render.__name__}", render(fake(**changes)).svg
    for scene in SCENES:
        few = {"num_models": MODELS[scene.panel]} if scene.panel in MODELS else {}
        for name, picture in pictures(dataclasses.replace(scene, settings={**scene.settings, **few})).items():
            yield f"{scene.title}, {name}", picture.svg


def test_no_text_is_cut_or_covers_other_text(open_page):
    wrong = []
    with open_page(1240, 720) as lab:
        for where, picture in drawn():
            lab.page.set_content(f"<body style='margin:0;width:1200px'>{picture}</body>")
            texts = lab.page.evaluate(BOXES)
            for words, left, right, top, bottom, width, height in texts:
                if min(left, top) < -1 or right > width + 1 or bottom > height + 1:
                    wrong.append(f"{where}: {words!r} is cut")
            for a, b in itertools.combinations(texts, 2):
                wide, high = min(a[2], b[2]) - max(a[1], b[1]), min(a[4], b[4]) - max(a[3], b[3])
                if wide > 1 and high > 3:  # the rim of a line of text is empty
                    wrong.append(f"{where}: {a[0]!r} and {b[0]!r} overlap")
    assert wrong == []


def test_artifacts_are_ignored_by_git():
    assert ".artifacts/" in (ROOT / ".gitignore").read_text().splitlines()
    assert ARTIFACTS.parent == ROOT
