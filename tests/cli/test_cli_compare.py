"""`rsbd compare`: tables for every kind of attack, all of it on disk, and one sentence for what cannot work."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from rsbd import recipes
from rsbd.cli import main
from rsbd.data import load
from rsbd.errors import InputError
from rsbd.evasion import AnyPatch
from rsbd.learners import LDA
from rsbd.recipes.contest import CONTENDERS

SMALL = ["--rows", "80", "--points", "40", "--models", "40", "--poisoned", "0", "1", "--pixels", "0", "1"]


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["rsbd", "compare", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


@pytest.mark.slow
def test_everything_is_said_and_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "results"
    assert call(monkeypatch, *SMALL, "--side", "8", "--out", str(out), "--seed", "3") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("The attacker changes") == 6
    assert "Cannot face it: Rosenfeld et al.; Cohen et al.: the threat changes the training features" in said
    assert "held-out training rows" in said
    saved = json.loads((out / "result.json").read_text())
    assert saved["settings"]["seed"] == 3
    assert {row["method"] for row in saved["rows"] if row["certified"]} > {"DPA", "RAB", "BagFlip"}
    assert {"comparison.csv", "comparison.png", "comparison.svg", "votes"} <= {path.name for path in out.iterdir()}
    first = (out / "result.json").read_bytes()
    assert (
        call(monkeypatch, *SMALL, "--side", "8", "--out", str(out), "--seed", "3") == 0
    )  # from the votes that are kept
    assert (out / "result.json").read_bytes() == first


@pytest.mark.parametrize(
    "arguments",
    [
        ["--relabel", "--on-test", "--method", "bagflip", "wang"],
        ["--not-relabel", "--not-on-test", "--method", "RAB,"],
        ["--method", "cohen", "--learner", "lda", "--alpha-for", "all"],
        ["--dataset", "breast_cancer", "--method", "DPA"],
        ["--classes", "3", "5", "8", "--method", "bagging", "--validation", "0.4"],
    ],
    ids=" ".join,
)
@pytest.mark.slow
def test_every_option_works(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    assert call(monkeypatch, *SMALL, *arguments) == 0


def test_every_option_reaches_the_comparison(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An option that is read and forgotten would certify something else than was asked."""
    seen: list[tuple[tuple[object, ...], dict[str, Any]]] = []

    def compare(*given: object, **settings: Any) -> None:
        seen.append((given, settings))
        raise InputError("seen", "stop")

    def ask(line: str) -> dict[str, Any]:
        assert call(monkeypatch, *line.split()) == 2
        return seen[-1][1]

    monkeypatch.setattr(recipes, "compare", compare)
    found = ask(
        f"--classes 3 5 --rows 80 --points 20 --poisoned 2 7 --pixels 3 --patches 2 5 --not-relabel --on-test "
        "--method bagging dpa --learner lda --models 77 --alpha 0.01 --alpha-for all --validation 0.4 --seed 5 "
        f"--device cpu --out {tmp_path}"
    )
    data, *threats = seen[-1][0]
    assert (
        data.fingerprint() == load("digits", view="unit", classes=("3", "5"), rows=80, points=20, seed=5).fingerprint()
    )
    assert threats == [[2, 7], [3, AnyPatch(2), AnyPatch(5)]]
    assert [contender.name for contender in found.pop("contenders")] == ["DPA", "bagging"]
    found.pop("progress")
    assert found == {
        "relabel": (False,), "on_test": (True,), "num_models": 77, "alpha": 0.01, "points": "all", "validation": 0.4,
        "learner": LDA(), "seed": 5, "device": "cpu", "store": tmp_path / "votes"
    }  # fmt: skip
    plain = ask("--relabel --not-on-test --method bagging")
    assert (plain["relabel"], plain["on_test"], plain["learner"]) == ((True,), (False,), None)
    assert seen[-1][0][1:] == ((0, 1, 5), None)
    assert (data.shape, seen[-1][0][0].shape) == ((28, 28), (28, 28))
    both = ask("--seed 0 --side 8")
    assert seen[-1][0][0].shape == (8, 8)
    assert (both["relabel"], both["on_test"], len(both["contenders"])) == (
        (True, False),
        (True, False),
        len(CONTENDERS),
    )
    assert both["store"] is None


BAD = [
    (["--dataset", "letters"], "letters"),
    (["--classes", "1"], "two"),
    (["--method", "oracle"], "there are 'Wang et al., tied'"),
    (["--models", "0"], "from 1"),
    (["--models", "20000000"], "10,000,000"),
    (["--alpha", "1"], "alpha"),
    (["--alpha-for", "some"], "choose 'each' or 'all'"),
    (["--validation", "1"], "validation share"),
    (["--poisoned", "81"], "there are 80"),
    (["--poisoned", "-1"], "rows is -1"),
    (["--pixels", "785"], "784"),
    (["--pixels", "-1"], "a whole number from 0"),
    (["--patches", "29"], "any 29x29 patch anywhere does not fit on images of 28 x 28"),
    (["--patches", "0"], "side is 0"),
    (["--dataset", "breast_cancer", "--patches", "3"], "which are no images"),
    (["--poisoned", "0", "--pixels", "0"], "no threat changes anything"),
    (["--learner", "oracle"], "'linear' or 'robust' or 'lda' or 'mlp'"),
    (["--seed", "-1"], "seed"),
    (["--device", "abacus", "--method", "wang"], "auto"),
    (["--rows", "100000"], "rows"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD, ids=[" ".join(a) for a, _ in BAD])
def test_bad_input_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    small = ["--rows", "80", "--points", "40", "--models", "40"]
    assert call(monkeypatch, *small, *arguments) == 2
    said = capsys.readouterr()
    assert said.err.strip().splitlines()[-1].startswith("rsbd: ")
    assert words in said.err
    assert "certified accuracy" not in said.out  # no table: nothing was computed


def test_more_models_after_a_look_are_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("rsbd.plots.save", lambda *given: ())  # which takes longest
    few = ["--side", "8", "--rows", "40", "--points", "10", "--poisoned", "1", "--pixels", "1"]
    few += ["--method", "wang", "--alpha", "1e-300"]
    said = []
    for models in ("20", "20", "40"):
        assert call(monkeypatch, *few, "--models", models, "--out", str(tmp_path)) == 0
        said.append(" ".join(capsys.readouterr().out.split()))
        assert "with confidence 1 - 1e-300 for each point" in said[-1]
    words = f"This extends the comparison with 20 models that was in {tmp_path}: its votes are among these."
    assert [words in one for one in said] == [False, False, True]


def test_a_folder_that_cannot_be_written_is_found_out_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert call(monkeypatch, "--out", str(tmp_path / "file")) == 2
    assert "cannot be written" in capsys.readouterr().err
