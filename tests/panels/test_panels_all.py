"""What every panel owes its readers: an answer at every setting, in words too, and never an old one."""

from __future__ import annotations

import doctest
import random
import re
import xml.etree.ElementTree as ET
from typing import Any

import ipywidgets as ipw
import pytest

from rsbd import load, panels
from rsbd.panels import PANELS, Button, Choice, Panel, Slider, SyncRunner, Toggle

pytestmark = pytest.mark.slow  # all together
SMALL = load("digits", side=8, view="unit", classes=(0, 1))
# Sixteen pixels, for the panel that trains up to 5,000 models with a covariance matrix each.
TINY = SMALL.replace(
    x=SMALL.x[:60, ::2, ::2], y=SMALL.y[:60], x_test=SMALL.x_test[:20, ::2, ::2], y_test=SMALL.y_test[:20]
)
BLACK = load("digits", side=8, classes=(0, 1))
STEPS = 12  # of the random walk


def example() -> str:
    """Return the panel that the documentation writes as an example of one's own."""
    return "".join(e.source for e in doctest.DocTestParser().get_examples(panels.__doc__ or ""))


@pytest.fixture(scope="module", params=[*sorted(PANELS), "an example of one's own"])
def panel(request: pytest.FixtureRequest) -> Panel[Any, Any]:
    if request.param in PANELS:
        few = {"num_models": 300} if request.param in ("backdoor", "rab") else {}  # the slider goes to 5,000 and back
        small = {"rab": (TINY,), **dict.fromkeys(("attack", "compare", "planted"), (SMALL,))}  # they train for seconds
        small |= {"backdoor": (BLACK,), "evidence": (BLACK,)}
        return PANELS[request.param](*small.get(request.param, ()), runner=SyncRunner(), **few)
    names: dict[str, Any] = {}
    exec(example(), names)
    return names["votes"](runner=SyncRunner())


def test_a_panel_of_ones_own_takes_some_forty_lines() -> None:
    assert len(example().splitlines()) <= 45


def settings(control: Slider | Choice | Toggle | Button) -> list[Any]:
    """Both ends and the middle of a slider; every value of the others."""
    if isinstance(control, Slider):
        middle = control.low + round((control.high - control.low) / control.step / 2) * control.step
        ends = [control.low, middle, control.high]
        return [int(v) for v in ends] if isinstance(control.step, int) else [round(v, 10) for v in ends]
    if isinstance(control, Button):
        return [1, 2]
    return [True, False] if isinstance(control, Toggle) else [value for _, value in control.options]


def look(panel: Panel[Any, Any]) -> None:
    """Read the picture on screen as a reader would, with and without eyes."""
    panel.wait(60)
    assert not panel.picture.error
    assert panel.picture.state == "final"
    root = ET.fromstring(panel.svg)
    words = " ".join(root.itertext())
    for text in (panel.alt, panel.sentence, words):
        assert not re.search(r"\bnan\b|\binf\b|None|-0 %|<object|\{", text), text
    assert panel.alt.rstrip(".").endswith("(final)") or "(final)" in panel.alt
    assert 40 < len(panel.sentence) < 700
    sizes = [float(element.get("font-size", "nan")) for element in root.iter() if element.tag.endswith("text")]
    assert float(root.get("viewBox", "").split()[3]) <= 30 * min(sizes)  # a hall reads it
    assert re.findall(r' (?:x|y|width|height|d|cx|cy|viewBox)="[^"]*(?:nan|inf)[^"]*"', panel.svg) == []


def test_first_picture(panel: Panel[Any, Any]) -> None:
    look(panel)


def test_every_control_at_its_ends_and_in_the_middle(panel: Panel[Any, Any]) -> None:
    for control in panel.controls.spec:
        before = getattr(panel.params, control.name)
        seen = set()
        for value in settings(control):
            panel.set(**{control.name: value})
            look(panel)
            assert getattr(panel.params, control.name) == value
            seen.add((panel.alt, panel.svg))
        panel.set(**{control.name: before})
        # Where a control does nothing a reader thinks that the panel is broken; some only work in some modes.
        assert len(seen) > 1 or panel.controls.rows[control.name].layout.display == "none", control.name


def test_a_random_walk_and_back(panel: Panel[Any, Any]) -> None:
    look(panel)
    start = {c.name: getattr(panel.params, c.name) for c in panel.controls.spec}
    first, walk = panel.svg, random.Random(0)
    for _ in range(STEPS):
        control = walk.choice(panel.controls.spec)
        panel.set(**{control.name: walk.choice(settings(control))})
        look(panel)
    panel.set(**start)
    look(panel)
    assert panel.svg == first  # the picture depends on the parameters alone, not on the way to them


def test_controls_have_names_and_number_boxes(panel: Panel[Any, Any]) -> None:
    labels = [control.label for control in panel.controls.spec]
    assert len(set(labels)) == len(labels) > 0
    assert all(labels)
    for control in panel.controls.spec:
        if isinstance(control, Slider):
            box, slider, *_player = panel.controls.rows[control.name].children
            slider = slider.children[1] if isinstance(slider, ipw.HBox) else slider  # between words for its ends
            assert isinstance(box, (ipw.BoundedIntText, ipw.BoundedFloatText))
            assert box.description == control.label
            assert isinstance(slider, (ipw.IntSlider, ipw.FloatSlider))
