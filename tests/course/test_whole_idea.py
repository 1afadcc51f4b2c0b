"""The page that holds the whole idea says what the library says, and stays one page."""

from __future__ import annotations

import ast
import re
import runpy
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binom

from rsbd.bounds import simultaneous
from rsbd.certify import radius
from rsbd.data import load
from rsbd.noises import Flip
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.tradeoff import flips

PAGE = Path(__file__).resolve().parents[2] / "notebooks" / "whole_idea.py"
KEEPS = [Fraction(k, 20) for k in (1, 7, 11, 13, 16, 18, 19)]
idea = SimpleNamespace(**runpy.run_path(str(PAGE)))


def everywhere(keep: Fraction) -> Smoothing:
    return Smoothing(features=Flip(keep), labels=Flip(keep), test=Flip(keep))


def test_it_is_one_page_without_the_library() -> None:
    text = PAGE.read_text("utf-8")
    modules = {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    assert len(text.splitlines()) <= 80
    assert modules == {"fractions", "math", "scipy", "sklearn.datasets"}
    assert re.findall(r"^import (.*)$", text, re.MULTILINE) == ["numpy as np"]


@pytest.mark.parametrize("keep", KEEPS)
def test_the_trade_off_is_exactly_that_of_the_library(keep: Fraction) -> None:
    for changes in range(8):
        law = flips(keep, values=2, changes=changes)
        for p in [Fraction(n, 64) for n in range(65)] + [Fraction(1, 10**20), law.threshold()]:
            assert idea.upper(p, keep, changes) == law.upper(p)


def test_changes_of_an_attacker_are_counted_as_the_library_counts_them() -> None:
    """3 images poisoned with 2 pixels and relabelled, and the trigger on the test image: 3 x 3 + 2 changes."""
    law = everywhere(Fraction(4, 5)).tradeoff(Threat(rows=3, trigger=2))
    assert law.upper(Fraction(1, 1000)) == idea.upper(Fraction(1, 1000), Fraction(4, 5), 11)


@pytest.mark.parametrize("alpha", [0.1, 0.001])
@pytest.mark.parametrize("num_models", [1, 10, 1000, 100_000])
def test_votes_prove_what_they_prove_in_the_library(num_models: int, alpha: float) -> None:
    agreed = np.unique(np.linspace(num_models // 2, num_models, 200).astype(int))
    counts = np.stack([num_models - agreed, agreed], axis=1)
    counts = np.concatenate([counts, counts[:, ::-1]])
    label, miss = idea.bound(counts, alpha)
    evidence = simultaneous(counts, alpha)
    assert np.array_equal(label, evidence.label)
    assert miss == pytest.approx(evidence.miss, rel=1e-8)
    # Two classes share alpha, and the bound errs to the safe side.
    assert (binom.cdf(num_models - counts.max(axis=1), num_models, miss) <= alpha / 2).all()
    for keep in KEEPS[-4:]:
        certified = [idea.radius(m, keep) for m in miss]
        assert certified == radius(evidence, everywhere(keep)).radius.tolist()


def test_level_is_shared_over_more_classes_too() -> None:
    counts = np.array([[900, 60, 40], [10, 980, 10]])
    assert idea.bound(counts, 0.01)[1] == pytest.approx(simultaneous(counts, 0.01).miss, rel=1e-8)


def test_exactly_one_half_is_not_certified() -> None:
    keep = Fraction(4, 5)
    threshold = flips(keep, values=2, changes=1).threshold()
    assert idea.upper(threshold, keep, 1) == Fraction(1, 2)
    assert idea.radius(threshold, keep) == 0
    assert idea.radius(threshold - Fraction(1, 10**30), keep) == 1


def test_its_ensemble_is_certified_like_one_of_the_library() -> None:
    data = load("digits", side=8, classes=(0, 1), points=40)
    x, x_test = (part.reshape(len(part), -1) for part in (data.x, data.x_test))
    counts = idea.vote(x, data.y, x_test, Fraction(9, 10), 200)
    assert (counts.sum(axis=1) == 200).all()
    fewer = idea.vote(x, data.y, x_test, Fraction(9, 10), 150)  # the first 150 are the same models
    assert ((counts - fewer >= 0) & (counts - fewer <= 50)).all()
    proof = radius(simultaneous(counts, 0.001), everywhere(Fraction(9, 10)))
    label, miss = idea.bound(counts, 0.001)
    assert [idea.radius(m, Fraction(9, 10)) for m in miss] == proof.radius.tolist()
    assert np.mean((label == data.y_test) & (proof.radius >= 1)) == proof.accuracy(data.y_test, 1) > 0.8


def test_noise_keeps_bits_as_often_as_it_says() -> None:
    bits = np.repeat([0, 1], 50_000)
    kept = idea.flip(bits, Fraction(4, 5), np.random.default_rng(0)) == bits
    assert kept[bits == 0].mean() == pytest.approx(0.8, abs=0.01)
    assert kept[bits == 1].mean() == pytest.approx(0.8, abs=0.01)


def test_run_it(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(PAGE), run_name="__main__")
    lines = re.findall(r"^r = (\d): +(\d+)% of the test images$", capsys.readouterr().out, re.MULTILINE)
    radii, shares = ([int(value) for value in column] for column in zip(*lines, strict=True))
    assert radii == list(range(len(radii)))
    assert shares[0] >= shares[1] > 80
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0
