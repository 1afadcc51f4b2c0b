"""What a reader sees: a notebook in JupyterLab in a real Chromium, its panel moved by keyboard."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from browser.lab import ARTIFACTS, ROOT, open_browser, write_notebook
from fake_found import fake
from scene_frames import pictures

from rsbd.course.lecture import SCENES
from rsbd.panels.backdoor.draw import draw_backdoor, draw_compact_backdoor

pytestmark = pytest.mark.browser

DRIVE = "panel.set(keep=0.9)\npanel.wait()\nassert '0.9' in panel.alt"
SETUP = "from rsbd.panels import backdoor\npanel = backdoor(num_models=200)\npanel"
COLOURS = """() => {
    const text = document.querySelector(".rsbd-picture text");
    const sheet = getComputedStyle(document.querySelector(".jp-Notebook")).backgroundColor;
    return [getComputedStyle(text).fill, sheet];
}"""


def number(lab, label: str) -> float:
    return float(lab.page.get_by_role("spinbutton", name=label, exact=True).first.input_value())


def press(lab, label: str, key: str = "ArrowRight") -> float:
    """Press a key on the named slider and wait for the picture whose alt text holds the new value."""
    before = lab.page.get_by_role("status").first.inner_text()
    old = number(lab, label)
    lab.page.get_by_role("slider", name=label, exact=True).first.focus()
    lab.page.keyboard.press(key)
    new = round(old + (0.01 if key == "ArrowRight" else -0.01), 10)
    picture = lab.picture(re.compile(rf"{label} {new:g}\b.*\(final\)"))
    picture.first.wait_for(timeout=30_000)
    # Its message left first, but each widget takes its messages in its own time.
    lab.page.wait_for_function(
        "([label, value]) => [...document.querySelectorAll('.rsbd-pair')].some(pair => "
        "pair.querySelector('label').textContent === label && +pair.querySelector('input').value === value)",
        arg=[label, new],
        timeout=2000,
    )
    assert lab.page.get_by_role("status").first.inner_text() != before
    return new


def nudge(lab) -> None:
    """Press an arrow key on the first slider of the first panel and wait for another final picture."""
    panel = lab.page.locator(".rsbd-panel").first
    panel.get_by_role("img", name=re.compile(r"\(final\)")).wait_for()
    before = panel.locator(".rsbd-picture").get_attribute("aria-label")
    panel.get_by_role("slider").first.focus()
    lab.page.keyboard.press("ArrowRight")
    lab.page.wait_for_function(
        "before => { const now = document.querySelector('.rsbd-panel .rsbd-picture').getAttribute('aria-label');"
        "return now !== before && now.includes('(final)'); }",
        arg=before,
        timeout=30_000,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def open_page(folder, tmp_path_factory):
    """One JupyterLab and one Chromium for all tests; each test opens its own page and kernel."""
    with open_browser(folder, tmp_path_factory.mktemp("home")) as opener:
        yield opener


def test_panel_by_keyboard(folder, open_page):
    name = write_notebook(folder, "panel.ipynb", SETUP, DRIVE, "panel.static()")
    with open_page() as lab:
        lab.open(name)
        lab.run_all()
        lab.picture(re.compile(r"keep 0\.9\b.*\(final\)")).first.wait_for()
        press(lab, "keep")
        press(lab, "keep", "ArrowLeft")
        lab.screenshot("panel-light")
        # A value typed into the number box moves slider and picture too.
        box = lab.page.get_by_role("spinbutton", name="keep", exact=True).first
        box.fill("0.77")
        box.press("Enter")
        lab.picture(re.compile(r"keep 0\.77\b.*\(final\)")).first.wait_for()
        slider = lab.page.get_by_role("slider", name="keep", exact=True).first
        assert slider.get_attribute("aria-valuenow") == "0.77"
        assert slider.get_attribute("aria-valuetext") == "0.77"
        # Every slider of the page has a name.
        names = lab.page.eval_on_selector_all(".noUi-handle", "es => es.map(e => e.getAttribute('aria-label'))")
        assert len(names) >= 7
        assert all(names), names
        # A dropdown answers to the arrow keys, which JupyterLab would take for itself.
        lab.page.get_by_role("combobox", name="alpha", exact=True).first.focus()
        lab.page.keyboard.press("ArrowDown")
        lab.picture(re.compile(r"alpha 0\.0001 \(final\)")).first.wait_for()
        # A burst ends on its last value.
        slider.focus()
        for _ in range(20):
            lab.page.keyboard.press("ArrowRight")
        lab.picture(re.compile(r"keep 0\.97\b.*\(final\)")).first.wait_for(timeout=30_000)
        # The picture follows the theme.
        light = lab.page.evaluate(COLOURS)
        with lab.dark():
            lab.screenshot("panel-dark")
            dark = lab.page.evaluate(COLOURS)
        assert light != dark
        assert _contrast(*light) >= 4.5, light
        assert _contrast(*dark) >= 4.5, dark
        assert lab.complaints == []


def test_a_saved_notebook_shows_its_picture_without_the_kernel_that_made_it(folder, open_page):
    name = write_notebook(folder, "left.ipynb", SETUP)
    with open_page() as lab:
        lab.open(name)
        lab.run_all()
        lab.picture(re.compile(r"\(final\)")).first.wait_for()
        page = lab.page.locator(".rsbd-still")
        page.locator("img").wait_for(state="attached")
        assert not page.is_visible()  # the live panel is there
        lab.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        lab.shut_down()
        lab.open(name)
        page.get_by_role("img", name=re.compile(r"\(final\)")).wait_for()
        lab.page.get_by_text("Error displaying widget").wait_for(state="hidden")
        assert lab.picture().count() == 0
        lab.start_all()
        lab.picture(re.compile(r"\(final\)")).first.wait_for()
        assert not page.is_visible()


def test_picture_sharpens_as_votes_arrive(folder, open_page):
    """Frames sent by the worker reach the page, also while a cell keeps the kernel busy waiting."""
    watch = """() => {
        window.seen = [];
        const carrier = document.querySelector(".rsbd-carrier"), picture = carrier.querySelector(".rsbd-picture");
        const look = () => window.seen.push([carrier.dataset.state, picture.getAttribute("aria-label")]);
        new MutationObserver(look).observe(carrier, { attributes: true, subtree: true });
    }"""
    later = "panel.set(num_models=3000, keep=0.75)\npanel.wait()"
    ten = SETUP.replace("backdoor(", 'backdoor(rsbd.load("digits"), ')  # on two digits all is over in a blink
    name = write_notebook(
        folder, "sharpen.ipynb", f"import rsbd\n{ten}", "panel.wait()", "import time; time.sleep(1)", later
    )
    with open_page() as lab:
        lab.open(name)
        lab.start_all()
        lab.picture(re.compile(r"200 models, .*\(final\)")).first.wait_for(timeout=60_000)
        lab.page.evaluate(watch)
        lab.run_all()
        lab.picture(re.compile(r"3000 models, .*\(final\)")).first.wait_for()
        seen = lab.page.evaluate("() => window.seen")
        previews = (re.search(r"preview, ([\d,]+) of 3,000 models", alt) for _, alt in seen)
        counts = [int(m[1].replace(",", "")) for m in previews if m]
        assert len(set(counts)) >= 3, seen
        assert counts == sorted(counts)
        assert {"busy", "preview", "final"} <= {state for state, _ in seen}
        assert lab.complaints == []


def test_error_is_a_sentence_and_the_panel_recovers(folder, open_page):
    # Half of the rows are of the target class and cannot be poisoned: a wish that fails in the worker.
    broken = """
from rsbd.errors import InputError
panel.set(poisoned=0)
panel.engine.submit(type(panel.params)(poisoned=180))
try:
    panel.wait()
except InputError as error:
    print("raised", error)
else:
    raise AssertionError("the error of the worker was lost")
"""
    name = write_notebook(folder, "error.ipynb", SETUP, broken)
    with open_page() as lab:
        lab.open(name)
        lab.run_all()
        lab.page.get_by_role("status").filter(has_text="only").first.wait_for()
        lab.page.get_by_role("slider", name="keep", exact=True).first.focus()
        lab.page.keyboard.press("ArrowRight")
        lab.page.get_by_role("status").filter(has_text="(200 models, keep 0.81").first.wait_for()
        assert lab.complaints == []


def test_narrow_page_is_not_cut(folder, open_page):
    name = write_notebook(
        folder, "narrow.ipynb", "from rsbd.panels import backdoor\nbackdoor(num_models=100, compact=True)"
    )
    with open_page(800, 1000) as lab:
        lab.open(name)
        lab.run_all()
        lab.picture(re.compile(r"\(final\)")).first.wait_for()
        lab.screenshot("panel-narrow")
        over = lab.page.evaluate(
            "() => { const p = document.querySelector('.rsbd-panel'); return p.scrollWidth - p.clientWidth; }"
        )
        assert over <= 0
        assert lab.complaints == []


# All notebooks are executed without a browser, and all panels tried in one: here one of them goes the whole way.
FIRST = "notebooks/00_start_here.ipynb"


@pytest.mark.parametrize("path", os.environ.get("RSBD_BROWSER_NOTEBOOK", FIRST).split())
def test_course_notebook(path, folder, open_page):
    source = ROOT / path
    # Whole: notebooks read stored results from the folder beside them.
    shutil.copytree(source.parent, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    with open_page() as lab:
        lab.open(source.name)
        lab.run_all()
        nudge(lab)
        guess = lab.page.locator(".rsbd-prediction").first
        guess.get_by_role("textbox").fill("30")
        guess.get_by_role("button", name="reveal").click()
        guess.get_by_role("status").filter(has_text="You said 30").wait_for()
        lab.screenshot(source.stem)
        assert lab.complaints == []


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

    No scene trains more models than most do: its texts would stand where they stand now.
    """
    for (name, changes), render in itertools.product(FOUNDS.items(), (draw_backdoor, draw_compact_backdoor)):
        yield f"{name}, {render.__name__}", render(fake(**changes)).svg
    for scene in SCENES:
        few = {"num_models": 1000} if scene.settings.get("num_models", 0) > 1000 else {}
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


def _contrast(first: str, second: str) -> float:
    def luminance(colour: str) -> float:
        parts = [float(c) / 255 for c in re.findall(r"[\d.]+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_artifacts_are_ignored_by_git():
    assert ".artifacts/" in (ROOT / ".gitignore").read_text().splitlines()
    assert ARTIFACTS.parent == ROOT
