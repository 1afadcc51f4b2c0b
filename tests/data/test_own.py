"""Data of one's own from a file: read as it was written, with every check of a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rsbd import load
from rsbd.errors import InputError

TABLE = "a,label,b\n0.25,low,1\n0.5,high,0\n0.75,low,0.5\n1,high,0.5\n0,low,0.25\n0.125,high,1\n"


def test_a_table_with_a_column_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(TABLE)
    data = load(str(path), view="unit")
    assert (data.classes, data.values, data.num_rows, data.num_points) == (("high", "low"), None, 4, 2)
    rows = np.concatenate([np.column_stack([data.x, data.y]), np.column_stack([data.x_test, data.y_test])]).tolist()
    assert sorted(rows) == sorted([[0.25, 1, 1], [0.5, 0, 0], [0.75, 0.5, 1], [1, 0.5, 0], [0, 0.25, 1], [0.125, 1, 0]])
    assert load(str(path), view="unit", classes=("low", "high")).classes == ("low", "high")
    assert set(load(str(path)).x.ravel()) <= {0, 1}  # the binary view


def test_arrays_that_split_themselves(tmp_path: Path) -> None:
    path, x, y = tmp_path / "mine.npz", np.linspace(0, 1, 32).reshape(8, 2, 2), np.array([9, 10] * 4)
    np.savez(path, x=x[:6], y=y[:6], x_test=x[6:], y_test=y[6:])
    data = load(str(path), view="unit")
    assert (data.classes, data.shape, data.y.tolist()) == (("9", "10"), (2, 2), [0, 1] * 3)
    assert np.allclose(data.x_test, x[6:])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,1\n", "no column called 'label'"),
        ("a,label\n1,x\n2,y\n", r"inputs from 1 to 2: scale each column"),
        ("a,label\n0.5,x\n,y\n1,x\n0,y\n", "fixed number"),
        ("a,label\n0.5,x\n1\n", "line 3 of mine.csv has 1 values"),
        ("a,label\nred,x\n1,y\n", "not a whole file of data"),
        ("", "no column called"),
    ],
)
def test_what_does_not_fit_is_said(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        load(str(path), view="unit")


@pytest.mark.parametrize("arrays", [{"x": [[0.5]]}, {"x": [[0.5]], "y": [0, 1]}, {"x": [["a"]], "y": [0]}])
def test_arrays_that_do_not_fit_are_said(arrays: dict[str, list[object]], tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(InputError, match=r"mine\.npz"):
        load(str(tmp_path / "mine.npz"))


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", x=np.array([{}], object), y=[0])
    with pytest.raises(InputError, match="not a whole file of data"):
        load(str(tmp_path / "mine.npz"))


def test_the_command_takes_a_file(tmp_path: Path) -> None:
    runner = pytest.importorskip("typer.testing").CliRunner()
    from rsbd.cli import app

    random, y = np.random.default_rng(0), np.arange(90) % 2
    x = np.clip(random.normal(0.5, 0.1, (90, 3)) + 0.2 * (2 * y[:, None] - 1), 0, 1)
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    options = ["--defence", "noise", "--sigma", "0.3", "--models", "64", "--trigger-size", "1"]
    result = runner.invoke(app, ["certify", "--dataset", str(tmp_path / "mine.npz"), *options])
    assert result.exit_code == 0, result.output
    assert "60 rows" in result.output
