"""Data sets: contents, views, classes, subsets, splits, errors."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import rsbd
from rsbd.data import SOURCES, Dataset, data_root, load, on_levels, vision
from rsbd.errors import InputError
from rsbd.learners import Linear
from rsbd.recipes import cohen, dpa, rab, rab_knn, rosenfeld

NEEDS_TORCHVISION = pytest.mark.skipif(find_spec("torchvision") is None, reason="no torchvision here")


def test_digits_are_scikit_learns_digits_in_a_fixed_split() -> None:
    from sklearn.datasets import load_digits

    data = load("digits", view="gray", side=8)
    assert (data.name, data.num_rows, data.num_points, data.shape, data.num_classes) == (
        "digits",
        1000,
        797,
        (8, 8),
        10,
    )
    assert (data.x.dtype, data.y.dtype, data.values) == (np.float32, np.int64, 17)
    stored = load_digits()
    together = np.concatenate([data.x, data.x_test]).reshape(-1, 64) * 16
    labels = np.concatenate([data.y, data.y_test])
    ours = sorted(map(bytes, np.column_stack([together, labels]).astype(np.uint8)))
    theirs = sorted(map(bytes, np.column_stack([stored.data, stored.target]).astype(np.uint8)))
    assert ours == theirs  # each picture once, with its own label
    # The split is part of every published number: it may never move.
    assert data.fingerprint().startswith("848a60dbf470")


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
def test_views_agree(name: str) -> None:
    unit, binary = load(name, view="unit"), load(name)
    assert unit.values is None
    assert binary.values == 2
    assert unit.x.min() >= 0
    assert unit.x.max() <= 1
    np.testing.assert_array_equal(binary.x, unit.x >= 0.5)
    np.testing.assert_array_equal(binary.y_test, unit.y_test)
    assert set(np.unique(binary.x_test)) == {0.0, 1.0}


def test_gray_view_holds_the_same_numbers_as_unit() -> None:
    gray = load("digits", view="gray", side=8)
    np.testing.assert_array_equal(gray.x, load("digits", view="unit", side=8).x)
    assert on_levels(gray.x, 17)
    assert not on_levels(gray.x, 16)


def test_digits_are_enlarged_by_interpolation() -> None:
    from scipy.ndimage import zoom

    small, unit = load("digits", view="unit", side=8), load("digits", view="unit")
    assert (unit.name, unit.shape) == ("digits enlarged to 28x28", (28, 28))
    assert "8x8" in SOURCES["digits"].description
    assert "enlarged to 28x28" in SOURCES["digits"].description
    for field in ("x", "x_test"):
        zoomed = [zoom(x, 3.5, order=3, mode="nearest", grid_mode=True) for x in getattr(small, field).astype(float)]
        found, exact = getattr(unit, field), np.clip(zoomed, 0, 1)
        white = exact >= 0.5 - 1e-7
        np.testing.assert_array_equal(found >= 0.5, white)
        np.testing.assert_array_equal(getattr(load("digits"), field), white)
        near = np.abs(exact - 0.5) < 1 / 32  # such pixels stay on their side of one half
        assert np.abs(found - exact)[~near].max() <= 1 / 32 + 1e-6
        assert np.abs(found - exact).max() <= 1 / 16
    np.testing.assert_array_equal(unit.y, small.y)
    gray = load("digits", view="gray")
    assert (gray.values, on_levels(gray.x, 17)) == (17, True)
    np.testing.assert_array_equal(gray.x, unit.x)
    # Every published number depends on these pixels.
    assert load("digits").fingerprint().startswith("5ce2bfac75b5")
    assert unit.fingerprint().startswith("d928f4dd8cf4")


@pytest.mark.parametrize("view", ["binary", "gray", "unit"])
def test_a_picture_is_enlarged_by_itself(view: str) -> None:
    """A poisoned row must not move another one: how an image is enlarged does not depend on the others."""
    np.testing.assert_array_equal(load("digits", view=view, rows=10).x, load("digits", view=view, rows=700).x[:10])


def test_bits_are_exact_bits() -> None:
    """Noise turns x into 1 - x without rounding, so that 1e-7 would show through it that it was not changed."""
    assert on_levels(np.float32([0, 1]), 2)
    assert not on_levels(np.float32([1e-7, 1]), 2)
    assert on_levels(np.float32([0, 0.5000001, 1]), 3)


def test_scaling_does_not_look_at_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row changed by an attacker, however far, changes that row only: nothing is fitted."""
    before = SOURCES["breast_cancer"].read(Path())
    read = np.loadtxt

    def attacked(*args: Any, **options: Any) -> Any:
        table = read(*args, **options)
        table[100, :-1] = 1e6
        return table

    monkeypatch.setattr(np, "loadtxt", attacked)
    after = SOURCES["breast_cancer"].read(Path())
    moved = np.concatenate([(before.x != after.x).any(axis=1), (before.x_test != after.x_test).any(axis=1)])
    assert moved.sum() == 1
    assert after.x.max() == 1
    assert 0.3 < before.x.mean() < 0.6  # and the scale is a sensible one


def test_classes_are_relabelled_in_the_order_given() -> None:
    pair, swapped, full = load(classes=(1, 7)), load(classes=["7", "1"]), load()
    assert pair.classes == ("1", "7")
    assert swapped.classes == ("7", "1")
    np.testing.assert_array_equal(pair.y, 1 - swapped.y)
    np.testing.assert_array_equal(pair.x, full.x[np.isin(full.y, [1, 7])])
    np.testing.assert_array_equal(pair.y == 1, full.y[np.isin(full.y, [1, 7])] == 7)
    assert load("breast_cancer", classes=("benign", "malignant")).label("malignant") == 1


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(3, 280), seed=st.integers(0, 2**40))
def test_subsets_are_stratified_nested_and_seeded(rows: int, seed: int) -> None:
    kwargs = {"classes": (0, 3, 8), "seed": seed}
    small = load(rows=rows, points=rows // 2 + 2, **kwargs)
    assert small.num_rows == rows
    assert small.num_points == rows // 2 + 2
    full = load(classes=(0, 3, 8))
    share = np.bincount(full.y) / full.num_rows
    counts = np.bincount(small.y, minlength=3)
    assert counts.min() >= 1
    assert np.abs(counts - rows * share).max() <= 1
    np.testing.assert_array_equal(small.x, load(rows=280, **kwargs).x[:rows])
    assert small.fingerprint() == load(rows=rows, points=rows // 2 + 2, **kwargs).fingerprint()
    # Every row is a different stored row: nothing is drawn twice.
    stored = {bytes(r) for r in full.x}
    assert all(bytes(r) in stored for r in small.x)


def test_seeds_differ_and_all_rows_are_all() -> None:
    assert not np.array_equal(load(rows=100, seed=0).y, load(rows=100, seed=1).y)
    everything = load(rows=1000)
    np.testing.assert_array_equal(np.sort(everything.y), np.sort(load().y))


def test_fingerprint_sees_every_part() -> None:
    data = load(classes=(1, 7), rows=20, points=10)
    moved = data.x.copy()
    moved[3, 2, 2] = 1 - moved[3, 2, 2]
    others = [
        data.replace(x=moved),
        data.replace(y=1 - data.y),
        data.replace(x_test=data.x_test[::-1]),
        data.replace(y_test=1 - data.y_test),
        data.replace(classes=("1", "seven")),
        data.replace(values=None),
    ]
    prints = {d.fingerprint() for d in [data, *others]}
    assert len(prints) == 7
    assert data.replace(name="other").fingerprint() == data.fingerprint()


@pytest.mark.parametrize("field", ["x", "y", "x_test", "y_test"])
def test_a_dataset_owns_its_arrays(field: str) -> None:
    loaded = load(rows=10, points=10)
    array = getattr(loaded, field).copy()
    view = array[2:]
    array.setflags(write=False)  # read-only, and yet not safe: `view` can still be written to
    data = loaded.replace(**{field: array})
    view[:] = 1 - view
    assert np.array_equal(getattr(data, field), getattr(loaded, field))
    with pytest.raises(ValueError, match="read-only"):
        getattr(data, field)[:] = 0


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"name": "minst"}, "no dataset 'minst': choose one of digits, breast_cancer, mnist"),
        ({"view": "grey"}, "no view 'grey': choose binary, gray or unit"),
        ({"name": "breast_cancer", "view": "gray"}, "choose view 'unit' or 'binary'"),
        ({"classes": (1, 12)}, "no class '12': choose from 0, 1"),
        ({"classes": ("cat", "dog")}, "no class 'cat'"),
        ({"classes": (1,)}, "at least two"),
        ({"classes": (1, 1)}, "at least two different"),
        ({"classes": ()}, "at least two"),
        ({"rows": 1001}, "1001 rows of digits are wanted: give 10 .* to 1000"),
        ({"rows": 9}, "give 10"),
        ({"points": 5000}, "5000 points .* to 797"),
        ({"classes": (1, 7), "points": 1}, "give 2"),
        ({"seed": -1}, "seed is -1"),
        ({"side": 16}, "side is 16: choose 28 or 8"),
        ({"name": "breast_cancer", "side": 8}, "breast_cancer has inputs of one size only: leave side out"),
        ({"name": "mnist", "side": 28}, "mnist has inputs of one size only: leave side out"),
    ],
)
def test_bad_input_is_one_clear_sentence(kwargs: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        load(**kwargs)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_dataset_checks_itself() -> None:
    data = load(classes=(1, 7), rows=20, points=10)
    with pytest.raises(InputError, match="one label for each"):
        data.replace(y=data.y[:5])
    with pytest.raises(InputError, match="same shape"):
        data.replace(x_test=data.x_test.reshape(10, -1))
    with pytest.raises(InputError, match="labels from 0 to 2"):
        data.replace(y=data.y * 2)
    with pytest.raises(InputError, match="off its 2 levels"):
        data.replace(x=data.x * 0.5)
    with pytest.raises(InputError, match="off its 2 levels"):
        data.replace(x_test=data.x_test * 3)
    assert isinstance(data.replace(x=data.x * 0.5, values=3), Dataset)


def test_labels_by_number_and_by_name() -> None:
    data = load(classes=(1, 7))
    assert (data.label(1), data.label("7"), data.label("1")) == (1, 1, 0)
    for wrong in (7, -1, "3"):
        with pytest.raises(InputError, match="choose one of 0 = '1', 1 = '7'"):
            data.label(wrong)


def test_missing_data_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rsbd data download mnist.*RSBD_DATA"):
        load("mnist", root=tmp_path)


@NEEDS_TORCHVISION
def test_offline_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(InputError, match=r"could not be downloaded .*connect to the network") as caught:
        load("fashion-mnist", root=tmp_path, download=True)
    assert "\n" not in str(caught.value)


def test_unwritable_folder_names_the_remedy(tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.touch()
    with pytest.raises(InputError, match=r"cannot be written .*set RSBD_DATA"):
        load("cifar10", root=blocked / "data", download=True)


@NEEDS_TORCHVISION
def test_broken_files_name_the_remedy(tmp_path: Path) -> None:
    for file in SOURCES["mnist"].files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"not an idx file")
    with pytest.raises(InputError, match=r"cannot be read .*rsbd data download mnist"):
        load("mnist", root=tmp_path)


def test_root_is_chosen_by_argument_then_environment_then_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSBD_DATA", "somewhere")
    assert data_root("here") == Path("here")
    assert data_root() == Path("somewhere")
    monkeypatch.delenv("RSBD_DATA")
    assert "rsbd" in str(data_root())


def test_embedded_data_needs_no_torch() -> None:
    code = "import sys; from rsbd.data import load; load(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": str(Path.cwd())})


@pytest.mark.slow
def test_torchvision_imports_beside_this_torch() -> None:
    """Operators are declared exactly where the compiled part did not bring them. The first import decides."""
    torchvision = vision.torchvision()
    assert torch.ops.torchvision.nms
    assert torch.ops.torchvision.qnms
    assert len(vision._LIBRARY) == (not torchvision.extension._has_ops())
    assert torchvision.datasets.MNIST


def test_torchvision_is_imported_in_one_place_only() -> None:
    package = Path(rsbd.__file__).parent
    importing = re.compile(r"^\s*(import|from) torchvision|import_module\(.torchvision", re.MULTILINE)
    assert [p.name for p in package.rglob("*.py") if importing.search(p.read_text("utf-8"))] == ["vision.py"]


@pytest.mark.mnist
@pytest.mark.mnist
def test_mnist_is_the_real_one() -> None:
    data = load("mnist", view="gray", classes=(1, 7))
    assert (data.num_rows, data.num_points, data.shape, data.values) == (13007, 2163, (28, 28), 256)
    assert data.classes == ("1", "7")
    assert np.bincount(data.y).tolist() == [6742, 6265]
    assert np.bincount(data.y_test).tolist() == [1135, 1028]
    assert data.x.max() == 1
    assert on_levels(data.x_test, 256)
    # A one is drawn with less ink than a seven.
    assert data.x[data.y == 0].mean() < data.x[data.y == 1].mean()


@pytest.mark.mnist
@pytest.mark.mnist
def test_mnist_subset() -> None:
    data = load("mnist", classes=(1, 7), rows=100, points=1000)
    assert (data.num_rows, data.num_points, data.values) == (100, 1000, 2)
    assert set(np.unique(data.x)) == {0.0, 1.0}


@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_missing_numbers_are_not_certified(missing: float) -> None:
    data = load("breast_cancer", rows=20, points=10)
    x, points = data.x.copy(), data.x_test.copy()
    x[3, 2] = points[1, 0] = missing
    for change in ({"x": x}, {"x_test": points}):
        with pytest.raises(InputError, match="inputs that are not finite"):
            data.replace(**change)
    with pytest.raises(InputError, match="test points are not finite"):
        rsbd.collect(data, rsbd.Smoothing(), Linear(), points, num_models=1)


def test_a_data_set_has_rows_but_may_have_no_points() -> None:
    data = load("digits", view="unit", classes=(0, 1), rows=20, points=10)
    with pytest.raises(InputError, match="has no rows"):
        data.replace(x=data.x[:0], y=data.y[:0])
    nobody = data.replace(x_test=data.x_test[:0], y_test=data.y_test[:0])
    for found in (
        rab(nobody, num_models=8),
        rab_knn(nobody),
        rosenfeld(nobody),
        cohen(nobody, num_copies=8),
        dpa(nobody),
    ):
        assert found.certificate.radius.shape == (0,)


def test_held_out_rows_are_the_points_and_leave_the_rows():
    data = load("digits", classes=(0, 1))
    part = data.hold_out(0.3, seed=2)
    assert (part.num_rows, part.num_points) == (143, 61)
    both = np.concatenate([part.x, part.x_test]), np.concatenate([part.y, part.y_test])
    assert sorted(zip(both[0].tolist(), both[1], strict=True)) == sorted(zip(data.x.tolist(), data.y, strict=True))
    assert (np.diff([[(data.x == row).all((1, 2)).argmax() for row in part.x]]) >= 0).all()  # in their order
    assert not np.array_equal(part.x_test, data.hold_out(0.3, seed=3).x_test)
    with pytest.raises(InputError, match="leaves 0 of 204"):
        data.hold_out(0.001)
