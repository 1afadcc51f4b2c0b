"""Every sampled method can speak of all points at once, and then its certificates say so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from rsbd.bounds import over_points
from rsbd.data import load
from rsbd.noises import Flip
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes import bagflip, bagging, certified_confidence, cohen, kumar, rab, wang

BITS = load("digits", side=8, classes=(0, 1, 2), rows=60, points=9)
REAL = load("digits", side=8, view="unit", classes=(0, 1, 2), rows=60, points=9)
FEW = {"num_models": 64}
SAMPLED = {
    "wang": partial(wang, BITS, 0.9, **FEW),
    "bagging": partial(bagging, BITS, 20, **FEW),
    "bagflip": partial(bagflip, BITS, 20, 0.95, **FEW),
    "rab": partial(rab, REAL, **FEW),
    "rab by Hoeffding": partial(rab, REAL, bound="hoeffding", **FEW),
    "cohen": partial(cohen, REAL, num_copies=64),
    "kumar": partial(kumar, REAL, num_copies=64),
    "confidence": partial(certified_confidence, BITS, Smoothing(test=Flip(0.9)), [Threat()], num_selection=64, **FEW),
}


def found(result: Any) -> tuple[list[Any], set[tuple[float, str]]]:
    """The bounds of a result, and all that it says of its alpha."""
    if hasattr(result, "lower"):
        return [result.lower], {(result.alpha, result.points)}
    proofs = (result.bounds, result.certificate)
    return [result.bounds.miss, result.bounds.runner_up], {(proof.alpha, proof.points) for proof in proofs}


@pytest.mark.parametrize("recipe", SAMPLED.values(), ids=SAMPLED)
def test_all_points_share_alpha(recipe: Callable[..., Any]) -> None:
    together, said = found(recipe(alpha=0.01, points="all"))
    assert said == {(0.01, "all")}
    single, said = found(recipe(alpha=over_points(0.01, 9)))
    assert said == {(over_points(0.01, 9), "each")}
    assert all(np.array_equal(a, b) for a, b in zip(together, single, strict=True))
    alone, _ = found(recipe(alpha=0.01))
    assert not np.array_equal(alone[0], together[0])


@pytest.mark.parametrize("recipe", SAMPLED.values(), ids=SAMPLED)
def test_another_seed_draws_other_votes(recipe: Callable[..., Any]) -> None:
    (first, *_), (again, *_), (other, *_) = (found(recipe(seed=seed))[0] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
