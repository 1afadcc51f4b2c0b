"""Plots: data land where they belong, pyplot stays out, files are the same each time."""

import subprocess
import sys

import numpy as np
import pytest

from rsbd import plots
from rsbd.errors import InputError


def names(ax):
    """Return the names that stand above the axes."""
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_names_stand_above_the_axes_and_touch_nothing():
    ax = plots.certified_accuracy([0, 1, 2], [1.0, 1.0, 1.0], label="first", budget=2)
    for label in "second", "third":
        plots.certified_accuracy([0, 1, 2], [1.0, 0.9, 0.8], label=label, ax=ax)
    ax.figure.canvas.draw()
    above = ax.get_legend().get_window_extent()
    assert above.y0 >= ax.get_window_extent().y1
    assert above.x1 <= ax.figure.bbox.x1
    assert sorted(names(ax)) == ["attacker's budget 2", "first", "second", "third"]


def test_curve_holds_the_data_and_the_budget():
    ax = plots.certified_accuracy([0, 1, 2], [0.9, 0.7, 0.2], label="keep 0.8", budget=1)
    curve, budget = ax.get_lines()
    assert curve.get_xdata().tolist() == [0, 1, 2, 3]
    assert curve.get_ydata().tolist() == [0.9, 0.7, 0.2, 0.2]
    assert curve.get_drawstyle() == "steps-post"
    assert list(budget.get_xdata()) == [1, 1]
    assert names(ax) == ["keep 0.8", "attacker's budget 1"]
    assert ax.get_ylabel() == "certified accuracy (share of test inputs)"


def test_a_length_between_two_radii_gets_the_lower_value():
    """Certified at 0.5 says nothing of 0.6: drawn steps must not promise what was not computed."""
    ax = plots.certified_accuracy([0, 0.5, 1], [0.9, 0.7, 0.2], norm="L2")
    assert ax.get_lines()[0].get_drawstyle() == "steps-pre"


def test_axes_speak_in_per_cent_and_whole_changes():
    ax = plots.certified_accuracy([0, 1], [0.9, 0.7])
    ax.figure.canvas.draw()
    assert "80 %" in [tick.get_text() for tick in ax.get_yticklabels()]
    assert all(float(tick).is_integer() for tick in ax.get_xticks())


def test_captions_stand_under_their_images():
    ax = plots.images({"a": np.zeros((2, 8, 8)), "b": np.ones((1, 8, 8))}, captions={"b": ["seven"]})
    (text,) = ax.texts
    x, y = text.get_position()
    sheet = ax.get_images()[0].get_array()
    assert text.get_text() == "seven"
    assert sheet[round(y), round(x), 3] == 0  # on the page
    assert sheet[round(y) - 4, round(x)].min() == 1  # below a white image


def test_second_curve_differs_in_colour_and_dash():
    ax = plots.certified_accuracy([0, 1], [0.9, 0.7], label="a")
    assert plots.certified_accuracy([0, 1, 2], [0.8, 0.6, 0.1], label="b", ax=ax) is ax
    first, second = ax.get_lines()
    assert first.get_color() != second.get_color()
    assert first.get_linestyle() != second.get_linestyle()
    assert ax.get_xlim() == (0, 3)


def test_budget_beyond_the_axis_is_an_arrow_at_its_edge():
    ax = plots.certified_accuracy([0, 0.5], [0.9, 0.7], norm="L2", budget=7)
    assert list(ax.get_lines()[1].get_xdata()) == [0.5, 0.5]
    assert names(ax) == ["attacker's budget 7 \u2192"]
    assert "L2" in ax.get_xlabel()


def test_map_places_rows_upwards_and_outlines_the_attack():
    cells = np.array([[0.9, 0.5, 0.1], [0.4, 0.0, 0.0]])
    ax = plots.certified_map(cells, [1, 5], [1, 4, 9], point=(3, 4))
    assert {t.get_position(): t.get_text() for t in ax.texts}[(0, 1)] == "40"
    assert ax.get_ylim() == (-0.5, 1.5)
    assert {patch.get_xy() for patch in ax.patches if not patch.get_fill()} == {(0.5, 0.5)}
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "4", "9"]


def test_map_text_reads_on_every_cell():
    import matplotlib

    def luminance(rgb):
        rgb = np.asarray(rgb)
        return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)

    shares = np.linspace(0, 1, 101)
    ax = plots.certified_map(shares[None], [1], list(range(101)))
    for share, cell, text in zip(shares, ax.patches, ax.texts, strict=True):
        *blue, depth = cell.get_facecolor()
        assert text.get_color() == "black"
        ground, ink = luminance(depth * np.array(blue) + 1 - depth), 0.0
        assert (ground + 0.05) / (ink + 0.05) >= 4.5, share
    depths = [cell.get_facecolor()[3] for cell in ax.patches]
    assert (depths[0], depths == sorted(depths)) == (0, True)
    assert matplotlib.colors.to_hex(blue) == "#0072b2"  # which themed figures make lighter in a dark theme


def test_images_keep_pixels_and_colours():
    gray = np.zeros((2, 4, 4))
    gray[1] = 1.0
    colour = np.zeros((2, 3, 4, 4))
    colour[:, 0] = 1.0
    ax = plots.images({"a": gray, "b": gray[:1]})
    sheet = ax.get_images()[0].get_array()
    assert sheet[1:5, 1:5, :3].max() == 0
    assert sheet[1:5, 6:10].min() == 1
    assert sheet[1:5, 5].max() == 0  # the gap is clear, and a frame is seen beside white and beside black
    assert [patch.get_xy() for patch in ax.patches] == [(0.5, 0.5), (5.5, 0.5), (0.5, 5.5)]
    assert plots.images({"a": colour}).get_images()[0].get_array()[1, 1].tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.certified_accuracy([0, 1], [0.5]),
        lambda: plots.certified_map([[0.5]], [1, 2], [1]),
        lambda: plots.images({"a": np.zeros((2, 4, 4)), "b": np.zeros((2, 5, 5))}),
        lambda: plots.images({}),
    ],
)
def test_shapes_that_do_not_match(draw):
    with pytest.raises(InputError, match="give"):
        draw()


def test_saved_files_are_the_same_each_time(tmp_path):
    written = []
    for name in ("one", "two"):
        ax = plots.certified_accuracy([0, 1], [0.9, 0.7], label="keep 0.8")
        written.append([file.read_bytes() for file in plots.save(ax.figure, tmp_path, name)])
    assert written[0] == written[1]
    assert written[0][0].startswith(b"\x89PNG")
    assert b"keep 0.8" in written[0][1]


def test_pyplot_is_never_imported():
    code = (
        "import sys; from rsbd import plots; plots.certified_accuracy([0], [1]); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_signed_weights_have_one_colour_for_each_sign():
    shown = plots.signed([[[0.5, -1.0, 0.0]]])
    assert shown.shape == (1, 3, 1, 3)
    above, below, none = shown[0, :, 0].T
    assert above[0] > above[2] + 0.4  # orange
    assert below[2] > below[0] + 0.6  # blue, and stronger
    assert (none == 1).all()
    assert (plots.signed(np.zeros((2, 2))) == 1).all()
