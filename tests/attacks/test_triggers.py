"""Triggers: where they are, how large, and that RAB's are RAB's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsbd.attacks import BadPatch, Blend, Pixels, Trigger
from rsbd.errors import InputError

SHAPES = {"mnist": (1, 28, 28), "cifar": (3, 32, 32), "imagenet": (3, 224, 224), "spam": (56,)}


@pytest.mark.parametrize("corner", ["bottom right", "bottom left", "top right", "top left", "bottom-right"])
@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_patch_is_a_white_square_in_its_corner(corner: str, size: int) -> None:
    x = np.full((2, 8, 9), 0.25, np.float32)
    out = BadPatch(size, corner)(x)
    white = np.zeros((8, 9), bool)
    rows = slice(8 - size, 8) if "bottom" in corner else slice(0, size)
    columns = slice(9 - size, 9) if "right" in corner else slice(0, size)
    white[rows, columns] = True
    np.testing.assert_array_equal(out, np.broadcast_to(np.where(white, 1, 0.25), x.shape))
    assert (x == 0.25).all()  # the argument is left alone
    assert out.dtype == np.float32
    np.testing.assert_array_equal(BadPatch(size, corner)(x[0]), out[0])


def test_offset_and_colours() -> None:
    out = BadPatch(2, "bottom right", offset=1)(np.zeros((5, 3, 8, 8)))
    assert out.sum() == 5 * 3 * 4
    assert (out[..., 5:7, 5:7] == 1).all()
    assert BadPatch(2).changed((3, 8, 8)) == 12


@given(size=st.integers(1, 6), data=st.data())
def test_patches_by_pixel_count_are_nested(size: int, data: st.DataObject) -> None:
    pixels = data.draw(st.integers(1, size**2))
    out = BadPatch(size, pixels=pixels)(np.zeros((8, 8)))
    assert out.sum() == pixels == BadPatch(size, pixels=pixels).changed((8, 8))
    assert out[7, 7] == 1
    assert (out <= BadPatch(size)(np.zeros((8, 8)))).all()
    if pixels > 1:
        assert (BadPatch(size, pixels=pixels - 1)(np.zeros((8, 8))) <= out).all()


@given(
    trigger=st.one_of(
        st.builds(BadPatch, st.integers(1, 8)),
        st.builds(lambda d: Pixels.one((8, 8), d), st.floats(0.01, 9)),
        st.builds(lambda d: Pixels.four((8, 8), d), st.floats(0.01, 9)),
        st.builds(lambda d, s: Blend((8, 8), d, s), st.floats(0.01, 9), st.integers(0, 9)),
    ),
    seed=st.integers(0, 99),
)
def test_no_input_is_changed_beyond_the_budget(trigger: Trigger, seed: int) -> None:
    x = np.random.default_rng(seed).random((20, 8, 8)).astype(np.float32) * (seed % 3 != 0)
    moved = np.abs(trigger(x).astype(np.float64) - x).reshape(20, -1)
    tiny = 1e-5  # float32
    assert (moved > 0).sum(axis=1).max() <= trigger.changed((8, 8))
    assert moved.sum(axis=1).max() <= trigger.budget((8, 8), "L1") * (1 + tiny)
    assert np.sqrt((moved**2).sum(axis=1)).max() <= trigger.budget((8, 8), "L2") * (1 + tiny)
    # On a black image the budget is used up: it is not a loose bound.
    black = np.zeros((1, 8, 8), np.float32)
    np.testing.assert_allclose(
        np.linalg.norm(trigger(black).astype(np.float64)), trigger.budget((8, 8), "L2"), rtol=1e-5
    )
    np.testing.assert_allclose(np.abs(trigger(black)).sum(), trigger.budget((8, 8), "L1"), rtol=1e-4)


def _rab_cases() -> list[dict[str, object]]:
    folder = os.environ.get("RSBD_VECTORS")
    if not folder:
        return []
    cases = json.loads((Path(folder) / "papers.json").read_text("utf-8"))["rab_triggers"]["cases"]
    assert cases
    return list(cases)


@pytest.mark.skipif(not os.environ.get("RSBD_VECTORS"), reason="set RSBD_VECTORS to the reference values")
def test_rab_triggers_are_those_of_its_code() -> None:
    for case in _rab_cases():
        shape, kind, delta = SHAPES[str(case["dataset"])], case["trigger"], float(str(case["delta"]))
        trigger = {"onepixel": Pixels.one, "fourpixel": Pixels.four, "blending": Blend}[str(kind)](shape, delta)
        out = trigger(np.full((2, *shape), case["base_pixel"]))[1].ravel()
        changed = np.flatnonzero(out)
        assert len(changed) == case["n_changed"] == trigger.changed(shape), case
        index = case["flat_index"]
        np.testing.assert_array_equal(changed[: len(index)], index)  # type: ignore[arg-type]
        values = case["values"]
        np.testing.assert_allclose(out[changed][: len(values)], values, rtol=2e-6)  # type: ignore[arg-type]
        np.testing.assert_allclose([out.max(), out.min()], [case["max_out"], case["min_out"]], rtol=2e-6)
        np.testing.assert_allclose(np.linalg.norm(out.astype(float)), case["l2"], rtol=2e-6)
        np.testing.assert_allclose(trigger.budget(shape, "L2"), case["l2"], rtol=2e-6)


def test_pixels_clip_on_images_and_not_on_tables() -> None:
    bright = np.full((1, 28, 28), 0.9, np.float32)
    assert Pixels.one((28, 28), 1.0)(bright).max() == 1
    assert Pixels.one((30,), 1.0)(np.full((4, 30), 0.9)).max() == np.float32(1.9)
    assert Blend((28, 28), 5.0)(bright).max() > 1  # as in RAB
    assert Pixels((3, 7), delta=2.0)(np.zeros(30)).nonzero()[0].tolist() == [3, 7]


def test_gray_and_colour_shapes_are_told_apart() -> None:
    batch_of_three_gray = np.zeros((3, 32, 32))
    assert Pixels.one((32, 32), 1.0)(batch_of_three_gray).max() == 1
    assert Pixels.one((3, 32, 32), 1.0)(batch_of_three_gray).max() == np.float32(3**-0.5)
    with pytest.raises(InputError, match="make it for those"):
        Pixels.one((32, 32)).changed((3, 32, 32))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: BadPatch(9)(np.zeros((8, 8))), "9 x 9 patch is larger than the 8 x 8 image: .* 1 to 8"),
        (lambda: BadPatch(7, offset=2).changed((8, 8)), "at offset 2 is larger .* 1 to 6"),
        (lambda: BadPatch(0), "size is 0: give a whole number, at least 1"),
        (lambda: BadPatch(1, offset=-1), "offset is -1: give a whole number from 0"),
        (lambda: BadPatch(2, "middle"), "no corner 'middle': choose one of bottom right"),
        (lambda: BadPatch(3, pixels=10), "10 pixels do not fit .* 1 to 9"),
        (lambda: BadPatch(3).changed((30,)), "or Pixels with feature numbers"),
        (lambda: Pixels(()), "at least one"),
        (lambda: Pixels((3, 3)), "once"),
        (lambda: Pixels((3,), delta=0), "positive"),
        (lambda: Pixels((3,), delta=float("nan")), "positive"),
        (lambda: Pixels(((28, 0),))(np.zeros((28, 28))), "inside an input of shape"),
        (lambda: Pixels((30,)).changed((30,)), "inside an input of shape"),
        (lambda: Pixels((-1,)).changed((30,)), "inside an input of shape"),
        (lambda: Blend((8, 8), 0), "positive"),
        (lambda: Blend((8, 8))(np.zeros((8, 9))), "make it for that shape"),
        (lambda: BadPatch().budget((8, 8), "L7"), "choose L0, L1 or L2"),
    ],
)
def test_bad_input_is_one_clear_sentence(make: object, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        make()  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_triggers_are_values() -> None:
    assert BadPatch(3) == BadPatch(3, "bottom_right")
    assert hash(Pixels([[1, 2]])) == hash(Pixels(((1, 2),)))  # type: ignore[arg-type]
    assert Blend((8, 8), 1.0) != Blend((8, 8), 2.0)
