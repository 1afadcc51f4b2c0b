"""The lecture as a hall sees it: a rehearsal by keys, a killed kernel, and pages from a disk."""

from __future__ import annotations

import dataclasses
import urllib.error
import urllib.request

import psutil
import pytest
from browser.axe import violations
from browser.hall import kernels, lecture, open_chromium, open_hall

from rsbd.course.lecture import SCENES, write_handout, write_pages

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with lecture(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def chromium():
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def opened(served, chromium):
    """One page with its kernel for all tests."""
    with open_hall(served[0], within=chromium) as hall:
        hall.scene(1)
        yield hall


@pytest.fixture
def hall(served, opened):
    """The question of the first scene. A test that failed may leave the page anywhere: then it is opened again."""
    from playwright.sync_api import TimeoutError

    page = opened.page
    page.set_viewport_size({"width": 1280, "height": 720})
    page.evaluate("() => document.activeElement?.blur()")
    page.keyboard.press("Home")
    asked = page.locator(".rsbd-asked", has_text=SCENES[0].question)
    try:
        asked.wait_for(timeout=5000)
    except TimeoutError:
        page.goto(served[0], timeout=90_000)
        asked.wait_for(timeout=60_000)
    opened.complaints.clear()
    opened.scene(1)
    return opened


def test_a_rehearsal_from_the_first_key_to_the_last(served, hall):
    address, process = served
    with pytest.raises(urllib.error.HTTPError, match="403"):  # without the token
        urllib.request.urlopen(urllib.request.Request(address.partition("?")[0], method="POST"))
    listening = {
        c.laddr.ip
        for p in process.children(recursive=True)
        for c in p.net_connections("tcp")
        if c.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    page, keys = hall.page, hall.page.keyboard
    with page.expect_popup() as opened:
        keys.press("p")
    notes = opened.value
    notes.get_by_text(SCENES[0].notes).wait_for()
    assert notes.get_by_role("timer").inner_text().startswith("00:")
    assert violations(notes) == []
    page.bring_to_front()
    seen = set()
    for number, scene in enumerate(SCENES, 1):
        hall.scene(number)
        assert page.get_by_role("heading", name=scene.title).is_visible()
        question = page.locator(".rsbd-asked")
        assert question.inner_text() == scene.question
        assert hall.pixels(".rsbd-asked") >= 40
        # Nothing that answers it is on screen.
        for hidden in (
            ".rsbd-message",
            ".rsbd-picture",
            ".rsbd-short",
            ".rsbd-sentence",
            ".rsbd-presets",
            ".rsbd-controls",
        ):
            assert not page.locator(hidden).first.is_visible()
        assert hall.overflow() == []
        assert page.locator(".rsbd-example > svg").count() == bool(scene.asked)
        if number == 1:
            assert violations(page) == []
            hall.screenshot("lecture-question-light")
            keys.press("h")
            keys.type("60")
            keys.press("Enter")
        keys.press("Space")
        page.get_by_text(scene.message).wait_for()
        assert hall.pressed() == f"1{next(iter(scene.presets))}"
        hall.scene(number)
        assert not question.is_visible()
        assert hall.letters() >= 720 / 25, "the back row must read it"
        assert page.get_by_text("The hall said: 60 %").is_visible() == (number == 1)
        assert page.locator(".rsbd-mark").count() == (number == 1)
        if number == 1:  # what is proved of any change, and that nothing is proved against this attack
            shown = page.locator('.rsbd-picture text[font-size="46"]:visible').all_text_contents()
            assert len(shown) == 2
            assert shown[1] == "0 %"
        for step in range(2, len(scene.presets) + 1):
            keys.press("ArrowRight")
            page.locator(f'.rsbd-presets button:nth-child({step})[aria-pressed="true"]').wait_for()
        hall.scene(number)
        assert hall.letters() >= 720 / 25
        seen.add(page.locator(".rsbd-short").inner_text())
        assert min(hall.pixels(".rsbd-short"), hall.pixels(".rsbd-message")) >= 720 / 25
        for width, height in ((1024, 768), (1400, 900), (1280, 720)):
            hall.screenshot(f"lecture-{number:02d}-{width}", width, height)
            assert hall.letters() >= height / 25
            assert hall.overflow() == []
        assert violations(page) == []
        hall.screenshot(f"lecture-{number:02d}-light")
        notes.get_by_text(scene.notes).wait_for()
        keys.press("PageDown")
    assert len(seen) == len(SCENES)
    hall.scene(len(SCENES))  # the last one stays, and what it ends on is proved
    assert "proved" in hall.picture() or "certified" in page.locator(".rsbd-short").inner_text()
    notes.get_by_text("This is the last scene.").wait_for()
    notes.keyboard.press("Home")  # keys of the presenter window move the stage
    hall.scene(1)
    assert page.locator(".rsbd-asked").is_visible()
    notes.close()
    assert hall.complaints == []


def test_keys_slider_and_box_do_not_meet(hall):
    page, keys = hall.page, hall.page.keyboard
    if page.locator(".rsbd-stage").get_attribute("data-theme") == "light":
        keys.press("t")
    state = "() => document.querySelector('.rsbd-stage').innerText"
    before = page.evaluate(state)
    for wrong in ("x", "9", "0", "Control+n", "Enter", "ArrowLeft", "PageUp", "Home", "ArrowUp"):
        keys.press(wrong)
    page.wait_for_timeout(300)
    assert page.evaluate(state) == before
    # A slider has its arrow and page keys to itself, and lets the others through.
    keys.press("1")
    hall.picture("10 images poisoned")
    slider = page.get_by_role("slider", name="keep", exact=True)
    slider.focus()
    keys.press("ArrowRight")
    hall.picture("keep 0.81")
    keys.press("PageDown")
    page.wait_for_timeout(200)
    assert page.locator(".rsbd-number").inner_text().startswith("1 ")
    keys.press("r")
    hall.picture("keep 0.8, trigger 9 pixels, 10 images poisoned,")
    # In a number box everything is typing until Escape.
    box = page.get_by_role("spinbutton", name="keep", exact=True)
    box.fill("0.9")
    keys.press("n")
    keys.press("Enter")
    hall.picture("keep 0.9")
    assert page.locator(".rsbd-number").inner_text().startswith("1 ")
    keys.press("Escape")
    keys.press("r")
    hall.picture("keep 0.8")
    # Kept: what is on screen stays, controls move, and letting go shows where they are.
    hall.scene(1)
    keys.press("k")
    page.locator(".rsbd-badge").get_by_text("frozen").wait_for()
    held = page.locator(".rsbd-place").inner_html()
    keys.press("3")
    page.locator('.rsbd-presets button:nth-child(3)[aria-pressed="true"]').wait_for()
    page.wait_for_timeout(500)
    assert hall.picture() in held
    assert "keep 0.8," in hall.picture()
    hall.screenshot("lecture-frozen-dark")
    keys.press("k")
    hall.picture("keep 0.9")
    # List of keys, blank screen, light and dark; the wide screen of a hall.
    assert not page.get_by_role("group", name="keys").is_visible()
    keys.press("?")
    assert page.get_by_role("group", name="keys").is_visible()
    hall.screenshot("lecture-keys-dark", 1920, 1080)
    keys.press("Escape")
    keys.press(".")
    assert page.locator(".rsbd-blank").bounding_box() == {"x": 0, "y": 0, "width": 1920, "height": 1080}
    keys.press(".")
    assert not page.locator(".rsbd-blank").is_visible()
    keys.press("f")
    page.wait_for_function("() => document.fullscreenElement")
    keys.press("f")
    page.wait_for_function("() => !document.fullscreenElement")
    assert violations(page) == []
    keys.press("t")
    assert violations(page) == []
    hall.screenshot("lecture-light-wide", 1920, 1080)
    # At twice the size not all fits, and the picture does not pay for it.
    hall.screenshot("lecture-zoomed", 640, 360)
    assert page.locator(".rsbd-picture > svg").bounding_box()["height"] > 200
    page.locator(".rsbd-short").scroll_into_view_if_needed()
    assert page.locator(".rsbd-short").is_visible()
    assert hall.complaints == []


def test_a_killed_kernel_is_said_and_the_lecture_goes_on(served, hall):
    process = served[1]
    page, keys = hall.page, hall.page.keyboard
    keys.press("g")  # go to scene 2
    keys.press("2")
    hall.scene(2)
    keys.press("Space")
    keys.press("Space")
    second = page.locator('.rsbd-presets button:nth-child(2)[aria-pressed="true"]')
    second.wait_for()
    before = kernels(process)
    assert page.url.endswith("#2.2")  # scene and step are in the address
    page.reload()
    hall.scene(2)  # where it was, at the same step
    second.wait_for()
    assert psutil.wait_procs(before, timeout=60)[0], "a page that is left keeps its kernel"
    assert hall.complaints == []
    for kernel in kernels(process):
        kernel.kill()
    alert = page.get_by_role("alert").filter(has_text="does not answer")
    alert.wait_for(timeout=60_000)
    # The sentence names no cell of a notebook, since the stage has no cells.
    page.get_by_role("status").filter(has_text="has stopped. ").wait_for()
    assert violations(page) == []
    hall.screenshot("lecture-lost")
    with page.expect_navigation(timeout=60_000):
        page.get_by_role("button", name="restart here").click()
    hall.scene(2)
    second.wait_for()
    assert page.get_by_role("alert").filter(has_text="does not answer").count() == 0
    keys.press("Home")
    hall.scene(1)
    assert page.locator(".rsbd-asked").is_visible()


def test_static_pages_from_a_disk_without_network(tmp_path, chromium):
    """Two scenes with few models; the pages of all scenes are made by the same function."""
    few = [dataclasses.replace(s, settings={**s.settings, "num_models": 100}) for s in SCENES[:1]]
    index, _ = write_pages(tmp_path, [*few, dataclasses.replace(few[0], title="Again")], "https://example.org/hall")
    with open_hall(index.as_uri(), offline=True, within=chromium) as hall:
        page, keys = hall.page, hall.page.keyboard
        assert violations(page) == []
        page.get_by_role("link", name=few[0].title).click()
        assert page.get_by_text(few[0].question).is_visible()
        assert not page.get_by_text(few[0].message).is_visible()
        assert page.get_by_role("link", name="example.org/hall/scene-01.html").locator("svg").is_visible()
        assert hall.overflow() == []
        assert violations(page) == []
        keys.press("h")
        keys.type("60")
        page.get_by_role("button", name="show the answer").click()
        assert page.get_by_text(few[0].message).is_visible()
        assert page.locator(".rsbd-mark").count() == 1
        keys.press("2")
        slider = page.get_by_role("slider", name="poisoned images")
        slider.focus()
        numbers = few[0].grid["poisoned"]
        for number in numbers[1:]:
            keys.press("ArrowRight")
            assert slider.get_attribute("aria-valuetext") == f"{number}"
            assert f"{number} images poisoned," in hall.picture()
        keys.press("ArrowRight")
        assert slider.get_attribute("aria-valuetext") == f"{numbers[-1]}"  # nothing beyond the grid
        keys.press("2")
        assert hall.pressed().endswith(list(few[0].presets)[1])
        before = hall.picture()
        assert before.startswith("Backdoor panel")
        keys.press("k")
        keys.press("3")
        assert hall.picture() == before
        keys.press("k")
        assert hall.picture() != before
        page.reload()
        assert hall.pressed().endswith(list(few[0].presets)[2])  # a reload comes back to its step
        assert hall.overflow() == []
        assert violations(page) == []
        hall.screenshot("lecture-static-light")
        keys.press("t")
        assert violations(page) == []
        hall.screenshot("lecture-static-dark", 1920, 1080)
        page.get_by_text("What this was computed from").click()
        assert page.get_by_text("sha256").is_visible()
        with page.expect_popup() as opened:
            keys.press("p")
        opened.value.get_by_text("Next scene: Again").wait_for()
        page.bring_to_front()
        keys.press("n")
        page.get_by_role("heading", name="Again").wait_for()
        assert page.locator(".rsbd-stage").get_attribute("data-theme") == "dark"  # kept from page to page
        opened.value.get_by_text("This is the last scene.").wait_for()
        keys.press("ArrowLeft")  # the last step of the scene before
        page.get_by_role("heading", name=few[0].title).wait_for()
        assert hall.pressed().endswith(list(few[0].presets)[2])
        keys.press("Home")
        assert page.get_by_text(few[0].question).is_visible()
        hall.screenshot("lecture-question-phone", 390, 844)
        assert page.locator(".rsbd-example > svg").count() == len(few[0].asked)
        assert min(hall.letters(".rsbd-example"), hall.pixels(".rsbd-code")) >= 11.9
        keys.press("Space")
        hall.screenshot("lecture-static-phone", 390, 844)
        assert page.locator(".rsbd-picture > svg").count() > 2  # parts below each other
        assert hall.letters() >= 11.9
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert hall.complaints == []
        paper, _ = write_handout(tmp_path / "handout.html", few)
        page.goto(paper.as_uri())
        assert violations(page) == []
        assert hall.complaints == []
