"""The static course in a real browser, from a disk and without network, on a phone and on a screen, in both themes."""

from __future__ import annotations

import dataclasses

import pytest
from browser.axe import violations
from browser.hall import open_hall
from browser.lab import photograph

from rsbd.course.lessons.prediction import compare_guess
from rsbd.course.site import write_site, writing

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SIZES = {"phone": (390, 844), "screen": (1280, 720)}
# Text of less than 12 pixels on the screen, also where a picture is drawn smaller than it says.
SMALL = """() => [...document.querySelectorAll("body *")].filter(e => {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) return false;
    if (!e.checkVisibility() || e.closest("script, style, noscript")) return false;
    const scale = e instanceof SVGElement ? Math.abs(e.getScreenCTM().a) || Math.abs(e.getScreenCTM().b) : 1;
    return parseFloat(getComputedStyle(e).fontSize) * scale < 11.9;
}).map(e => e.textContent.trim().slice(0, 40) + " " + getComputedStyle(e).fontSize)"""
# Pictures follow the size of the screen in its next frame.
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
# Pictures of panels and formulas that are wider than the page.
SIDEWAYS = """() => [...document.querySelectorAll(".rsbd-picture, .wide:has(> svg)")].filter(e =>
    e.scrollWidth > e.clientWidth + 1).map(e => e.className + " " + e.innerHTML.slice(0, 80))"""


def few(scene):
    """The scene with few models and the values of its first two presets, where its models take long to train."""
    if scene.panel in ("plane", "worst_case", "label_flips", "partitions"):
        return scene
    presets = dict(list(scene.presets.items())[:2])
    grid = {name: sorted({scene.preset(i)[name] for i in range(2)}) for name in scene.grid} | {
        name: steps
        for name, steps in scene.grid.items()
        if name == "step"  # it plays
    }
    models = {"num_models": 100} if scene.panel in ("backdoor", "compare", "planted", "rab") else {}
    return dataclasses.replace(scene, grid=grid, presets=presets, settings={**scene.settings, **models})


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "PANEL_SCENES", tuple(map(few, writing.PANEL_SCENES)))
        assert write_site(folder) == (folder / "index.html", 0)
    return folder


@pytest.fixture(scope="module")
def opened(site):
    """One Chromium for all tests."""
    with open_hall((site / "index.html").as_uri(), offline=True) as hall:
        yield hall


@pytest.fixture
def hall(opened):
    opened.complaints.clear()
    opened.page.set_viewport_size({"width": 1280, "height": 720})
    opened.page.emulate_media(color_scheme="light", media="screen", reduced_motion="no-preference")
    return opened


def test_every_page_can_be_read(site, hall):
    """No colour depends on the size of the screen, and no place on the colours."""
    page = hall.page
    for name in sorted(path.name for path in site.glob("*.html")):
        page.goto((site / name).as_uri())
        for size, scheme in (("phone", "light"), ("screen", "dark")):
            page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function("width => innerWidth === width", arg=SIZES[size][0])
            page.evaluate(DRAWN)
            assert page.evaluate("scheme => matchMedia(`(prefers-color-scheme: ${scheme})`).matches", scheme)
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), (name, size)
            assert page.evaluate(SMALL) == [], (name, size)
            assert page.evaluate(SIDEWAYS) == [], (name, size)
            assert violations(page) == [], (name, scheme)
            photograph(page, f"site-{name[:2]}-{size}-{scheme}", full_page=True)
    assert hall.complaints == []


def test_panels_quizzes_predictions_and_search_work(site, hall):
    page = hall.page
    page.emulate_media(reduced_motion="reduce")  # a frame costs as much as a click, and the last panels move
    for name in sorted(path.name for path in site.glob("[01][0-9]*.html")):
        page.goto((site / name).as_uri())
        for panel in page.locator("section.panel").all():
            seen = {panel.locator(".rsbd-picture").get_attribute("aria-label")}
            for button in panel.locator(".rsbd-presets button").all():
                button.click()
                seen.add(panel.locator(".rsbd-picture").get_attribute("aria-label"))
                assert button.get_attribute("aria-pressed") == "true"
            assert len(seen) >= 2, name
        for question in page.locator("[data-truth]").all():
            truth, unit = question.get_attribute("data-truth"), question.get_attribute("data-unit")
            guess = question.locator("xpath=following-sibling::div[1]")
            fold = question.locator("xpath=following-sibling::details[1]")
            guess.get_by_role("button", name="reveal").click()
            assert not fold.is_visible()  # first a number
            guess.get_by_label("my guess").fill(f"40 {unit}")
            page.keyboard.press("Enter")
            assert guess.get_by_role("status").inner_text() == compare_guess(40, float(truth), unit)
            assert fold.is_visible()
        for quiz in page.locator(".quiz").all():
            said = set()
            for button in quiz.get_by_role("button").all():
                button.click()
                said.add(quiz.get_by_role("status").inner_text())
            assert sum("Right." in words for words in said) == 1, name
            assert len(said) == quiz.get_by_role("button").count()
        assert page.locator(".quiz").count() > 0 or name.startswith("11"), name
        assert page.locator("[data-truth]").count() >= 2 or name.startswith("11"), name
        page.emulate_media(media="print")  # on paper all answers are open, and nothing is to be pressed
        assert all(fold.locator(":scope > *").last.is_visible() for fold in page.locator(".rsbd-still > details").all())
        assert not any(button.is_visible() for button in page.locator(".panel button, .guess button, header").all())
        page.emulate_media(media="screen")
    page.emulate_media(reduced_motion="no-preference")
    page.goto((site / "03_why_it_holds.html").as_uri())
    slider = page.get_by_role("slider", name="changed bits (L0)")
    slider.focus()
    for number in ("4", "5", "6", "6"):  # the values that were computed, and nothing between or beyond
        page.keyboard.press("ArrowRight")
        assert slider.get_attribute("aria-valuetext") == number
        assert f"changed bits (L0) {number}" in page.locator(".rsbd-picture").get_attribute("aria-label")
    page.get_by_role("navigation", name="next steps").get_by_role("link", name="04 Certifying backdoors").click()
    steps, play = page.get_by_role("slider", name="votes (step)"), page.get_by_role("button", name="play")
    picture = page.locator(".panel", has=play).locator(".rsbd-picture")
    play.click()  # at its end: from the first vote on
    assert "step 1: 1 vote counted" in picture.get_attribute("aria-label")
    page.wait_for_function("given => given.getAttribute('aria-valuetext') === '3'", arg=steps.element_handle())
    play.click()
    stopped = picture.get_attribute("aria-label")
    page.wait_for_timeout(1000)
    assert picture.get_attribute("aria-label") == stopped
    steps.press("End")
    steps.press("ArrowLeft")
    play.click()
    assert "step 30: 1,000 votes counted" in picture.get_attribute("aria-label")
    assert play.get_attribute("aria-pressed") == "false"
    page.get_by_role("link", name="Search").click()
    page.get_by_label("words to search for").fill("neyman")
    page.locator(".search li a").first.click()
    assert "#" in page.url
    assert hall.complaints == []


def test_without_javascript_everything_is_folded_and_said(site, hall):
    with hall.page.context.browser.new_context(java_script_enabled=False, offline=True) as context:
        page = context.new_page()
        page.goto((site / "00_start_here.html").as_uri())
        assert page.get_by_role("img", name="Backdoor panel").is_visible()
        fold = page.locator("[data-truth] + details").first
        assert not fold.locator("p").is_visible()
        fold.locator("summary").click()
        assert fold.locator("p").is_visible()
