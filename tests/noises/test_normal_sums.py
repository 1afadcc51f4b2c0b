"""Sums of noised rows that are drawn at once have exactly the certified law, on a lattice."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from rsbd.errors import InputError
from rsbd.learners import Problem, randomness
from rsbd.learners.linear import class_sums
from rsbd.learners.linear.class_sums import sample_class_sums
from rsbd.noises import Bagging, Flip, Gaussian, Smoothing, lattice, random_bits


def lattice_of_sum(sigma: float, rows: int) -> lattice.Lattice:
    """The lattice of the sum of the noises of rows, with its scale to 80 digits."""
    return lattice.Lattice(lattice.NORMAL, Fraction(sigma) * Fraction(math.isqrt(rows * 10**160), 10**80))


def below(own: lattice.Lattice, value: Fraction) -> Fraction:
    """Return the distribution function of the noise."""
    return own.law.below(value / own.scale)


@pytest.mark.parametrize("second", [2**30, 2**36 + 12345, 2**37 - 2**30])
@pytest.mark.parametrize(("sigma", "rows", "clean"), [(0.5, 7, 3.0), (0.3, 6500, 2716 / 255), (0.07, 1, -0.25)])
def test_each_value_of_the_first_bits_gives_the_step_that_the_exact_law_gives(monkeypatch, sigma, rows, clean, second):
    """All 65,536 of them, with given further bits, in rational numbers."""
    cells, asked = torch.arange(-(2**15), 2**15, dtype=torch.int16)[None], []

    def more_bits(first: Any, owners: Any, generators: Any, spare: Any) -> Any:
        asked.append(len(owners))
        return (first << 37) + second

    monkeypatch.setattr(random_bits, "random_cells", lambda count, generators: (cells, None))
    monkeypatch.setattr(random_bits, "more_bits", more_bits)
    sums = torch.full((1, 1, 2**16), clean, dtype=torch.float64)
    stream = randomness.generators(0, range(1))
    seen = Gaussian(sigma).sample_sums(sums, torch.tensor([[float(rows)]]), stream)[0, 0].numpy()
    assert 0 < asked[0] < 0.015 * 2**16
    own = lattice_of_sum(sigma, rows)
    steps, (step, at) = np.rint(seen / own.step).astype(int), (Fraction(own.step), Fraction(clean))
    assert (steps * own.step == seen).all()
    for k in np.unique(steps):
        first, last = (int(i) * 2**37 + second for i in np.flatnonzero(steps == k)[[0, -1]])
        low, high = (below(own, (int(k) + side) * step - at) for side in (Fraction(-1, 2), Fraction(1, 2)))
        assert low <= Fraction(first, 2**53)
        assert Fraction(last + 1, 2**53) <= high


@pytest.mark.parametrize("rows", [1, 40])
def test_sums_have_the_law_of_the_lattice(rows):
    sigma, clean, models = 0.5, 1.25, 400
    sums, sizes = torch.full((models, 1, 500), clean), torch.full((models, 1), float(rows))
    seen = Gaussian(sigma).sample_sums(sums, sizes, randomness.generators(0, range(models)))
    own = lattice_of_sum(sigma, rows)
    k, counts = np.unique((seen.double() / own.step).numpy(), return_counts=True)
    assert (k == np.rint(k)).all()
    borders = [(int(v) - Fraction(1, 2)) * Fraction(own.step) - Fraction(clean) for v in [*k, k[-1] + 1]]
    chances = np.diff([float(below(own, border)) for border in borders])
    common = chances * seen.numel() > 10
    seen_in, expected = counts[common], chances[common] * seen.numel()
    rest = seen.numel() - expected.sum()
    assert stats.chisquare([*seen_in, seen.numel() - seen_in.sum()], [*expected, rest]).pvalue > 1e-4


def test_a_model_gets_the_same_sums_alone_as_among_others():
    sums, sizes = torch.rand(5, 2, 30), torch.tensor([[3.0, 0.0], [1, 2], [7, 9], [4, 4], [5, 0]])
    together = Gaussian(0.5).sample_sums(sums, sizes, randomness.generators(0, range(5)))
    for i in range(5):
        alone = Gaussian(0.5).sample_sums(sums[i : i + 1], sizes[i : i + 1], randomness.generators(0, range(i, i + 1)))
        assert torch.equal(alone[0], together[i])
    assert torch.equal(together[0, 1], sums[0, 1])  # of no rows
    assert torch.equal(together[4, 1], sums[4, 1])


@pytest.mark.parametrize("bag", [None, 30, 4])
@pytest.mark.parametrize("levels", [1, 16, 255])
def test_clean_sums_are_exact_where_noise_is_added_to_them(monkeypatch, levels, bag):
    """Sums of rounded sums would be those of other rows."""
    r = np.random.default_rng(0)
    x = torch.tensor((r.integers(levels + 1, size=(50, 6)) / levels).astype(np.float32))
    y, caught = torch.arange(50) % 3, []

    def spied(self: Any, sums: Any, sizes: Any, generators: Any) -> Any:
        caught.append(sums)
        return sums

    monkeypatch.setattr(Gaussian, "sample_sums", spied)
    rows = None if bag is None else Bagging(bag)
    problem = Problem(x, y, 3, None, (6,), Smoothing(rows=rows, features=Gaussian(0.5), labels=Flip(0.8, 3)))
    drawn = sample_class_sums(problem, randomness.generators(0, range(4)))
    assert drawn.sums.dtype == torch.float32
    for sums, stream in zip(caught[0], randomness.generators(0, range(4)), strict=True):
        own = torch.arange(50) if rows is None else rows.draw(y, [stream])[0]
        labels = Flip(0.8, 3).sample(y[own], stream)
        for c in range(3):
            for j in range(6):
                exact = sum((Fraction(v.item()) for v in x[own][labels == c, j]), Fraction(0))
                assert Fraction(sums[c, j].item()) == exact


@pytest.mark.parametrize("keep", [0.99, 0.3])
def test_moved_rows_give_the_sums_of_matrix_products(monkeypatch, keep):
    """Whichever way is faster depends on all models of a block, so both must give the same bits."""
    x = torch.tensor(np.random.default_rng(0).random((600, 5)) * 255).floor() / 255
    assert 2 * class_sums._IN_CACHE < 600
    problem = Problem(x.float(), torch.arange(600) % 3, 4, None, (5,), Smoothing(None, Gaussian(0.5), Flip(keep, 4)))
    found = []
    for added in (0, 10**9):  # rows are moved; they are multiplied
        monkeypatch.setattr(class_sums, "_ADDED", added)
        found.append(sample_class_sums(problem, randomness.generators(0, range(6))))
    moved, multiplied = found
    assert torch.equal(moved.sums, multiplied.sums)
    assert torch.equal(moved.sizes, multiplied.sizes)
    monkeypatch.setattr(class_sums, "_ADDED", 0)
    plain = replace(problem, smoothing=Smoothing(labels=Flip(keep, 4)))  # sums are rounded: always multiplied
    monkeypatch.setattr(torch, "sparse_coo_tensor", None)
    sample_class_sums(plain, randomness.generators(0, range(6)))


def test_inputs_whose_sums_would_be_rounded_are_refused():
    problem = Problem(
        torch.full((30, 2), 1e6 / 3), torch.arange(30) % 2, 2, None, (2,), Smoothing(features=Gaussian(1))
    )
    with pytest.raises(InputError, match="scale the inputs"):
        sample_class_sums(problem, randomness.generators(0, range(1)))
