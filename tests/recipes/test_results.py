"""Everything that recipes return has one shape: table, dictionary, short texts, picture, and a file without pickle."""

from __future__ import annotations

import importlib.util
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rsbd
from rsbd import recipes
from rsbd.errors import InputError
from rsbd.recipes.result import Result, SavedResult

BITS = rsbd.load("digits", side=8, classes=(0, 1), rows=40, points=20)
GRAY = rsbd.load("digits", side=8, classes=(0, 1), rows=40, points=20, view="unit")
PATCH = rsbd.AnyPatch(1)
CALLS: dict[str, Callable[[], Any]] = {
    "wang": lambda: recipes.wang(BITS, num_models=64),
    "bagging": lambda: recipes.bagging(BITS, 5, num_models=64),
    "bagflip": lambda: recipes.bagflip(BITS, 5, num_models=64),
    "cohen": lambda: recipes.cohen(GRAY, 0.5),
    "dpa": lambda: recipes.dpa(BITS, 5),
    "duels": lambda: recipes.duels(BITS, PATCH, num_models=64),
    "fpa": lambda: recipes.fpa(BITS, 5),
    "fpa_bagging": lambda: recipes.fpa_bagging(BITS, 5, num_models=64),
    "pecan": lambda: recipes.pecan(BITS, PATCH, 5, num_models=64),
    "pecan of parts": lambda: recipes.pecan(BITS, PATCH, parts=5),
    "rab": lambda: recipes.rab(GRAY, 0.5, num_models=64),
    "rab_knn": lambda: recipes.rab_knn(GRAY, 0.5),
    "rosenfeld": lambda: recipes.rosenfeld(BITS, 0.8),
    "kumar": lambda: recipes.kumar(GRAY, 0.5, radii=[0.1]),
    "certified_confidence": lambda: recipes.certified_confidence(
        BITS, rsbd.Smoothing.flips(BITS, 0.8), [rsbd.Threat(1, 1)], num_models=64
    ),
}


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    """Nobody is warned of what is no fault of theirs: `python -W error` runs every recipe."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_every_recipe_is_here() -> None:
    functions = {name for name in vars(recipes) if callable(getattr(recipes, name)) and name[0].islower()}
    assert functions - {"compare"} == {name.split(" ")[0] for name in CALLS}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_a_result_of_every_recipe(name: str, tmp_path: Path) -> None:
    found = CALLS[name]()
    assert repr(found).count("\n") < 10
    assert max(map(len, repr(found).splitlines())) <= 100
    assert found._repr_html_().count("<tr>") == 6
    columns = found.columns()
    assert {len(column) for column in columns.values()} == {20}
    written = json.loads(json.dumps(found.as_dict()))
    assert set(written) == {"kind", "settings", *columns}
    path = tmp_path / "result.npz"
    found.save(path)
    again = type(found).load(path)
    for key, column in again.columns().items():
        assert np.array_equal(column, columns[key]), key
    if isinstance(found, Result):
        assert isinstance(again, SavedResult)
        assert again.certificate.describe() == found.certificate.describe()
        assert json.dumps(again.settings, default=str, sort_keys=True) == json.dumps(
            dict(found.settings), default=str, sort_keys=True
        )
        assert np.array_equal(again.radius, found.radius)
        assert found.plot().get_ylabel() == "certified share of the points"
        assert found.plot(y=BITS.y_test).get_ylabel() != "certified share of the points"


def test_votes_and_bounds_come_back_and_certify_the_same(tmp_path: Path) -> None:
    found = CALLS["wang"]()
    found.save(tmp_path / "result.npz")
    again = Result.load(tmp_path / "result.npz")
    assert again.votes is not None
    assert again.bounds is not None
    assert (again.votes.counts == found.votes.counts).all()
    assert (again.votes.models, again.votes.manifest) == (found.votes.models, found.votes.manifest)
    assert (rsbd.radius(again.bounds, found.smoothing).radius == found.radius).all()


def test_a_certificate_with_a_trigger_comes_back(tmp_path: Path) -> None:
    found = CALLS["pecan"]().certificate
    found.save(tmp_path / "one.npz")
    again = rsbd.Certificate.load(tmp_path / "one.npz")
    assert again.describe() == found.describe()
    assert again.trigger == PATCH


def test_files_that_are_damaged_or_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.npz"
    CALLS["dpa"]().certificate.save(path)
    with pytest.raises(InputError, match="it holds no result"):
        Result.load(path)
    with pytest.raises(InputError, match="there is no file of results"):
        Result.load(tmp_path / "two.npz")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="not a whole file"):
        rsbd.Certificate.load(path)


def test_a_table_needs_pandas_and_says_so() -> None:
    found = CALLS["dpa"]()
    columns = found.columns()
    assert [list(row) for row in found] == [list(columns)] * len(columns["label"])  # what pandas.DataFrame(found) reads
    assert [row["radius"] for row in found.certificate] == columns["radius"].tolist()
    if importlib.util.find_spec("pandas") is None:
        with pytest.raises(InputError, match="pip install pandas"):
            found.to_frame()
    else:
        frame = found.to_frame()
        assert list(frame.columns) == list(found.columns())
        assert frame.attrs["norm"] == "rows in or out"


def test_what_is_no_data_set_is_refused_by_name() -> None:
    """Every recipe refuses a wrong data set before any work. Shapes and radii are checked as early."""
    for name in {name.split(" ")[0] for name in CALLS} | {"compare"}:
        for given in ("digits", BITS.x, None):
            with pytest.raises(InputError, match=r"^dataset is .*: give a Dataset$"):
                getattr(recipes, name)(given)
    with pytest.raises(InputError, match=r"^dataset is 'digits'"):
        rsbd.Poisoning(rsbd.BadPatch(1), target=0, rate=0.1).apply("digits", seed=0)  # type: ignore[arg-type]
    for shape in (8, "8x8", (8.5, 8), None):
        with pytest.raises(InputError, match=r"^the shape is"):
            rsbd.BadPatch(3).budget(shape)  # type: ignore[arg-type]
    for radius in (None, "1", float("nan")):
        with pytest.raises(InputError, match=r"^radius is .*: give a number$"):
            CALLS["dpa"]().certificate.accuracy(BITS.y_test, radius)
        with pytest.raises(InputError, match=r"^radius is .*: give a number$"):
            CALLS["dpa"]().certificate.curve(BITS.y_test, [0, radius])
    for rows in ([1.5], ["a"], [-1]):
        with pytest.raises(InputError, match=r"^rows is .*: give the number of poisoned rows"):
            recipes.compare(BITS, rows, [1])
    with pytest.raises(InputError, match=r"^the number of pixels of a trigger is 'a': give a whole number"):
        recipes.compare(BITS, [1], ["a"])  # type: ignore[list-item]
    with pytest.raises(InputError, match=r"^bounds is None: give a Bounds$"):
        rsbd.radius(None, rsbd.Smoothing(test=rsbd.Flip(0.8)))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^3 names no file or folder"):
        CALLS["dpa"]().save(3)  # type: ignore[arg-type]
