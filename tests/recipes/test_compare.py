"""Every method on one footing: the right certificates, honest reasons, a fair budget, a search without test labels."""

from __future__ import annotations

import csv
import json
import threading
from concurrent.futures import CancelledError
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rsbd import bounds
from rsbd.certify import certify
from rsbd.course.lecture.handout import write_handout
from rsbd.course.lecture.pages import write_pages
from rsbd.data import Dataset, load
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.evasion import AnyPatch, AnyPixels
from rsbd.files import read_arrays, write_arrays
from rsbd.learners import LDA, MLP
from rsbd.noises import Bagging, ClassBagging, Flip, Gaussian, Partition, Uniform
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes import bagflip, bagging, cohen, compare, dpa, fpa, pecan, rab, rab_knn, rosenfeld, wang
from rsbd.recipes.contest import (
    CONTENDERS,
    Comparison,
    ComparisonRow,
    Contender,
    Trial,
    as_measured,
    refusal,
    threat_map,
    voted,
)
from rsbd.recipes.contest.search import Trials, both_views
from rsbd.recipes.contest.threats import attacked_slots

MODELS = 60
BY_NAME = {contender.name: contender for contender in CONTENDERS}
BACKDOOR = ("features", "labels", "test")


@pytest.fixture(scope="module")
def unit() -> Dataset:
    return load("digits", side=8, view="unit", classes=(0, 1), rows=120, points=40)


@pytest.fixture(scope="module")
def binary() -> Dataset:
    return load("digits", side=8, classes=(0, 1), rows=120, points=40)


def proof(name: str, data: Dataset, defence: Smoothing | Partition) -> Any:
    return BY_NAME[name].prove(Trial(data, defence, MODELS, 0.01, "all", seed=7))


# -- threats


def test_the_map_holds_every_threat_once_by_what_it_changes() -> None:
    found = threat_map([0, 1, 5], [0, 1, 2], (True, False), (True, False))
    assert sorted(found) == sorted(
        [
            ("labels",),
            ("test",),
            ("features",),
            ("features", "labels"),
            ("features", "test"),
            ("features", "labels", "test"),
        ]
    )
    assert found["labels",] == (Threat(1, 0, True, False), Threat(5, 0, True, False))
    assert found["test",] == (Threat(0, 1, False, True), Threat(0, 2, False, True))
    assert all(len(set(group)) == len(group) == 4 for what, group in found.items() if len(what) > 1)
    assert all(attacked_slots(threat) == what for what, group in found.items() for threat in group)
    assert attacked_slots(Threat(rows=0, trigger=1)) == ("test",)


def test_a_threat_is_measured_by_the_noise_that_it_meets() -> None:
    noise = Smoothing(features=Gaussian(1.0), labels=Flip(0.8), test=Uniform(2))
    assert as_measured(Threat(3, 4), noise).trigger == {"features": 2.0, "test": 4}
    for pixels in range(1, 200):
        length = as_measured(Threat(1, pixels), noise).trigger_on("features")
        assert pixels <= Fraction(length) ** 2 < pixels * (1 + Fraction(1, 10**15))
        assert np.linalg.norm(np.ones(pixels)) <= length * (1 + 1e-15)


REFUSED = {
    "RAB": {"labels", "test"},
    "RAB, Hoeffding": {"labels", "test"},
    "RAB, 1-neighbour": {"labels", "test"},
    "Rosenfeld et al.": {"features", "test"},
    "Cohen et al.": {"features", "labels"},
    "DPA": {"test"},
    "Finite Aggregation": {"test"},
    "bagging": {"test"},
    "FPA": {"labels"},
}


@pytest.mark.parametrize("name", list(BY_NAME))
def test_reasons_name_what_is_not_noised_and_only_where_it_changes(name: str, binary: Dataset) -> None:
    threats = threat_map([0, 2], [0, 1], (True, False), (True, False))
    for attack, group in threats.items():
        for defence in BY_NAME[name].defences(binary, attack):
            for threat in group:
                reason = BY_NAME[name].refuses(defence, threat, binary.num_rows)
                missing = REFUSED.get(name, set()) & set(attack)
                assert (reason is not None) == bool(missing), (defence, threat)
                if reason is not None:
                    assert "no noise" in reason or name == "FPA"
                    assert any(f"training {slot}" in reason or f"{slot} input" in reason for slot in missing)
                    assert ":" not in reason


# -- the certificates are those of the recipes


@pytest.mark.parametrize(
    "threat", [Threat(2, 1, False, False), Threat(1, 0, True, False), Threat(0, 1, False, True), Threat(1, 1)]
)
def test_certificates_are_those_of_the_recipes_called_by_hand(threat: Threat) -> None:
    unit, binary = (
        load("digits", side=8, view=view, classes=(0, 1, 2), rows=120, points=40) for view in ("unit", "binary")
    )
    level: dict[str, Any] = {"alpha": 0.01, "points": "all", "seed": 7}
    common = {"num_models": MODELS, **level}
    by_hand = {
        "Wang et al., tied": (binary, wang(binary, 0.85, **common)),
        "flips per slot": (binary, wang(binary, keep_features=0.7, keep_labels=0.8, keep_test=0.9, **common)),
        "RAB": (unit, rab(unit, 2.0, **common)),
        "RAB, Hoeffding": (unit, rab(unit, 2.0, bound="hoeffding", **common)),
        "RAB, 1-neighbour": (unit, rab_knn(unit, 2.0)),
        "Rosenfeld et al.": (unit, rosenfeld(unit, 0.8)),
        "bagging": (binary, bagging(binary, 10, **common)),
        "BagFlip": (binary, bagflip(binary, 20, 0.9, **common)),
        "Cohen et al.": (unit, cohen(unit, 0.5, num_copies=54, num_selection=6, **level)),
    }
    compared = 0
    for name, (data, recipe) in by_hand.items():
        if refusal(recipe.smoothing, threat, data.num_rows):
            continue
        found = proof(name, data, recipe.smoothing)
        expected = recipe.certify(as_measured(threat, recipe.smoothing))
        assert np.array_equal(found.label, recipe.bounds.label), name
        assert np.array_equal(found.bounds.miss, recipe.bounds.miss), name
        assert np.array_equal(found.bounds.runner_up, recipe.bounds.runner_up), name
        assert np.array_equal(found.certified(threat), expected), name
        compared += 1
    assert compared >= 3


def test_dealt_rows_count_twice_unless_only_the_label_changes(unit: Dataset) -> None:
    for name, partition in (("DPA", Partition(20)), ("Finite Aggregation", Partition(10, 2))):
        recipe = dpa(unit, partition.parts, spread=partition.spread, seed=7)
        found = proof(name, unit, partition)
        for rows in range(8):
            changed = recipe.changed.radius >= rows
            assert np.array_equal(found.certified(Threat(rows, 3, True, False)), changed)
            assert np.array_equal(found.certified(Threat(rows, 3, False, False)), changed)
            relabelled = recipe.certificate.radius >= rows
            assert np.array_equal(found.certified(Threat(rows, 0, True, False)), relabelled)


def test_the_table_holds_what_certify_says(unit: Dataset, binary: Dataset) -> None:
    found = compare(unit, [1], [1], num_models=MODELS, seed=3, contenders=[BY_NAME["bags + test flips"]])
    (row,) = found.against(BACKDOOR)
    size, keep = next(
        (size, keep)
        for size in (10, 20, 50, 100)
        for keep in (0.65, 0.7, 0.8, 0.9)
        if row.noise == f"bags of {size}; keep: test {keep:g}"
    )
    noise = Smoothing(rows=Bagging(size), test=Flip(keep))
    run = Trial(binary, noise, MODELS, 0.001, "each", seed=3)
    evidence = bounds.simultaneous(run.collect(_learner()).counts, 0.001)
    held = certify(evidence, noise, Threat(1, 1), 120) & (evidence.label == binary.y_test)
    assert row.certified == (pytest.approx(held.mean()),)
    assert row.clean == pytest.approx((evidence.label == binary.y_test).mean())


def test_one_learner_for_all_is_the_one_that_was_given(unit: Dataset, binary: Dataset) -> None:
    learner = MLP(hidden=(4,), epochs=1)
    common: dict[str, Any] = {"learner": learner, "seed": 7}
    by_hand = {
        "Wang et al., tied": (binary, wang(binary, 0.85, num_models=MODELS, **common)),
        "RAB": (unit, rab(unit, 2.0, num_models=MODELS, **common)),
        "Cohen et al.": (unit, cohen(unit, 0.5, num_copies=54, num_selection=6, **common)),
    }
    for name, (data, recipe) in by_hand.items():
        given, own = (
            BY_NAME[name].prove(Trial(data, recipe.smoothing, MODELS, 0.001, "each", 7, one)).bounds.miss
            for one in (learner, None)
        )
        assert np.array_equal(given, recipe.bounds.miss), name
        assert not np.array_equal(own, recipe.bounds.miss), name
    dealt = BY_NAME["DPA"].prove(Trial(unit, Partition(4), MODELS, 0.001, "each", 7, learner))
    for other, same in ((dpa(unit, 4, **common), True), (dpa(unit, 4), False)):
        radius = [np.array_equal(dealt.certified(Threat(r, 0)), other.certificate.radius >= r) for r in range(5)]
        assert all(radius) == same


def test_noise_to_try_fits_the_data_and_each_is_tried_once() -> None:
    three = load("digits", side=8, view="gray", classes=(0, 1, 2), rows=120, points=9)
    for name, contender in BY_NAME.items():
        for defence in contender.defences(three, BACKDOOR):
            for slot, noise in getattr(defence, "slots", {}).items():
                values = getattr(noise, "values", None)
                assert values in (None, 3 if slot == "labels" else 17), (name, defence)
    assert len(list(BY_NAME["flips per slot"].defences(three, ("labels",)))) == 3


def test_each_method_is_certified_by_its_own_bound_at_the_alpha_asked_for(unit: Dataset, tmp_path: Path) -> None:
    """RAB twice: the same noise and votes, two bounds; and that noise once more, with another learner's votes."""
    names, noise = ({"RAB": "clopper-pearson", "RAB, Hoeffding": "hoeffding"}, Smoothing(features=Gaussian(1.0)))
    contenders = [replace(BY_NAME[name], grid={"sigma": (1.0,)}) for name in names]
    own = replace(BY_NAME["Gaussian + flips"], grid={"features": (1.0,), "labels": (0.7,), "test": (0.5,)})
    plain, found = collect(unit, noise, LDA(), unit.x_test, 500, 5).counts, []
    for alpha, points in ((0.001, "each"), (0.3, "each"), (0.3, "all")):
        common: dict[str, Any] = {"num_models": 500, "seed": 5, "alpha": alpha, "points": points, "store": tmp_path}
        threats = {"rows": [1, 2], "triggers": [1, 2, 3], "relabel": [False], "on_test": [False]}
        for row in compare(unit, **threats, contenders=[own, *contenders], **common).rows:
            if row.method in names:
                evidence = rab(unit, 1.0, bound=names[row.method], **common).bounds
            else:
                evidence = bounds.simultaneous(plain, alpha, points=points)
            held = [certify(evidence, noise, as_measured(threat, noise)) for threat in row.threats]
            assert row.certified == pytest.approx([(one & (evidence.label == unit.y_test)).mean() for one in held])
            found.append(row.certified)
    assert len(set(found)) == len(found)


def _learner() -> object:
    from rsbd.learners import Linear

    return Linear()


# -- a fair search


@pytest.fixture(scope="module")
def few() -> list[Contender]:
    return [
        BY_NAME[name]
        for name in ("Wang et al., tied", "RAB", "RAB, Hoeffding", "Rosenfeld et al.", "Cohen et al.", "DPA", "bagging")
    ]


def test_selection_never_sees_test_labels_or_test_points(unit: Dataset, few: list[Contender]) -> None:
    rng = np.random.default_rng(0)
    wrong = unit.replace(y_test=rng.permutation(unit.y_test))
    other = unit.replace(x_test=np.ascontiguousarray(unit.x_test[::-1, ::-1]), y_test=unit.y_test[::-1])
    first, *others = [compare(data, [1], [0, 1], num_models=MODELS, contenders=few) for data in (unit, wrong, other)]
    for second in others:
        for row, again in zip(first.rows, second.rows, strict=True):
            assert (row.noise, row.validated, row.tried) == (again.noise, again.validated, again.tried)
    assert [row.certified for row in first.rows] != [row.certified for row in others[0].rows]


def test_the_chosen_noise_is_the_best_of_the_grid_on_validation(unit: Dataset) -> None:
    rosenfeld_ = BY_NAME["Rosenfeld et al."]
    found = compare(unit, [1, 3], [0], on_test=[False], num_models=MODELS, contenders=[rosenfeld_], seed=5)
    (row,) = found.rows
    held = np.random.default_rng(5).permutation(120)[:30]
    rest = np.setdiff1d(np.arange(120), held)
    part = unit.replace(x=unit.x[rest], y=unit.y[rest], x_test=unit.x[held], y_test=unit.y[held])
    scores = {}
    for keep in rosenfeld_.grid["keep"]:
        one = rosenfeld(part, keep)
        scores[f"keep: labels {keep:g}"] = np.mean([one.certificate.accuracy(part.y_test, r) for r in (1, 3)])
    assert row.validated == pytest.approx(max(scores.values()))
    assert scores[row.noise] == pytest.approx(row.validated)
    assert row.tried == len(scores)


def test_votes_that_prove_are_not_those_that_picked(unit: Dataset, tmp_path: Path) -> None:
    only = [Contender("one", "", "binary", {"keep": (0.9,)}, lambda d, a, keep: Smoothing(test=Flip(keep)), voted())]
    compare(unit, [0], [1], num_models=MODELS, contenders=only, store=tmp_path)
    manifests = []
    for file in tmp_path.glob("*.npz"):
        with np.load(file) as votes:
            manifests.append(json.loads(votes["manifest"].tobytes()))
    assert sorted(manifest["seed"] for manifest in manifests) == [0, 1]
    assert len({manifest["dataset"] for manifest in manifests}) == 2


@pytest.mark.slow
def test_budgets_are_equal_and_said(unit: Dataset) -> None:
    found = compare(unit, [1], [1], relabel=[False], on_test=[False], num_models=MODELS)
    models = {row.method: row.models for row in found.rows if row.certified is not None}
    assert models.pop("RAB, 1-neighbour") == 1
    assert models.pop("DPA") <= MODELS
    assert models.pop("Finite Aggregation") <= MODELS
    assert models.pop("PECAN") <= MODELS
    assert models.pop("FPA") <= MODELS
    assert set(models.values()) == {MODELS}
    poor = compare(unit, [1], [1], relabel=[False], on_test=[False], num_models=5, contenders=[BY_NAME["DPA"]])
    assert poor.rows[0].certified is None
    assert poor.rows[0].reason == "it trains 20 models or more, and the budget is 5"
    (lean,) = compare(unit, [1], [1], relabel=[False], on_test=[False], num_models=30, contenders=[BY_NAME["DPA"]]).rows
    assert (lean.models, lean.tried) == (20, 1)  # 50 parts and more are out of reach


def test_a_new_method_is_one_entry(unit: Dataset) -> None:
    uniform = Contender(
        "uniform", "Weber et al. 2023", "unit", {"width": (1.0, 4.0)},
        lambda data, attack, width: Smoothing(features=Uniform(width)), voted()
    )  # fmt: skip
    found = compare(unit, [1], [1], on_test=[False], num_models=MODELS, contenders=[uniform])
    by_attack = {row.attack: row for row in found.rows}
    assert by_attack["features",].certified is not None
    assert "training labels" in str(by_attack["features", "labels"].reason)


# -- running it


def test_an_interrupted_comparison_goes_on_and_ends_the_same(
    unit: Dataset, few: list[Contender], tmp_path: Path
) -> None:
    def run(**options: object) -> object:
        return compare(unit, [1], [1], num_models=MODELS, contenders=few, **options)

    stop = threading.Event()
    with pytest.raises(CancelledError):
        run(store=tmp_path, cancel=stop, progress=lambda done, *_: stop.set() if done == 3 else None)
    kept = set(tmp_path.glob("*.npz"))
    assert kept
    before = {file: file.stat().st_mtime_ns for file in kept}
    resumed = run(store=tmp_path)
    assert {file: file.stat().st_mtime_ns for file in kept} == before
    assert resumed == run()


def test_progress_counts_up_to_the_end(unit: Dataset, few: list[Contender]) -> None:
    told: list[tuple[int, int, str]] = []
    found = compare(unit, [1], [1], num_models=MODELS, contenders=few, progress=lambda *now: told.append(now))
    done, totals, words = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert len(set(totals)) == 1
    assert done[-1] == totals[0]
    assert {row.method for row in found.rows if row.certified is not None} == {*words} - {"done"}


def test_files_hold_what_was_found(unit: Dataset, few: list[Contender], tmp_path: Path) -> None:
    found = compare(unit, [1], [0, 1], num_models=MODELS, contenders=few)
    paths = found.write(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["result.json", "comparison.csv", "comparison.png", "comparison.svg"]
    saved = json.loads(paths[0].read_text())
    assert [row["method"] for row in saved["rows"]] == [row.method for row in found.rows]
    assert Comparison.load(paths[0]) == found
    assert {"models", "alpha", "objective", "fingerprint", "seed"} <= set(saved["settings"])
    records = list(csv.DictReader(paths[1].open()))
    assert len(records) == sum(len(row.threats) for row in found.rows)
    for record, row in zip(records, found, strict=True):
        assert record["method"] == row["method"]
        assert (record["certified"] == "") == (row["reason"] is not None)
    assert all(path.stat().st_size > 500 for path in paths)


def test_the_home_folder_is_meant_by_all_that_write_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    one = ComparisonRow("one", "", ("features",), (Threat(1, 2, False, False),), reason="cannot")
    found = Comparison((one,), {"seed": 1})
    paths = found.write("~/new/folder")
    assert {path.parent for path in paths} == {tmp_path / "new" / "folder"}
    assert all(path.is_file() for path in paths)
    assert Comparison.load("~/new/folder/result.json") == found
    write_arrays("~/new/a.npz", {"a": np.arange(3)})
    assert read_arrays("~/new/a.npz")["a"].tolist() == [0, 1, 2]
    assert write_pages("~/pages", ())[0].is_file()
    assert write_handout("~/paper/handout.html", ())[0].is_file()
    assert not (tmp_path / "~").exists()


def test_votes_that_choose_the_noise_are_kept_apart_from_those_that_prove(unit: Dataset) -> None:
    search, proof = Trials(Trial(unit, Smoothing(), MODELS, 0.001, "each", seed=0)).halves
    assert all(a.known is not b.known for a in search.values() for b in proof.values())


def test_every_number_stays_with_its_threat(tmp_path: Path) -> None:
    threats = Threat(1, 2, True, False), Threat(5, 3, True, False)
    attack = ("features", "labels")
    one = ComparisonRow("one", "", attack, threats, (0.9, 0.4), noise="n", models=7, clean=0.95, tried=3, validated=0.8)
    found = Comparison((one, ComparisonRow("other", "", attack, threats, reason="cannot")), {"seed": 1})
    path, table, *_ = found.write(tmp_path)
    assert Comparison.load(path) == found
    for records in (list(found), list(csv.DictReader(table.open()))):
        said = [tuple(str(record[key]) for key in ("method", "rows", "trigger", "certified")) for record in records]
        assert said[:2] == [("one", "1", "2", "0.9"), ("one", "5", "3", "0.4")]
        assert [row[:3] for row in said[2:]] == [("other", "1", "2"), ("other", "5", "3")]
    ax = found.plot()
    assert [(text.get_text(), *text.get_position()) for text in ax.texts[:2]] == [("90", 0, 0), ("40", 1, 0)]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1\n2", "5\n3"]


def test_a_file_that_is_no_comparison_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file of a comparison at"):
        Comparison.load(tmp_path / "none.json")
    for text in ("{", "[]", '{"rows": [{"attack": []}], "settings": {}}'):
        (tmp_path / "other.json").write_text(text)
        with pytest.raises(InputError, match="is not a whole file of a comparison"):
            Comparison.load(tmp_path / "other.json")


def test_the_figure_shows_every_cell(unit: Dataset, few: list[Contender]) -> None:
    found = compare(unit, [1], [1], num_models=MODELS, contenders=few)
    ax = found.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == [contender.name for contender in few]
    faced = [row for row in found.rows if row.certified is not None]
    shown = [text.get_text() for text in ax.texts]
    for row in faced:
        assert f"{100 * row.certified[0]:.0f}" in shown
    assert len(ax.patches) == len(found.rows)
    assert sum(bool(cell.get_hatch()) for cell in ax.patches) == len(found.rows) - len(faced)
    assert found.plot(ax=found.plot()) is not ax


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": [0], "triggers": [0]}, "no threat changes anything"),
        ({"rows": [121]}, "there are 120"),
        ({"rows": [-1]}, "rows is -1"),
        ({"triggers": [1.5]}, "whole number"),
        ({"triggers": [-1]}, "a whole number from 0"),
        ({"triggers": [65]}, "the trigger is any 65 pixels, but an input has 64"),
        ({"triggers": [AnyPatch(9)]}, "any 9x9 patch anywhere does not fit"),
        ({"num_models": 0}, "0 models"),
        ({"alpha": 0.0}, "alpha is 0.0"),
        ({"points": "some"}, "'each'"),
        ({"validation": 0.0}, "validation share"),
        ({"validation": 1.0}, "validation share"),
        ({"validation": float("nan")}, "validation share"),
        ({"validation": 0.001}, "leaves 0 of 120"),
        ({"contenders": []}, "there are none"),
        ({"contenders": [CONTENDERS[0]] * 2}, "one name"),
        ({"seed": -1}, "seed"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_settings_are_one_sentence(unit: Dataset, change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        compare(unit, **({"rows": [1], "triggers": [1], "num_models": MODELS} | change))


def test_inputs_off_the_scale_are_refused(unit: Dataset) -> None:
    with pytest.raises(InputError, match="scale them"):
        both_views(unit.replace(x=unit.x * 2))


def test_views_agree_with_those_of_the_loader(unit: Dataset, binary: Dataset) -> None:
    seen = both_views(unit)
    assert seen["binary"].fingerprint() == binary.fingerprint()
    assert seen["unit"].fingerprint() == unit.fingerprint()
    assert both_views(load("digits", side=8, view="gray", classes=(0, 1), rows=120, points=40))["unit"].values is None


def test_bags_with_flips_on_the_test_input_are_the_exact_law_of_every_outcome() -> None:
    """The combination that no paper has: all bags of rows, all noised test inputs, the worst event by enumeration."""
    num_rows, size, keep, pixels = 4, 2, Fraction(4, 5), 2
    noise = Smoothing(rows=Bagging(size), test=Flip(keep))

    def law(rows: list[str], point: tuple[int, ...]) -> dict[tuple[object, ...], Fraction]:
        chances: dict[tuple[object, ...], Fraction] = {}
        for bag in product(rows, repeat=size):
            for seen in product((0, 1), repeat=pixels):
                flips = prod(keep if a == b else 1 - keep for a, b in zip(point, seen, strict=True))
                key = (*bag, *seen)
                chances[key] = chances.get(key, Fraction(0)) + flips / num_rows**size
        return chances

    before = law(["a", "b", "c", "d"], (0, 0))
    for poisoned, triggered in product(range(3), range(pixels + 1)):
        rows = ["x", "y"][:poisoned] + ["a", "b", "c", "d"][poisoned:]
        after = law(rows, tuple(int(i < triggered) for i in range(pixels)))
        keys = {*before, *after}
        ratios = sorted(keys, key=lambda k: (before.get(k, 0) > 0, -after.get(k, 0) / max(before.get(k, 0), 1e-9)))
        claimed = noise.tradeoff(Threat(poisoned, triggered), num_rows)
        for share in (Fraction(0), Fraction(1, 50), Fraction(1, 10), Fraction(1, 3), Fraction(4, 5)):
            left, reached = share, Fraction(0)
            for key in ratios:  # Neyman and Pearson: the outcomes that the attack makes likeliest, first
                part = min(left, p) / p if (p := before.get(key, Fraction(0))) else Fraction(1)
                reached, left = reached + part * after.get(key, Fraction(0)), left - part * p
            assert claimed.upper(share) == reached, (poisoned, triggered, share)


# -- triggers that votes are held against


def test_a_patch_is_pixels_for_noise_and_a_patch_for_kept_votes() -> None:
    flips, bags = Smoothing(features=Flip(0.8), test=Gaussian(1.0)), Smoothing(rows=Bagging(5))
    threat = Threat(2, AnyPatch(3))
    assert as_measured(threat, flips, channels=3).trigger == {"features": 27, "test": pytest.approx(27**0.5)}
    assert as_measured(threat, bags, kept=True).trigger == {"features": 9, "test": AnyPatch(3)}
    assert as_measured(Threat(2, 4), bags, kept=True).trigger == {"features": 4, "test": AnyPixels(4)}
    assert as_measured(Threat(2, 4, on_test=False), bags, kept=True).trigger == {"features": 4, "test": 4}
    found = threat_map([0, 5], [0, AnyPatch(3)], (True,), (True, False))
    assert found["test",] == (Threat(0, AnyPatch(3), False, True),)
    assert found["features", "labels"] == (Threat(5, AnyPatch(3), True, False),)
    assert found[BACKDOOR] == (Threat(5, AnyPatch(3)),)


TRIGGERS = (AnyPixels(2), AnyPatch(2))


@pytest.mark.parametrize("classes", [(0, 1), (0, 1, 2)])
def test_kept_votes_are_those_of_pecan(classes: tuple[int, ...]) -> None:
    data = load("digits", side=8, classes=classes, rows=120, points=40)
    bags = Smoothing(rows=ClassBagging.of(data, 1))
    trial = Trial(data, bags, MODELS, 0.01, "all", seed=7, triggers=TRIGGERS)
    found = BY_NAME["bags, kept votes"].prove(trial)
    by_hand = pecan(data, TRIGGERS, bags.rows, num_models=MODELS, alpha=0.01, points="all", seed=7)
    plain = bounds.simultaneous(by_hand.votes.counts, 0.01, runner_up=len(classes) > 2, points="all")
    assert np.array_equal(found.label, by_hand.bounds.label)
    for rows in (0, 2, 6):
        for threat, held in (
            (Threat(rows, 2), by_hand.held[AnyPixels(2)]),
            (Threat(rows, AnyPatch(2)), by_hand.held[AnyPatch(2)]),
        ):
            expected = certify(held, bags, Threat(rows, held.trigger), 120)
            assert np.array_equal(found.certified(threat), expected)
        free = certify(plain, bags, Threat(rows, on_test=False), 120)
        for threat in (Threat(rows, 2, on_test=False), Threat(rows, AnyPatch(2), on_test=False), Threat(rows, 0)):
            assert np.array_equal(found.certified(threat), free)
    smaller = found.certified(Threat(2, AnyPatch(1)))
    assert (smaller >= found.certified(Threat(2, 2))).all()
    with pytest.raises(InputError, match="no vote was held against any 3x3 patch anywhere"):
        found.certified(Threat(2, AnyPatch(3)))


def test_parts_with_kept_votes_are_those_of_pecan(unit: Dataset) -> None:
    trial = Trial(unit, Partition(15), MODELS, 0.01, "each", seed=7, triggers=TRIGGERS)
    found = BY_NAME["PECAN"].prove(trial)
    by_hand, placed = pecan(unit, TRIGGERS, parts=15, seed=7), Partition(15, deal="position")
    in_place, by_place = (
        BY_NAME["PECAN"].prove(replace(trial, defence=placed)),
        pecan(unit, TRIGGERS, parts=placed, seed=7),
    )
    for rows in range(5):
        for trigger, threat in ((AnyPixels(2), Threat(rows, 2)), (AnyPatch(2), Threat(rows, AnyPatch(2)))):
            assert np.array_equal(found.certified(threat), by_hand.held[trigger].radius >= 2 * rows)
            dealt = by_place.held[trigger].radius >= rows  # changed in place, a row stays in its part
            assert np.array_equal(in_place.certified(threat), dealt)
    without = BY_NAME["PECAN"].prove(replace(trial, triggers=()))
    assert np.array_equal(without.certified(Threat(2, 3, on_test=False)), found.certified(Threat(2, 3, on_test=False)))


def test_fpa_counts_every_pixel_that_changes_anywhere(unit: Dataset) -> None:
    found = BY_NAME["FPA"].prove(Trial(unit, Partition(30), MODELS, 0.01, "each", seed=7))
    radius = fpa(unit, 30, seed=7).certificate.radius
    for threat, pixels in (
        (Threat(3, 2, False), 3 * 2 + 2),
        (Threat(3, 2, False, False), 3 * 2),
        (Threat(0, AnyPatch(2), False), 4),
        (Threat(2, AnyPatch(2), False), 12),
    ):
        assert np.array_equal(found.certified(threat), radius >= pixels)


def test_a_patch_is_compared_written_and_read_again(unit: Dataset, tmp_path: Path) -> None:
    some = [BY_NAME[name] for name in ("flips per slot", "bagging", "bags, kept votes", "FPA")]
    found = compare(unit, [3], [1, AnyPatch(2)], relabel=[True], num_models=MODELS, contenders=some)
    rows = {row.method: row for row in found.against(BACKDOOR)}
    assert rows["bags, kept votes"].threats == (Threat(3, 1), Threat(3, AnyPatch(2)))
    assert rows["bags, kept votes"].certified[1] > rows["flips per slot"].certified[1]
    assert "no noise" in str(rows["bagging"].reason)
    assert rows["FPA"].reason == "the threat changes the training labels, from which every model learns"
    path, table, *_ = found.write(tmp_path)
    assert Comparison.load(path) == found
    assert [record["trigger"] for record in csv.DictReader(table.open())][:2] == ["1", "2x2"]
    assert "3\n2x2" in [label.get_text() for label in found.plot().get_xticklabels()]
    again = compare(unit, [3], [1, AnyPatch(2)], relabel=[True], num_models=MODELS, contenders=some)
    assert again == found


def test_images_face_a_patch_unless_told_otherwise(unit: Dataset) -> None:
    kept = [replace(BY_NAME["bags, kept votes"], grid={"each": (1,)})]
    (row, *_) = compare(unit, [1], relabel=[True], on_test=[True], num_models=8, contenders=kept).against(BACKDOOR)
    assert [threat.trigger for threat in row.threats] == [1, 2, AnyPatch(3)]
    table = load("breast_cancer", view="unit", points=20)
    (row, *_) = compare(table, [1], relabel=[True], on_test=[True], num_models=8, contenders=kept).against(BACKDOOR)
    assert [threat.trigger for threat in row.threats] == [1, 2]
