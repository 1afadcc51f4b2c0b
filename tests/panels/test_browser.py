"""What a reader sees in JupyterLab in a real Chromium: every panel, notebooks with and without a kernel, themes, axe.

All panels stand in one notebook, which is open in one page: a page and its kernel cost ten seconds. Each test says
what it needs of its panel and leaves page and theme as they were; where a slider stands is free.
"""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser.axe import violations
from browser.lab import ARTIFACTS, KERNEL, LOOK, ROOT, Lab, open_browser, photograph, write_notebook
from fake_found import fake
from scene_frames import pictures

from rsbd.course import notebooks
from rsbd.course.lecture import SCENES
from rsbd.panels import PANELS, SyncRunner
from rsbd.panels.backdoor import draw_backdoor, draw_compact_backdoor
from rsbd.panels.picture_widget import PictureWidget

pytestmark = pytest.mark.browser
CELL = """
import ipywidgets
import rsbd
from rsbd.panels import PANELS, backdoor
few = {name: {"num_models": 200} for name in ("backdoor", "partitions", "planted", "rab")}
few["compare"] = {"num_models": 100}
panels = {name: make(**few.get(name, {})) for name, make in PANELS.items()}
panels["own"] = backdoor(num_models=200)
panels["compact"] = backdoor(num_models=100, compact=True)
panels["ten"] = backdoor(rsbd.load("digits"), num_models=200)  # on two digits all is over in a blink
for name, panel in panels.items():
    panel.wait()
    panel.widget.add_class(f"rsbd-test-{name}")
ipywidgets.VBox([panel.widget for panel in panels.values()])
"""
BURST = 20
FAULTS = (Path(__file__).parents[1] / "browser" / "faults.js").read_text(encoding="utf-8")
# Sliders that are shown, with what their number box says.
SLIDERS = """panel => [...panel.querySelectorAll(".rsbd-pair")].filter(p => p.offsetParent).map(p => {
    const box = p.querySelector("input"), handle = p.querySelector(".noUi-handle");
    return { label: p.querySelector("label").textContent, name: handle.getAttribute("aria-label"),
             low: +box.min, high: +box.max, step: +box.step, value: +box.value };
})"""
# Text of the picture that is hard to read where it stands: its colour against what lies under its middle.
FAINT = """panel => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = colour => numbers(colour).slice(0, 3).map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const paper = getComputedStyle(panel).backgroundColor; // it brings its own
    const shapes = [...panel.querySelectorAll("svg :is(rect, path, circle)")].map(s => [s, getComputedStyle(s)])
        .filter(([, style]) => style.fill !== "none" && !/, 0\\)$/.test(style.fill) && +style.fillOpacity > 0.9 &&
            +style.opacity > 0.9).map(([s, style]) => [s.getBoundingClientRect(), style.fill]);
    const faint = [];
    for (const text of panel.querySelectorAll("svg text")) {
        const box = text.getBoundingClientRect(), style = getComputedStyle(text);
        if (!text.textContent.trim() || +style.fillOpacity < 0.9) continue;
        const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
        const under = style.paintOrder.includes("stroke") ? [] : shapes.filter(([b]) =>
            b.left <= box.left && b.right >= box.right && b.top <= y && b.bottom >= y);
        const ground = under.length ? under.at(-1)[1] : paper;
        const [low, high] = [light(style.fill), light(ground)].sort((a, b) => a - b);
        const contrast = (high + 0.05) / (low + 0.05);
        if (contrast < 4.5) faint.push(`${text.textContent}: ${style.fill} on ${ground} = ${contrast.toFixed(2)}`);
    }
    return faint;
}"""


# The colours of the picture's text and of the paper under it.
COLOURS = """panel => [panel.querySelector(".rsbd-picture text"), panel]
    .map((e, i) => getComputedStyle(e)[i ? "backgroundColor" : "fill"])"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that JupyterLab serves."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def open_page(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., AbstractContextManager[Lab]]]:
    """Start one JupyterLab and one Chromium for all tests; yield a function that opens a page."""
    with open_browser(folder, tmp_path_factory.mktemp("home")) as opener:
        yield opener


@pytest.fixture(scope="module")
def lab(folder: Path, open_page: Any) -> Iterator[Lab]:
    """One notebook with all panels, open in one page."""
    name = write_notebook(folder, "panels.ipynb", CELL)
    with open_page() as lab:
        lab.open(name)
        lab.run_all()
        lab.page.locator(".rsbd-panel").nth(len(PANELS) + 2).wait_for()
        assert lab.complaints == []
        yield lab


@pytest.fixture(params=sorted(PANELS))
def panel(request: pytest.FixtureRequest, lab: Lab) -> Any:
    return of(lab, request.param)


def of(lab: Lab, name: str) -> Any:
    found = lab.page.locator(f".rsbd-test-{name}")
    found.scroll_into_view_if_needed()
    return found


def alt(panel: Any) -> str:
    return str(panel.locator(".rsbd-picture").get_attribute("aria-label"))


class Knob:
    """A slider with its number box. Both are found once: to find something by its role costs more than to use it."""

    def __init__(self, panel: Any, label: str) -> None:
        self.page, self.panel = panel.page, panel.element_handle()
        self.box = panel.get_by_role("spinbutton", name=label, exact=True).element_handle()
        self.handle = panel.get_by_role("slider", name=label, exact=True).element_handle()

    def shows(self, value: float, before: str) -> None:
        """Wait until number box, handle and final picture say the value, and a sentence stands beside it."""
        said = rf"(?<![\d.])({re.escape(f'{value:g}')}|{re.escape(f'{value:,}')})(?!\.?\d)"
        ready = """([panel, box, handle, before, said, value]) => {
            const picture = panel.querySelector(".rsbd-picture").getAttribute("aria-label");
            return panel.querySelector(".rsbd-carrier").dataset.state === "final" && picture !== before &&
                new RegExp(said).test(picture) && +box.value === value &&
                +handle.getAttribute("aria-valuenow") === value && +handle.getAttribute("aria-valuetext") === value &&
                panel.querySelector("[role=status]").innerText.length > 40;
        }"""
        given = [self.panel, self.box, self.handle, before, said, value]
        self.page.wait_for_function(ready, arg=given, timeout=30_000, polling=LOOK)


# Controls that look alike with and without focus, and how many there are in each panel.
UNSEEN = """names => {
    const look = e => {
        const s = getComputedStyle(e);
        return [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.borderColor].join();
    };
    document.activeElement.blur();
    const seen = {}, controls = names.flatMap(name => {
        const all = document.querySelectorAll(`.rsbd-test-${name} .rsbd-controls :is(select, input, .noUi-handle)`);
        const shown = [...all].filter(e => e.checkVisibility({ visibilityProperty: true }));
        seen[name] = shown.length;
        return shown;
    });
    const before = controls.map(look), unseen = controls.filter((e, i) => {
        e.focus({ preventScroll: true });
        return document.activeElement !== e || look(e) === before[i];
    });
    return [unseen.map(e => e.outerHTML), seen];
}"""


@pytest.fixture(scope="class")
def still(lab: Lab) -> Iterator[None]:
    """Let no picture move in these tests: frames cost more than all the rest."""
    lab.page.emulate_media(reduced_motion="reduce")
    yield
    lab.page.emulate_media(reduced_motion="no-preference")


# What is dragged from 30 % to 70 % of the picture's box, the sliders that follow, and their values.
DRAGS = {
    "plane": {"x of the point": 0.8, "y of the point": 0.0},
    "partitions": {"poisoned rows": None},
    "label_flips": {"flipped labels (attack)": None},
    "worst_case": {"p_a (top class)": 0.5},
    "confidence": {"L2 radius": None},
    "attack": {"poisoned images (of 1,000)": None},
}


@pytest.mark.usefixtures("still")  # pictures move in the tests after these
class TestStill:
    def test_each_slider_by_keyboard_and_by_typing(self, lab: Lab, panel: Any) -> None:
        for slider in panel.evaluate(SLIDERS):
            label, old, step = slider["label"], slider["value"], slider["step"]
            assert slider["name"] == label
            knob, before = Knob(panel, label), alt(panel)
            up = old + step <= slider["high"] + 1e-9
            knob.handle.focus()
            lab.page.keyboard.press("ArrowRight" if up else "ArrowLeft")
            knob.shows(round(old + (step if up else -step), 10), before)
            before = alt(panel)
            knob.box.fill(f"{old:g}")
            knob.box.press("Enter")
            knob.shows(old, before)
        assert lab.complaints == []

    @pytest.mark.parametrize("name", DRAGS)
    def test_a_drag_in_the_picture_moves_the_sliders(self, lab: Lab, name: str) -> None:
        panel, mouse = of(lab, name), lab.page.mouse
        boxes = {label: panel.get_by_role("spinbutton", name=label, exact=True) for label in DRAGS[name]}
        area = panel.locator("[data-drag]").bounding_box()
        across = [area["x"] + area["width"] * share for share in (0.3, 0.7)]
        middle = area["y"] + area["height"] / 2
        mouse.move(across[0], middle)
        mouse.down()
        lab.page.wait_for_timeout(300)
        first = {label: box.input_value() for label, box in boxes.items()}
        mouse.move(across[1], middle, steps=8)
        mouse.up()
        for label, value in DRAGS[name].items():
            if value is None:
                lab.until("+given[0].value > given[1]", [boxes[label].element_handle(), float(first[label])])
            else:
                lab.until("+given[0].value === given[1]", [boxes[label].element_handle(), value])
        mouse.move(across[0], middle)  # no button is down
        lab.page.wait_for_timeout(300)
        panel.locator(".rsbd-carrier[data-state=final]").wait_for(timeout=30_000)
        assert all(
            float(box.input_value()) != float(first[label]) for label, box in boxes.items() if "y of" not in label
        )
        assert lab.complaints == []

    def test_focus_is_seen(self, lab: Lab) -> None:
        """Each control that Tab reaches has an outline or a border that it had not before."""
        lab.page.locator(".rsbd-controls input").first.focus()
        lab.page.keyboard.press("Shift")  # focus by keyboard, as far as the browser can tell
        unseen, seen = lab.page.evaluate(UNSEEN, sorted(PANELS))
        assert unseen == []
        assert all(seen.values()), seen

    def test_reduced_motion_is_respected(self, lab: Lab) -> None:
        moving = """panels => panels.filter(panel =>
            [...panel.querySelectorAll(".rsbd-carrier, .rsbd-carrier *")].some(e => {
                const s = getComputedStyle(e);
                return s.animationName !== "none" || (s.transitionProperty !== "none" && s.transitionDuration !== "0s");
            })).map(panel => panel.className)"""
        assert lab.page.locator(".rsbd-panel").evaluate_all(moving) == []


def test_a_burst_ends_on_its_last_value(lab: Lab, panel: Any) -> None:
    """Twenty keys as fast as they come: work that is under way is dropped, the last value is shown."""
    slider = panel.evaluate(SLIDERS)[0]
    label, step = slider["label"], slider["step"]
    knob = Knob(panel, label)
    knob.handle.focus()
    value, before = slider["value"], alt(panel)
    for number in range(BURST):
        right = number % 3 != 2
        lab.page.keyboard.press("ArrowRight" if right else "ArrowLeft")
        value = min(max(round(value + (step if right else -step), 10), slider["low"]), slider["high"])
    knob.shows(value, before)
    assert lab.complaints == []


@pytest.fixture
def plain(open_page: Any) -> Iterator[Lab]:
    """A dark page that knows nothing of Jupyter, with a picture whose model ``window.change`` writes."""
    made = PANELS["backdoor"](runner=SyncRunner(), num_models=100).picture
    state = {name: value for name, value in made.get_state().items() if isinstance(value, str | bool | float)}
    page = f"<style>{made._css}</style><body style='background:#111'><div class='rsbd-panel'><div></div></div>"
    show = """async ([code, state]) => {
        const module = await import("data:text/javascript;base64," + code), heard = [];
        const model = { get: name => state[name], on: (names, act) => heard.push(act), off() {} };
        window.change = news => { Object.assign(state, news); heard.forEach(act => act()); };
        window.build = module.default.initialize;
        module.default.render({ model, el: document.querySelector(".rsbd-panel > div") });
    }"""
    with open_page() as lab:
        lab.page.set_content(page)
        lab.page.evaluate(show, [base64.b64encode(made._esm.encode()).decode(), state])
        yield lab


def test_a_dark_page_without_a_theme_can_be_read(plain: Lab) -> None:
    """As in VS Code, Colab or an exported page: no variables of JupyterLab, and any background."""
    panel = plain.page.locator(".rsbd-panel")
    assert panel.get_by_role("status").inner_text().endswith("(100 models, keep 0.8, alpha 0.001)")
    assert panel.evaluate(FAINT) == []
    assert violations(plain.page, ".rsbd-panel") == []
    assert plain.complaints == []


def test_a_page_asks_for_the_frames_that_came_while_it_was_built(plain: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The widget answers with all that it shows. A picture that is final has missed nothing."""
    sent = plain.page.evaluate("""states => states.map(state => {
        const sent = [];
        build({ model: { get: () => state, send: message => sent.push(message) } });
        return sent;
    })""", ["busy", "preview", "final", "error"])  # fmt: skip
    assert sent == [[{"built": True}], [{"built": True}], [], []]
    picture, answers = PictureWidget(), []
    monkeypatch.setattr(picture, "send_state", lambda *names: answers.append(names))
    picture._handle_custom_msg(sent[0][0], [])
    assert answers == [()]  # not some names, but all


def test_a_reader_hears_the_result_and_not_every_step_to_it(plain: Lab) -> None:
    """Sentences follow a slider at once; they are said when it has come to rest, and no preview is."""
    said = plain.page.evaluate("""async () => {
        const status = document.querySelector("[role=status]"), heard = [];
        const wait = time => new Promise(done => setTimeout(done, time));
        new MutationObserver(() => {
            if (status.getAttribute("aria-live") === "polite") heard.push(status.textContent);
        }).observe(status, { childList: true });
        for (let n = 0; n < 30; n += 1) {
            change({ state: "final", sentence: `Step ${n}.` });
            await wait(20);
        }
        change({ state: "preview", sentence: "Preview." });
        await wait(1500);
        const shown = status.textContent;
        change({ state: "final", sentence: "Result." });
        await wait(1500);
        change({ state: "busy" });
        change({ state: "error", error: "Wrong." });
        await wait(1500);
        return [shown, heard];
    }""")
    assert said == ["Preview.", ["Result.", "Wrong."]]


def until(panel: Any, said: str) -> None:
    """Wait for the final picture whose alt text says so."""
    ready = """([panel, said]) =>
        new RegExp(said).test(panel.querySelector(".rsbd-picture").getAttribute("aria-label")) &&
        panel.querySelector(".rsbd-carrier").dataset.state === "final" """
    panel.page.wait_for_function(ready, arg=[panel.element_handle(), said], timeout=30_000, polling=LOOK)


@pytest.mark.parametrize("name", ["backdoor", "planted"])
def test_a_click_on_a_cell_of_the_map_sets_the_attack(lab: Lab, name: str) -> None:
    panel = of(lab, name)
    cell = panel.locator("[data-set]").nth(10)
    wish = json.loads(cell.get_attribute("data-set"))
    poisoned = panel.get_by_role("spinbutton", name=re.compile("poisoned images"))
    for again in (False, True):  # the same cell, once more after a slider has moved
        cell.click()
        until(panel, rf"\b{wish['poisoned']} (images? poisoned|poisoned images?)")
        assert poisoned.input_value() == str(wish["poisoned"])
        if not again:
            poisoned.fill(str(wish["poisoned"] + 2))
            poisoned.press("Enter")
            until(panel, rf"\b{wish['poisoned'] + 2} (images? poisoned|poisoned images?)")
    assert "proved" in cell.locator("title").inner_html()
    assert lab.complaints == []


def test_the_last_curve_stays_as_a_thin_line_and_is_named(lab: Lab) -> None:
    panel = of(lab, "label_flips")
    lab.page.wait_for_timeout(1200)  # the reader rests
    before, old = alt(panel), panel.locator("path[data-glide]").evaluate_all("es => es.map(e => e.getAttribute('d'))")
    panel.get_by_role("slider", name="keep (training labels)").focus()
    lab.page.keyboard.press("PageDown")
    lab.until(
        "given[0].querySelector('.rsbd-picture').getAttribute('aria-label') !== given[1]",
        [panel.element_handle(), before],
    )
    ghosts = panel.locator(".rsbd-ghost").evaluate_all("es => es.map(e => e.getAttribute('d'))")
    assert ghosts
    assert set(ghosts) <= set(old)
    assert "thin line: before the change" in panel.locator(".rsbd-badge").inner_text()


SIZES = {(1400, 900): False, (1280, 720): True, (1024, 768): True, (390, 844): False}  # true: the list of files is open
# Notebook 00 has the compact panel; the others may be scrolled on a small screen.
ON_ONE_SCREEN = {(1280, 720): {*PANELS, "compact"}, (1024, 768): {"compact"}}
ROOM = """panel => {
    const top = panel.querySelector(".rsbd-controls").getBoundingClientRect().top;
    const picture = panel.querySelector(".rsbd-picture"), room = document.querySelector(".jp-WindowedPanel-outer");
    return [picture.getBoundingClientRect().bottom - top, room.clientHeight,
            Math.max(...[panel, picture].map(part => part.scrollWidth - part.clientWidth))];
}"""


def show_files(lab: Lab, shown: bool) -> None:
    act = f"() => window.jupyterapp.shell.{'expandLeft' if shown else 'collapseLeft'}()"
    lab.page.evaluate(act)


def faults(panel: Any) -> list[str]:
    """Return what is wrong with the words of a picture once its parts have found their places."""
    found = []
    for _ in range(30):
        panel.page.wait_for_timeout(LOOK)
        found = panel.locator(".rsbd-picture").evaluate(FAULTS)
        if not found:
            break
    return list(found)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_picture_can_be_read_at_each_size(lab: Lab, size: tuple[int, int]) -> None:
    """Letters have at least 12 pixels, no words are cut or covered, and controls and picture fit the screen."""
    before, wrong = lab.page.viewport_size, []
    lab.page.set_viewport_size({"width": size[0], "height": size[1]})
    show_files(lab, SIZES[size])
    try:
        for name in (*PANELS, "compact"):
            panel = of(lab, name)
            wrong += [f"{name}: {fault}" for fault in faults(panel)]
            high, room, over = panel.evaluate(ROOM)
            if high > room and name in ON_ONE_SCREEN.get(size, ()):
                wrong.append(f"{name}: controls and picture take {high:.0f} of {room} pixels")
            if over > 0:
                wrong.append(f"{name}: {over} pixels beyond the page")
            photograph(panel, f"panel-{name}-{size[0]}")
    finally:
        show_files(lab, False)
        lab.page.set_viewport_size(before)
    assert wrong == []
    assert lab.complaints == []


def looks(lab: Lab, theme: str) -> dict[str, Any]:
    """Return the colours of all panels; check that axe finds nothing in them and that their texts can be read."""
    lab.page.wait_for_timeout(300)  # themes fade in
    found = {}
    for name in sorted(PANELS):
        panel = of(lab, name)
        photograph(panel, f"panel-{name}-{theme}")
        assert violations(lab.page, f".rsbd-test-{name}") + panel.evaluate(FAINT) == [], (name, theme)
        found[name] = panel.evaluate(COLOURS)
    return found


def test_axe_finds_nothing_and_text_can_be_read_in_both_themes(lab: Lab) -> None:
    light = looks(lab, "light")
    with lab.dark():
        dark = looks(lab, "dark")
    for name, colours in light.items():
        assert all(before != after for before, after in zip(colours, dark[name], strict=True)), name


def test_a_panel_moves_by_code_and_its_dropdown_by_the_keys_that_jupyterlab_takes_for_itself(lab: Lab) -> None:
    panel = of(lab, "own")
    status = panel.get_by_role("status")
    knob = Knob(panel, "keep")
    for keep in (0.9, 0.8):
        before, said = alt(panel), status.inner_text()
        lab.execute(f"panel = panels['own']\npanel.set(keep={keep})\npanel.wait()\nassert '{keep}' in panel.alt")
        knob.shows(keep, before)
        assert status.inner_text() != said
    alphas = panel.get_by_role("combobox", name="alpha", exact=True)
    alphas.focus()
    lab.page.keyboard.press("ArrowDown")
    until(panel, r"alpha 0\.0001 \(final\)")
    lab.page.keyboard.press("ArrowUp")
    until(panel, r"alpha 0\.001 \(final\)")
    assert lab.complaints == []


def test_error_is_a_sentence_and_the_panel_recovers(lab: Lab) -> None:
    # Half of the rows are of the target class and cannot be poisoned: a wish that fails in the worker.
    lab.execute("""
from rsbd.errors import InputError
panel = panels["own"]
panel.set(poisoned=0, keep=0.8)
panel.engine.submit(type(panel.params)(poisoned=180))
try:
    panel.wait()
except InputError as error:
    print("raised", error)
else:
    raise AssertionError("the error of the worker was lost")
""")
    panel = of(lab, "own")
    panel.get_by_role("status").filter(has_text="only").wait_for()
    panel.get_by_role("slider", name="keep", exact=True).focus()
    lab.page.keyboard.press("ArrowRight")
    panel.get_by_role("status").filter(has_text="(200 models, keep 0.81").wait_for()
    lab.execute("panel.set(poisoned=10)\npanel.wait()")
    assert lab.complaints == []


def test_picture_sharpens_as_votes_arrive(lab: Lab) -> None:
    """Frames sent by the worker reach the page, also while a cell keeps the kernel busy waiting."""
    watch = """panel => {
        window.seen = [];
        const carrier = panel.querySelector(".rsbd-carrier"), picture = carrier.querySelector(".rsbd-picture");
        const look = () => window.seen.push([carrier.dataset.state, picture.getAttribute("aria-label")]);
        new MutationObserver(look).observe(carrier, { attributes: true, subtree: true });
    }"""
    panel = of(lab, "ten")
    lab.execute("panels['ten'].set(num_models=200, keep=0.8)\npanels['ten'].wait()")
    until(panel, r"200 models, .*\(final\)")
    panel.evaluate(watch)
    lab.execute("panels['ten'].set(num_models=1000, keep=0.75)\npanels['ten'].wait()", wait=False)
    until(panel, r"1000 models, .*\(final\)")
    seen = lab.page.evaluate("() => window.seen")
    previews = (re.search(r"preview, ([\d,]+) of 1,000 models", alt) for _, alt in seen)
    counts = [int(m[1].replace(",", "")) for m in previews if m]
    assert len(set(counts)) >= 3, seen
    assert counts == sorted(counts)
    assert {"busy", "preview", "final"} <= {state for state, _ in seen}
    assert lab.complaints == []


# The launcher stands where nothing is open, and stays.
TABS = """() => [...window.jupyterapp.shell.widgets("main")].map(widget => widget.title.label)
    .filter(label => label !== "Launcher")"""


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


@pytest.fixture(scope="module")
def tabs(folder: Path, open_page: Any) -> Iterator[Lab]:
    """A page with tabs, in which a notebook with one panel is open."""
    name = write_notebook(folder, "left.ipynb", "from rsbd.panels import PANELS\npanel = PANELS['worst_case']()\npanel")
    with open_page() as lab:
        lab.open(name, "lab")
        yield lab


def test_a_panel_whose_kernel_is_gone_says_so_and_a_saved_notebook_shows_its_picture(tabs: Lab) -> None:
    """The kernel is restarted, shut down with its page, and killed: four kernels one after the other."""
    tabs.run_all()
    tabs.picture(re.compile(r"\(final\)")).first.wait_for()
    page = tabs.page.locator(".rsbd-still")
    page.locator("img").wait_for(state="attached")
    assert not page.is_visible()  # the live panel is there
    tabs.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    tabs.page.evaluate(f"() => {KERNEL}.restart()")
    gone(tabs)
    tabs.screenshot("kernel-restart")
    tabs.open_instead("left.ipynb")
    page.get_by_role("img", name=re.compile(r"\(final\)")).wait_for()
    tabs.page.get_by_text("Error displaying widget").wait_for(state="hidden")
    assert tabs.picture().count() == 0
    tabs.start_all()
    tabs.picture(re.compile(r"\(final\)")).first.wait_for()
    assert not page.is_visible()
    tabs.execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", wait=False)
    dialog = tabs.page.get_by_role("dialog")
    dialog.filter(has_text="appears to have died").wait_for(timeout=30_000)
    dialog.get_by_role("button").last.click()
    gone(tabs)
    tabs.screenshot("kernel-kill")


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
SHORT = "notebooks/03_why_it_holds.ipynb"  # nothing is trained in it


@pytest.mark.parametrize("path", os.environ.get("RSBD_BROWSER_NOTEBOOK", SHORT).split())
def test_course_notebook(path: str, folder: Path, tabs: Lab) -> None:
    """As `rsbd lab --course` opens a copy: with tabs, where words lead to the glossary and from there to notebooks."""
    source = ROOT / path
    assert notebooks.open_course(folder / source.stem).copied > 10  # whole: notebooks read results beside them
    tabs.open_instead(f"{source.stem}/{source.name}")
    tabs.complaints.clear()
    tabs.run_all()
    nudge(tabs)
    guess = tabs.page.locator(".rsbd-prediction").first
    guess.get_by_role("textbox").fill("30")
    guess.get_by_role("button", name="reveal").click()
    guess.get_by_role("status").filter(has_text="You said 30").wait_for()
    tabs.screenshot(source.stem)
    assert tabs.complaints == []
    tabs.page.get_by_role("link", name="glossary").first.click()
    preview = tabs.page.locator(".jp-MarkdownViewer")
    preview.get_by_role("heading", name="certified accuracy").wait_for()
    assert tabs.page.evaluate(TABS) == [source.name, "GLOSSARY.md"]
    # And back: each word names the notebook that introduces it.
    preview.get_by_role("link", name="08").first.click()
    tabs.page.get_by_role("heading", name=re.compile("^08 Partitions")).first.wait_for(timeout=60_000)
    assert tabs.page.evaluate(TABS)[-1].startswith("08_")


ALL, NONE = {"certified": np.ones((9, 6))}, {"certified": np.zeros((9, 6))}
LENGTHS = {"radii": np.linspace(0, 2, 101), "accuracies": np.linspace(0.9, 0, 101), "norm": "L2"}
FOUNDS = {
    "final": {},
    "preview": {"models": 200, "budget": 5},
    "certified": {"accuracies": np.ones(8), "rows": 500, "trigger": 49, "at_threat": 0.01, **ALL},
    "nothing": {"accuracies": np.zeros(8), "attack_success": (np.nan,) * 3, **NONE},
    "many": {"radii": np.arange(60.0), "accuracies": np.linspace(1, 0, 60), "budget": 24},
    "lengths": {"budget": 1.9, **LENGTHS},
    "words": {"target": "ankle boot", "dataset": "fashion"},
}
TRAINED = ("backdoor", "compare", "planted", "rab")
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
        few = {"num_models": 100} if scene.panel in TRAINED else {}
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
