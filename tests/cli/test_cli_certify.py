"""`rsbd certify`: good defaults, all it promises on disk, and one sentence for whatever cannot work."""

from __future__ import annotations

import csv
import json
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rsbd import recipes
from rsbd.attacks import BadPatch, Pixels
from rsbd.attacks.poisoning import Poisoning
from rsbd.bounds import anytime
from rsbd.cli import main
from rsbd.cli.tables import print_comparison, print_reports
from rsbd.data import load
from rsbd.ensemble import Votes
from rsbd.errors import InputError
from rsbd.evasion import AnyPatch
from rsbd.learners import LDA
from rsbd.noises import Bagging, ClassBagging, Flip, Gaussian
from rsbd.noises.smoothing import Smoothing
from rsbd.recipes.contest import CONTENDERS
from rsbd.recipes.experiment import Experiment
from rsbd.recipes.report import report

SMALL = ["--rows", "100", "--points", "50", "--models", "64"]


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["rsbd", "certify", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no pictures, which takes longest; other tests look at them."""
    monkeypatch.setattr("rsbd.plots.save", lambda *given: ())


@pytest.mark.slow
def test_no_option_certifies_the_planted_attack(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Ten of 204 rows hold anything, and any 3x3 patch is anywhere on the test image."""
    assert call(monkeypatch, "--out", str(tmp_path)) == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "attack success",
        "without noise 100.0 % 0.0 %",
        "the smoothed attack success is",
        "Certified accuracy by L0 radius",
        "centred on the clean training set",
    ):
        assert words in said
    assert "poisoned rows and trigger (pixels)" in said
    assert said.startswith("The planted attack: predictions that are right and proved to stay so defence certified")
    assert "noise 0.0 % any 9 pixels and the label of each of 10 rows" in said
    assert "10 rows (any content, any label); any 3x3 patch anywhere on the test input" in said
    assert "written to" in said
    assert "bags/result.json" in said
    found = json.loads((tmp_path / "result.json").read_text())
    assert next(iter(found)) == "planted"
    assert found["planted"]["accuracy"] > 0.92
    assert found["planted"]["by_defence"]["noise"]["accuracy"] == 0
    assert (found["planted"]["rows"], found["planted"]["trigger"]) == (10, "any 3x3 patch anywhere")
    cells = {(cell["rows"], cell["trigger"]): cell["accuracy"] for cell in found["bags"]["certified_map"]}
    assert cells[10, 3] == found["planted"]["accuracy"]
    assert cells[20, 3] > 0.8
    assert {"certified.png", "certified.svg", "points.csv"} <= {path.name for path in (tmp_path / "bags").iterdir()}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--trigger", "one-pixel", "--trigger-size", "1"], "any 1 pixel"),
        (["--dataset", "breast_cancer"], "any 3 pixels"),
        (["--classes", "3", "5", "8", "--trigger-size", "1", "--centre", "poisoned"], "any 1x1 patch anywhere"),
        (["--clean-label", "--bag", "6"], "any 3x3 patch anywhere"),
        (["--poison-rate", "0", "--learner", "linear"], "any 3x3 patch anywhere"),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("no_pictures")
def test_bags_certify_against_the_planted_kind_of_trigger(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    words: str,
) -> None:
    run = [*SMALL, "--models", "32", "--defence", "bags", *arguments, "--out", str(tmp_path)]
    assert call(monkeypatch, *run) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"{words} on the test input" in said
    assert "not covered" not in said
    found = json.loads((tmp_path / "result.json").read_text())
    assert found["planted"]["trigger"] == found["with_trigger"] == words
    assert found["norm"] == "rows"
    assert call(monkeypatch, *run) == 0  # from the votes that were kept
    assert json.loads((tmp_path / "result.json").read_text())["seconds"]["train"] == 0


def test_a_trigger_on_every_pixel_is_left_to_the_noise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blend = ["--trigger", "blend", "--trigger-size", "1", "--sigma", "0.5"]
    assert call(monkeypatch, *SMALL, *blend, "--defence", "both") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Bags cannot rule it out: Blend changes every pixel of the test input, so no vote withstands it." in said
    assert "bags " not in said.partition("Bags cannot")[2]


def test_out_holds_every_promised_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "results"
    assert call(monkeypatch, *SMALL, "--seed", "7", "--out", str(out)) == 0
    found = json.loads((out / "result.json").read_text())
    assert set(found["attack_success_rate"]) == {"undefended", "without_noise", "smoothed"}
    assert set(found["smoothed_attack_success_bounds"]) == {"lowest", "highest", "abstained"}
    assert {"0", "1"} <= set(found["certified_accuracy"])
    assert set(found["certified_map"][0]) == {"rows", "trigger", "accuracy"}
    assert set(found["seconds"]) >= {"train", "vote", "certify"}
    assert 0 <= found["clean_accuracy"] <= 1
    for setting in ("classes", "trigger", "poison_rate", "smoothing", "learner", "models", "alpha", "seed"):
        assert setting in found["settings"]
    assert found["settings"]["seed"] == 7
    assert {"certified.png", "certified.svg", "points.csv", "votes.npz"} <= {p.name for p in out.iterdir()}


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_certificates_of_all_points_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = {}
    for points in ("each", "all"):
        assert call(monkeypatch, *SMALL, "--alpha-for", points, "--out", str(tmp_path / points)) == 0
        found[points] = json.loads((tmp_path / points / "result.json").read_text())
    said = " ".join(capsys.readouterr().out.split())
    assert "each with confidence 0.999. " in said
    assert "all at once with confidence 0.999. " in said
    assert call(monkeypatch, *SMALL, "--alpha", "1e-9") == 0  # which rounds to certainty in six digits
    assert "each with confidence 0.999999999. " in " ".join(capsys.readouterr().out.split())
    assert found["all"]["settings"]["alpha_for"] == "all"
    each, together = (found[points]["certified_accuracy"] for points in ("each", "all"))
    assert sum(together.values()) < sum(each.values())


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert call(monkeypatch, *SMALL, *arguments) == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--alpha", "1e-300"], "each with confidence 1 - 1e-300. "),
        (["--keep", "0.5"], "All 50 points have the label 0: unless all are of that class, the base learner tells no"),
        (
            ["--trigger", "blend", "--trigger-size", "9", "--sigma", "1"],
            "trigger moves inputs from [0, 1] to [-0.98, 1.9]",
        ),
    ],
)
def test_what_a_reader_would_not_think_of_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    said = told(monkeypatch, capsys, *arguments)
    assert words in said
    assert "confidence 1." not in said
    assert words not in told(monkeypatch, capsys)


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_a_finished_run_that_is_extended_is_bounded_for_all_numbers_of_models(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Who sees a result and then asks for more has looked: Clopper-Pearson does not hold for where he stops."""
    words, out = (
        "A finished run was extended, so these bounds hold at every number of models.",
        ("--out", str(tmp_path)),
    )
    assert words not in told(monkeypatch, capsys, *out)
    assert words not in told(monkeypatch, capsys, *out)  # the same once more
    for models in ("128", "128"):  # and so it stays
        assert words in told(monkeypatch, capsys, *out, "--models", models)
        assert json.loads((tmp_path / "result.json").read_text())["settings"]["watched"]
    votes = Votes.load(tmp_path / "votes.npz")
    lines = list(csv.DictReader((tmp_path / "points.csv").open()))
    assert np.array([float(line["miss"]) for line in lines]) == pytest.approx(anytime(votes.counts, 0.001).miss)
    assert words not in told(monkeypatch, capsys, *out, "--models", "192", "--seed", "1")  # other models
    (tmp_path / "votes.npz").write_bytes(b"damaged")
    assert words not in told(monkeypatch, capsys, *out, "--models", "256")


def test_names_with_brackets_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    data = load("digits", view="unit", side=8, classes=(0, 1), rows=40, points=10)
    data = data.replace(name="a[/b]c", classes=("[red]", "[/]"))
    poisoning, smoothing = Poisoning(BadPatch(2), 0, 0.1), Smoothing(features=Gaussian(0.5), test=Gaussian(0.5))
    print_reports({"noise": report(Experiment(data, poisoning, smoothing, num_models=20).run())})
    assert "a[/b]c, classes [red] [/]: " in capsys.readouterr().out
    found = recipes.compare(data, [1], [1], num_models=20, contenders=CONTENDERS[:1])
    rows = tuple(replace(row, method=f"[/{row.method}]", noise="[/]") for row in found.rows)
    print_comparison(replace(found, rows=rows))
    said = capsys.readouterr().out
    assert "a[/b]c, classes [red] [/]: " in said
    assert "[/Wang et al., tied]" in said


@pytest.mark.slow
def test_the_same_command_gives_the_same_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert call(monkeypatch, *SMALL, "--defence", "noise", "--out", str(tmp_path / name)) == 0
    for name in ("votes.npz", "points.csv", "certified.svg", "certified.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


@pytest.mark.parametrize(
    "arguments",
    [
        ["--keep-features", "0.6", "--keep-labels", "3/5", "--keep-test", "0.8"],
        ["--sigma", "0.5"],
        ["--sigma", "0.5", "--keep-labels", "0.8", "--learner", "lda"],
        ["--learner", "mlp", "--side", "8"],
        ["--trigger", "one-pixel", "--trigger-size", "1", "--sigma", "0.5"],
        ["--trigger", "four-pixel", "--trigger-size", "2", "--sigma", "0.5"],
        ["--trigger", "blend", "--trigger-size", "1", "--sigma", "0.5"],
        ["--clean-label"],
        ["--centre", "poisoned"],
        ["--poison-rate", "0"],
        ["--classes", "3", "5", "8", "--target", "2"],
        ["--dataset", "breast_cancer", "--keep", "0.9"],
        ["--keep", "1"],
        ["--keep", "0"],
        ["--sigma", "1e-20", "--side", "8"],
    ],
    ids=" ".join,
)
@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_every_option_works(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    assert call(monkeypatch, *SMALL, *arguments) == 0


def test_every_option_reaches_the_experiment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An option that is read and forgotten would certify something else than was asked."""
    seen: list[tuple[Experiment, Path | None]] = []

    def stream(asked: Experiment, folder: Path | None, executor: object) -> None:
        seen.append((asked, folder))
        raise InputError("seen", "stop")

    def ask(line: str) -> Experiment:
        assert call(monkeypatch, *line.split()) == 2
        return seen[-1][0]

    monkeypatch.setattr(Experiment, "stream", stream)
    data = "--classes 3 5 8 --rows 90 --points 30 --seed 5"
    found = ask(
        f"{data} --trigger-size 2 --poison-rate 0.2 --target 2 --clean-label --keep 0.9 --keep-features 0.6 "
        f"--keep-labels 0.7 --keep-test 0.8 --learner lda --models 77 --alpha 0.01 --alpha-for all --centre poisoned "
        f"--device cpu --out {tmp_path}"
    )
    three = load("digits", classes=("3", "5", "8"), rows=90, points=30, seed=5)
    expected = Experiment(
        three, Poisoning(BadPatch(2), 2, 0.2, relabel=False), Smoothing(None, Flip("0.6"), Flip("0.7", 3), Flip("0.8")),
        LDA(), 77, 0.01, 5, "cpu", "poisoned", "all"
    )  # fmt: skip
    assert found.dataset.fingerprint() == three.fingerprint()
    assert replace(found, dataset=three) == expected
    assert seen[-1][1] == tmp_path / "votes"
    plain = ask(data)
    assert plain.poisoning == Poisoning(BadPatch(3), 0, 0.05)
    assert plain.smoothing == Smoothing(features=Flip("0.8"), labels=Flip("0.8", 3), test=Flip("0.8"))
    assert (plain.num_models, plain.alpha, plain.centre, plain.points) == (1000, 0.001, "clean", "each")
    assert seen[-1][1] is None
    noise = Gaussian(0.5)
    assert ask(f"{data} --sigma 0.5").smoothing == Smoothing(features=noise, test=noise)
    bags = ask(f"{data} --sigma 0.5 --keep-labels 0.7 --bag 20 --trigger one-pixel --trigger-size 1")
    assert bags.smoothing == Smoothing(Bagging(20), noise, Flip("0.7", 3), noise)
    assert bags.poisoning.trigger == Pixels.one((28, 28), 1.0)
    small = ask(f"{data} --side 8").dataset
    assert (
        small.fingerprint() == load("digits", side=8, classes=("3", "5", "8"), rows=90, points=30, seed=5).fingerprint()
    )
    assert ask(f"{data} --keep 1 --bag 20").smoothing == Smoothing(rows=Bagging(20))
    guarded = ask(f"{data} --defence bags --trigger-size 2 --models 77 --alpha-for all --centre poisoned")
    assert guarded.smoothing == Smoothing(rows=ClassBagging.of(three))
    assert guarded.triggers[:2] == (AnyPatch(2), AnyPatch(1))
    assert (guarded.num_models, guarded.points, guarded.centre, guarded.seed) == (77, "all", "poisoned", 5)
    own = ask(f"{data} --defence bags --bag 12 --learner lda")
    assert (own.smoothing, own.learner) == (Smoothing(rows=Bagging(12)), LDA())
    assert ask(f"{data} --defence both --learner lda").learner == LDA()
    assert ask(f"{data} --keep 1").smoothing == Smoothing(None, Flip(1), Flip(1, 3), Flip(1))


BAD = [
    (["--dataset", "letters"], "letters"),
    (["--classes", "1", "12"], "12"),
    (["--classes", "1"], "two"),
    (["--keep", "1.2"], "from 0 to 1"),
    (["--keep", "often"], "probability"),
    (["--keep-labels", "-0.1"], "from 0 to 1"),
    (["--sigma", "0"], "from 1e-20"),
    (["--sigma", "-1"], "from 1e-20"),
    (["--sigma", "1e300"], "to 1e18"),
    (["--sigma", "1e-300"], "from 1e-20"),
    (["--bag", "100000000000"], "at most 2040"),
    (["--sigma", "0.5", "--keep-test", "0.8"], "--keep-test"),
    (["--sigma", "0.5", "--keep", "0.9"], "leave out --keep, --keep-features and --keep-test"),
    (["--keep", "1e-4000"], "keep is '1e-4000'"),
    (["--keep", "0.5" + "0" * 299 + "1"], "too many digits to certify"),
    (["--poison-rate", "0.001"], "a poison rate of 0.001 of 204 rows is no row: give 0, or 0.0049"),
    (["--models", "20000000"], "10,000,000"),
    (["--models", "0"], "from 1"),
    (["--poison-rate", "1.5"], "from 0 to 1"),
    (["--poison-rate", "-0.1"], "from 0 to 1"),
    (["--trigger", "star"], "choose 'patch'"),
    (["--trigger-size", "29"], "larger than"),
    (["--trigger-size", "2.5"], "whole number"),
    (["--dataset", "breast_cancer", "--trigger-size", "0"], "give 1 to 30 for this table"),
    (["--dataset", "breast_cancer", "--trigger-size", "31"], "give 1 to 30 for this table"),
    (["--target", "5"], "5"),
    (["--defence", "luck"], "--defence is 'luck': choose 'noise' or 'bags' or 'both'"),
    (["--defence", "bags", "--keep-test", "0.8"], "--keep-test is for noise, and bags noise nothing"),
    (["--defence", "bags", "--learner", "mlp"], "reach"),
    (["--alpha", "0"], "alpha"),
    (["--alpha", "1"], "alpha"),
    (["--alpha-for", "some"], "--alpha-for is 'some': choose 'each' or 'all'"),
    (["--learner", "oracle"], "'linear' or 'robust' or 'lda' or 'mlp'"),
    (["--centre", "middle"], "--centre is 'middle': choose 'clean' or 'poisoned'"),
    (["--seed", "-1"], "seed"),
    (["--device", "abacus"], "auto"),
    (["--rows", "100000"], "rows"),
    (["--points", "0"], "points"),
    (["--trigger", "blend"], "unit"),
    (["--scheduler", "nowhere"], "no dask scheduler"),
    (["--scheduler", "tls://127.0.0.1:1"], "no dask scheduler answers at 'tls://127.0.0.1:1' (TypeError)"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD, ids=[" ".join(a) for a, _ in BAD])
def test_bad_input_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert call(monkeypatch, *arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith("rsbd: ")
    assert said.err.count("\n") == 1
    assert words in said.err
    assert "\n\n" not in said.out  # no table: nothing was computed


def test_data_that_is_not_there_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("RSBD_DATA", str(tmp_path))
    assert call(monkeypatch, "--dataset", "mnist") == 2
    assert "rsbd data download mnist" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_found_out_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    folders = [file, file / "below"]
    if os.geteuid() != 0:  # root may write anywhere
        locked = tmp_path / "locked"
        locked.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
        folders.append(locked)
    for folder in folders:
        assert call(monkeypatch, "--out", str(folder)) == 2
        said = capsys.readouterr()
        assert "cannot be written" in said.err
        assert not said.out


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_bags_alone_with_flips_and_with_gaussian_noise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ways = {"alone": ["--keep", "1"], "flips": ["--keep", "0.9"], "gaussian": ["--sigma", "0.5"]}
    for name, noise in ways.items():
        out = tmp_path / name
        small = ["--points", "50", "--models", "256", "--bag", "20", "--trigger-size", "1"]
        assert call(monkeypatch, *small, *noise, "--out", str(out)) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert "Certified accuracy by number of training rows changed, inserted or removed" in said
        assert f"trigger ({'L2 length' if name == 'gaussian' else 'pixels'})" in said
        assert ("trigger on the test input is not covered" in said) == (name == "alone")
        found = json.loads((out / "result.json").read_text())
        assert (found["norm"], found["slots"]) == ("rows", ["rows"])
        assert found["certified_accuracy"]["1"] > 0.5
        assert found["against_this_attack"]["budget"] == found["against_this_attack"]["threat"]["rows"]
        assert "radius" in (out / "points.csv").read_text()
