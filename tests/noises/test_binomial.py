"""Binomial numbers are drawn with exactly the binomial law."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
import torch
from scipy import stats

from rsbd.learners import randomness
from rsbd.noises import Flip, binomial
from rsbd.noises.random_bits import ALL_BITS

CHANCES = [Fraction(0), Fraction(1, 97), Fraction(1, 3), Fraction(4, 5), Fraction("0.999"), Fraction(1)]


def below(coins: int, chance: Fraction) -> list[Fraction]:
    """The probabilities of fewer than 0, 1, ..., coins + 1 heads, exactly."""
    found = [Fraction(0)]
    for k in range(coins + 1):
        found.append(found[-1] + comb(coins, k) * chance**k * (1 - chance) ** (coins - k))
    return found


@pytest.mark.parametrize("chance", CHANCES, ids=str)
@pytest.mark.parametrize("coins", [0, 1, 2, 37, 127, 1024])
def test_the_distribution_function_is_exact(chance, coins):
    exact, (first, values) = below(coins, chance), binomial.coin_law(coins, chance)
    assert exact[first] < Fraction(1, 2**180)  # no heads are left out below, and none above
    assert 1 - exact[first + len(values) + 1] < Fraction(1, 2**180)
    for k, value in enumerate(values):
        assert abs(exact[first + k + 1] - Fraction(value, 2**ALL_BITS)) <= Fraction(1, 2**ALL_BITS) + Fraction(
            1, 2**200
        )


@pytest.mark.parametrize("chance", CHANCES, ids=str)
@pytest.mark.parametrize(("coins", "largest"), [(1, 127), (128, 3), (16384, 1)])
def test_every_value_of_the_bits_gives_the_heads_that_the_law_gives(chance, coins, largest):
    """All 8,192 values of the first bits for all further bits, and 53 and 181 bits on both sides of each border."""
    tables = binomial.coin_tables(chance, coins, largest)
    kept = tables.table.view(largest + 1, -1).numpy()
    for law in {0, 1, 2, 3, largest // 2, largest} & set(range(largest + 1)):
        first, values = tables.laws[law]
        borders = np.array([0, *values, 2**ALL_BITS], dtype=object)
        start = np.arange(2**13, dtype=object) << (ALL_BITS - 13)
        decided = kept[law] >= 0
        at = kept[law][decided].astype(int) - first
        assert (borders[at] <= start[decided]).all()
        assert (start[decided] + 2 ** (ALL_BITS - 13) <= borders[at + 1]).all()
        assert decided.mean() > (0.985 if coins == 1 else 0.9)
        for k, value in enumerate(values):
            near = [number for number in range((value >> 128) - 1, (value >> 128) + 2) if 0 <= number < 2**53]
            low, high = tables.second(np.full(len(near), law), np.array(near))
            for number, a, b in zip(near, low, high, strict=True):
                assert borders[a - first] >> 128 <= number
                assert b == a or number in {v >> 128 for v in values}
                if a == b:
                    assert borders[a - first] <= number << 128 < (number + 1) << 128 <= borders[a - first + 1]
            assert tables.last(law, value) >= first + k + 1
            assert tables.last(law, max(0, value - 1)) <= first + k or value == 0


@pytest.mark.parametrize("counts", [(1, 3), (5, 100), (200, 6500), (129, 40000)])
def test_numbers_that_are_drawn_have_the_law(counts):
    asked = torch.tensor(counts).expand(200, -1)[..., None].expand(-1, -1, 100)
    drawn = binomial.sample_binomials(asked, Fraction(4, 5), randomness.generators(0, range(200)))
    for j, count in enumerate(counts):
        k, seen = np.unique(drawn[:, j].numpy(), return_counts=True)
        expected = stats.binom.pmf(k, count, 0.8) * 20_000
        common = expected > 5
        rest = 20_000 - expected[common].sum()
        observed = [*seen[common], seen[~common].sum()]
        if rest < 1e-6:
            observed, rest = observed[:-1], 0
        expected = np.array([*expected[common], *([rest] if rest else [])])
        distance = np.square(np.array(observed) - expected) / expected
        assert stats.chi2.sf(distance.sum(), len(distance) - 1) > 1e-4


def test_a_model_draws_the_same_alone_as_among_others():
    counts = torch.arange(3000).view(3, -1)
    together = binomial.sample_binomials(counts, Fraction(1, 3), randomness.generators(0, range(3)))
    for i in range(3):
        alone = binomial.sample_binomials(counts[i : i + 1], Fraction(1, 3), randomness.generators(0, range(i, i + 1)))
        assert torch.equal(alone[0], together[i])


@pytest.mark.parametrize("keep", ["4/5", "1/7"])
def test_sums_of_flipped_bits_have_exactly_the_law_of_their_rows(keep):
    """In a world of 3 rows, against the enumeration of all flips of each row."""
    models, noise = 20_000, Flip(keep)
    sums, sizes = torch.tensor([[[2.0, 0.0], [1.0, 3.0]]]).expand(models, -1, -1), torch.full((models, 2), 3.0)
    drawn = noise.sample_sums(sums, sizes, randomness.generators(0, range(models))).numpy()
    for group in range(2):
        for feature in range(2):
            ones, law = int(sums[0, group, feature]), {k: Fraction(0) for k in range(4)}
            for outcome in range(8):
                bits = [outcome >> i & 1 for i in range(3)]
                same = sum(bit == (i < ones) for i, bit in enumerate(bits))
                law[sum(bits)] += noise.keep**same * (1 - noise.keep) ** (3 - same)
            seen = [(drawn[:, group, feature] == k).sum() for k in range(4)]
            assert stats.chisquare(seen, [float(law[k]) * models for k in range(4)]).pvalue > 1e-4
