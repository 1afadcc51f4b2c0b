"""Samplers draw the law that their trade-off certifies."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy import stats

from rsbd.errors import InputError
from rsbd.learners import randomness
from rsbd.noises import Flip, Gaussian
from rsbd.noises.flip import bernoulli

DRAWS = 400_000


def generator(seed: int = 0) -> torch.Generator:
    return randomness.generators(seed, range(1))[0]


@pytest.mark.parametrize("p", ["0", "1", "1/5", "4/5", "1/65536", "65535/65536", "1/1000000", "1/2"])
def test_bernoulli_is_exact_beyond_its_sixteen_bits(p: str) -> None:
    draws = 20_000_003  # not a multiple of four, and enough to see a probability of one in a million
    ones = int(bernoulli(Fraction(p), (draws,), [generator()]).sum())
    assert stats.binomtest(ones, draws, float(Fraction(p))).pvalue > 1e-4


@pytest.mark.parametrize("rare", [True, False])
def test_the_tie_of_sixteen_bits_is_settled_and_not_dropped(rare: bool) -> None:
    """Half of the draws that sixteen bits leave open, next to 0 and next to 1."""
    draws, p = 40_000_000, Fraction(1, 2**17)
    moved = bernoulli(p if rare else 1 - p, (draws,), [generator()])
    assert stats.binomtest(int((moved == rare).sum()), draws, float(p)).pvalue > 1e-4


@pytest.mark.parametrize("values", [2, 3, 10])
def test_flip_moves_to_every_other_value_alike(values: int) -> None:
    noise = Flip("7/10", values)
    for code in range(values):
        labels = noise.sample(torch.full((DRAWS,), code), generator(code))
        expected = np.full(values, 0.3 / (values - 1))
        expected[code] = 0.7
        seen = np.bincount(labels.numpy(), minlength=values)
        assert stats.chisquare(seen, expected * DRAWS).pvalue > 1e-4


def test_flip_of_features_stays_on_the_levels_and_matches_its_channel() -> None:
    noise = Flip(0.8, values=5)
    x = torch.full((DRAWS,), 0.5)
    noised = noise.sample(x, generator())
    assert set(noised.unique().tolist()) == {0, 0.25, 0.5, 0.75, 1}
    channel = noise.channel()
    assert noised.mean().item() == pytest.approx(channel.scale * 0.5 + channel.offset, abs=0.003)
    assert noised.var().item() == pytest.approx(channel.variance, rel=0.01)


@pytest.mark.parametrize("noise", [Flip(0.7), Gaussian(0.4)])
def test_affine_form_has_the_law_of_sample(noise: Flip | Gaussian) -> None:
    x = torch.tensor([0.0, 1.0]).repeat_interleave(DRAWS)
    form = noise.affine(2 * DRAWS, [generator(1)])
    assert form is not None
    shared, plain = form[0][0] * x + form[1][0], noise.sample(x, generator(2))
    for part in (slice(0, DRAWS), slice(DRAWS, None)):
        step = 1.0 if isinstance(noise, Flip) else noise.lattice.step  # what is sampled lies on a lattice
        rounded = (torch.round(drawn[part] / step).numpy() for drawn in (shared, plain))
        assert stats.ks_2samp(*rounded).pvalue > 1e-4


def test_more_than_two_values_have_no_affine_form_and_no_sums() -> None:
    assert Flip(0.7, 3).affine(4, [generator()]) is None
    assert Flip(0.7, 3).sample_sums(torch.ones(1, 2, 4), torch.ones(1, 2), [generator()]) is None


def test_a_float_means_the_decimal_that_was_typed() -> None:
    assert Flip(0.8) == Flip("4/5") == Flip(Fraction(4, 5))
    assert hash(Flip(0.8)) == hash(Flip("0.8"))


@pytest.mark.parametrize("keep", [-0.1, 1.1, float("nan"), "often", None, float("inf")])
def test_bad_keep_is_one_sentence(keep: object) -> None:
    with pytest.raises(InputError, match="probability"):
        Flip(keep)  # type: ignore[arg-type]


@pytest.mark.parametrize("sigma", [0, -1.0, float("nan"), float("inf"), "1"])
def test_bad_sigma_is_one_sentence(sigma: object) -> None:
    with pytest.raises(InputError, match="standard deviation"):
        Gaussian(sigma)  # type: ignore[arg-type]


def test_labels_do_not_take_gaussian_noise() -> None:
    with pytest.raises(InputError, match="use Flip"):
        Gaussian(1.0).sample(torch.zeros(3, dtype=torch.int64), generator())


@pytest.mark.parametrize(("noise", "size"), [(Flip(0.8), 1.5), (Flip(0.8), -1), (Gaussian(1.0), -1.0)])
def test_a_change_that_cannot_be_is_one_sentence(noise: Flip | Gaussian, size: float) -> None:
    with pytest.raises(InputError, match="from 0"):
        noise.shift(size)


def test_streams_of_neighbouring_models_and_seeds_do_not_correlate() -> None:
    streams = [*randomness.generators(0, range(40)), *randomness.generators(1, range(40))]
    draws = torch.stack([torch.randn(5000, generator=g) for g in streams])
    correlation = torch.corrcoef(draws)[~torch.eye(80, dtype=torch.bool)] * 5000**0.5
    assert correlation.abs().max().item() < 5  # of 3,160 pairs
    assert correlation.square().mean().item() == pytest.approx(1, abs=0.1)
