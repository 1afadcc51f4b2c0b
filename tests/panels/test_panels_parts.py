"""Controls, carrier and drawing helpers, without a browser."""

import base64
import dataclasses
import re
import struct
import xml.etree.ElementTree as ET
import zlib
from types import SimpleNamespace

import numpy as np
import pytest

from rsbd.errors import InputError
from rsbd.panels import Choice, Panel, Picture, Slider, SyncRunner, Toggle, live, svg
from rsbd.panels.chart import Chart
from rsbd.panels.controls import setting

SCALE = Slider("scale", "scale", 0.0, 1.0, 0.1)


@dataclasses.dataclass(frozen=True)
class Params:
    side: int = 2
    scale: float = setting(0.5, SCALE, unit=("m",))
    unit: str = "m"
    loud: bool = False
    hidden: int = 5

    def __post_init__(self):
        if self.side == 8 and self.unit == "km":
            raise InputError("8 km is too far", "choose metres")


SPEC = [
    Slider("side", "side (m)", 1, 9, 1),
    SCALE,
    Choice("unit", "unit", (("metres", "m"), ("kilometres", "km"))),
    Toggle("loud", "loud"),
]


def make(params=None, runner=None, **kwargs):
    seen = []

    def compute(params, cancel, progress):
        seen.append(params)
        return params

    def render(params):
        return Picture(f"<svg><text>{params.side}</text></svg>", f"side {params.side}", f"Side {params.side}.")

    return Panel(params or Params(), SPEC, compute, render, runner or SyncRunner(), **kwargs), seen


def holder(panel, name):
    return panel.controls._holders[name]


def test_moving_a_control_recomputes_once():
    panel, seen = make()
    holder(panel, "side").value = 4
    assert [p.side for p in seen] == [2, 4]
    assert panel.sentence == "Side 4."
    holder(panel, "unit").value = "km"
    holder(panel, "loud").value = True
    assert seen[-1] == Params(4, 0.5, "km", True)


def test_number_box_and_slider_stay_equal():
    panel, seen = make()
    box, slider = panel.controls.rows["scale"].children
    box.value = 0.25
    assert slider.value == 0.25
    assert seen[-1].scale == 0.25
    slider.value = 0.7
    assert box.value == 0.7
    assert box.description == "scale"


def test_set_moves_controls_and_computes_once_for_several():
    panel, seen = make()
    panel.set(side=6, unit="km", hidden=9)
    assert len(seen) == 2
    assert seen[-1] == Params(6, 0.5, "km", False, 9)
    assert panel.controls.values == {"side": 6, "scale": 0.5, "unit": "km", "loud": False}
    panel.wait(1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": 10}, "side is 10, outside"),
        ({"unit": "mile"}, "unit is 'mile': choose 'm' or 'km'"),
        ({"depth": 1}, "no setting 'depth': choose from hidden"),
    ],
)
def test_set_refuses_what_it_cannot_show(changes, message):
    panel, seen = make()
    with pytest.raises(InputError, match=message):
        panel.set(**changes)
    assert len(seen) == 1
    assert panel.params == Params()


def test_first_value_outside_the_range_is_refused():
    with pytest.raises(InputError, match="side is 12"):
        make(Params(side=12))


def test_controls_that_clash_show_a_sentence():
    panel, _ = make(Params(side=8))
    holder(panel, "unit").value = "km"
    assert panel.sentence == "8 km is too far: choose metres"
    with pytest.raises(InputError):
        panel.wait(1)
    holder(panel, "side").value = 7
    panel.wait(1)
    assert panel.sentence == "Side 7."


def test_controls_hide_where_they_do_not_apply():
    panel, _ = make()
    assert panel.controls.rows["scale"].layout.display is None
    panel.set(unit="km")
    assert panel.controls.rows["scale"].layout.display == "none"


def test_static_copy_carries_alt_and_sentence():
    panel, _ = make()
    html = panel.page
    assert 'alt="side 2"' in html
    assert "Side 2." in html
    data = re.search(r"base64,([^\"]+)", html).group(1)
    shown = base64.b64decode(data).decode()
    assert "prefers-color-scheme:dark" in shown
    assert re.sub("<style>.*</style>", "", shown) == panel.svg


@pytest.fixture
def outputs(monkeypatch):
    """What IPython is asked to show: each output, and what it was renewed with."""
    shown = []

    class Handle:
        def __init__(self, data):
            shown.append([data])
            self.at = shown[-1]

        def update(self, data, raw):
            assert raw
            self.at.append(data)

    monkeypatch.setattr(live.IPython.display, "display", lambda data, raw, display_id=False: Handle(data))
    return shown


def test_a_panel_shows_its_page_and_the_live_widget(outputs):
    panel, _ = make()
    panel._ipython_display_()
    ((page,), (widget,)) = outputs
    assert 'alt="side 2"' in page["text/html"]
    assert page["text/plain"] == "Side 2."
    assert "application/vnd.jupyter.widget-view+json" in widget
    assert (widget["text/html"], widget["text/plain"]) == ("", "")
    panel.set(side=3)
    assert len(outputs[0]) == 1  # the first final picture stays: renewing it would send it at every move
    panel.close()


def test_a_page_gets_the_picture_when_it_is_final_and_a_panel_need_not_wait_for_it(outputs):
    held = []
    panel, _ = make(runner=SimpleNamespace(run=held.append, close=held.clear))
    panel._ipython_display_()
    assert "side 2" not in outputs[0][0]["text/html"]
    held.pop()()
    assert 'alt="side 2"' in outputs[0][1]["text/html"]
    assert len(outputs[0]) == 2
    panel.close()


def test_text_is_escaped_and_the_picture_is_xml():
    nasty = "<script>alert(1)</script> & \"quotes\" 'single' \x00\x1b"
    drawing = svg.document(10, 10, [svg.text(1, 1, nasty), svg.text(1, 1, nasty, halo=True, turn=-90)])
    root = ET.fromstring(drawing)
    assert [child.text for child in root] == [nasty[:-2]] * 2
    assert "script" not in {child.tag.split("}")[1] for child in root}


def test_png_holds_the_pixels():
    pixels = np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.25]])
    data = base64.b64decode(re.search(r"base64,([^\"]+)", svg.image(pixels, 0, 0, 10)).group(1))
    assert struct.unpack(">II", data[16:24]) == (3, 2)
    length = struct.unpack(">I", data[33:37])[0]
    raw = zlib.decompress(data[41 : 41 + length])
    assert [list(raw[i * 4 + 1 : i * 4 + 4]) for i in range(2)] == [[0, 255, 128], [255, 0, 64]]


def test_colour_picture_keeps_its_channels():
    pixels = np.zeros((3, 2, 2))
    pixels[0] = 1.0
    data = base64.b64decode(re.search(r"base64,([^\"]+)", svg.image(pixels, 0, 0, 10)).group(1))
    length = struct.unpack(">I", data[33:37])[0]
    assert zlib.decompress(data[41 : 41 + length]) == b"\x00" + b"\xff\x00\x00" * 2 + b"\x00" + b"\xff\x00\x00" * 2


def test_a_curve_over_whole_numbers_is_level_around_each_and_claims_nothing_further():
    chart = Chart((0, 0, 50, 100), (-0.5, 4.5), (0, 1))
    held = chart.step([0, 1, 2], [1.0, 0.5, 0.25], svg.BLUE)
    assert 'd="M0.0 0.0L10.0 0.0L10.0 50.0L20.0 50.0L20.0 75.0L30.0 75.0"' in held
    fallen = chart.step([0, 1, 2], [1.0, 0.5, 0.0], svg.BLUE)
    assert "L20.0 100.0L50.0 100.0" in fallen  # nothing is nothing from there on


def test_an_execution_for_the_page_waits_and_raises_what_the_worker_raised(outputs, monkeypatch):
    def broken(params, cancel, progress):
        raise ZeroDivisionError("in the worker")

    panel = Panel(Params(), SPEC, broken, lambda _: Picture("", "", ""), SyncRunner())
    panel._ipython_display_()  # a reader sees the error in the panel
    monkeypatch.setenv("RSBD_STILL", "1")
    with pytest.raises(ZeroDivisionError, match="in the worker"):
        panel._ipython_display_()
    assert len(outputs) == 2


def test_the_words_of_a_panel_are_explained_by_the_entries_of_the_glossary():
    panel = Panel(
        Params(),
        [Slider("side", "keep (pixels)", 1, 9, 1)],
        lambda params, cancel, progress: params,
        lambda params: Picture("<svg><text>radius 2</text></svg>", "", "Five votes. A modeller."),
        SyncRunner(),
    )
    shown = panel.terms.value
    assert re.findall("<summary[^>]*>([^<]*)</summary>", shown) == ["keep", "vote", "radius"]
    assert "The probability that noise leaves a pixel or a label as it is." in shown
    assert not re.search(r"[*`]|Introduced|\]\(", shown)
    panel.set(side=3)
    assert panel.terms.value == shown
    panel.close()


def test_both_ends_of_a_noise_slider_say_what_they_buy():
    row, slider = Slider("keep", "keep", 0.5, 1.0, 0.1, ends=("larger radius", "better accuracy")).build(0.8)
    assert [type(child).__name__ for child in row.children] == ["BoundedFloatText", "HBox"]
    low, between, high = row.children[1].children  # in one box, which does not wrap
    assert (low.value, between, high.value) == ("larger radius", slider, "better accuracy")
    assert slider.value == 0.8
