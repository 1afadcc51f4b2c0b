"""Kept votes of linear scores: reference values, and enumeration of the contents of triggers in exact arithmetic."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from rsbd import AnyPatch, AnyPixels, kept
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.evasion.linear import forward_error, reached_classes

VECTORS = os.environ.get("RSBD_VECTORS")
Array = NDArray[Any]
SHAPES = [(2, 2), (3, 3), (2, 2, 2), (4,)]


def triggers(shape: tuple[int, ...]) -> list[AnyTrigger]:
    patches = [] if len(shape) == 1 else [AnyPatch(1), AnyPatch(2), AnyPatch(1, (1, 0))]
    return [*patches, AnyPixels(1), AnyPixels(2)]


def places(trigger: AnyTrigger, shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of a flat input that one trigger changes, from the words of its definition."""
    height, width = shape[-2:] if len(shape) > 1 else (1, shape[0])
    channels = prod(shape) // (height * width)
    every = list(product(range(height), range(width)))
    if isinstance(trigger, AnyPixels):
        chosen = [set(pixels) for pixels in combinations(every, trigger.count)]
    else:
        assert isinstance(trigger, AnyPatch)
        square = list(product(range(trigger.side), repeat=2))
        starts = every if trigger.place is None else [trigger.place]
        chosen = [{(r + i, c + j) for i, j in square} for r, c in starts]
    for pixels in chosen:
        if pixels <= set(every):
            yield tuple(k * height * width + r * width + c for k in range(channels) for r, c in pixels)


def whole(array: Array) -> tuple[Array, int]:
    """Return floats as whole numbers of Python times one over a common denominator."""
    ratios = np.array([float(value).as_integer_ratio() for value in np.ravel(array)], dtype=object)
    unit = max(ratios[:, 1])
    return (ratios[:, 0] * (unit // ratios[:, 1])).reshape(np.shape(array)), unit


def by_enumeration(
    w: Array, b: Array, x: Array, trigger: AnyTrigger, shape: tuple[int, ...]
) -> tuple[int, bool, set[int], Fraction]:
    """Return label, whether it is kept, the labels met, and the least lead as a share of the scores.

    Every content of end values is tried, in whole numbers.
    """
    (numbers, _), (values, one) = whole(np.c_[w, b]), whole(x)
    contents = [values]
    for where in places(trigger, shape):
        for content in product((0, one), repeat=len(where)):
            point = values.copy()
            point[list(where)] = content
            contents.append(point)
    scores = np.array(contents) @ numbers[:, :-1].T + one * numbers[:, -1]
    labels = scores.argmax(1)
    lead = scores[:, labels[0]] - np.delete(scores, labels[0], 1).max(1)
    share = Fraction(min(lead), one * max(np.abs(numbers).sum(1)) or 1)
    return labels[0], bool((labels == labels[0]).all()), set(labels.tolist()), share


def draws(kind: str, rng: Generator, shape: tuple[int, ...], classes: int) -> tuple[Array, Array, Array]:
    size = prod(shape)
    w, b, x = rng.normal(size=(classes, size)), rng.normal(size=classes), rng.random((1, size))
    if kind == "whole":  # with many ties
        return rng.integers(-2, 3, w.shape) * 1.0, rng.integers(-1, 2, b.shape) * 1.0, rng.integers(0, 5, x.shape) / 4
    if kind == "near":  # ties that rounding breaks one way or the other
        w = rng.integers(-3, 4, w.shape) / 10
        return w, np.round(rng.integers(-3, 4, b.shape) / 10, 1), rng.integers(0, 11, x.shape) / 10
    if kind == "tiny":
        return w * 5e-324 * 1000, b * 5e-324 * 1000, x
    if kind == "huge":
        return w * 1e306, b * 1e306, x
    if kind == "mixed":
        return w * 10.0 ** rng.integers(-320, 300, w.shape), b * 1e-310, np.round(x)
    return w, b, x


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "whole", "near", "tiny", "huge", "mixed"])
def test_floats_keep_what_exact_arithmetic_keeps(kind: str) -> None:
    rng = np.random.default_rng(0)
    seen = {True: 0, False: 0}
    for number in range(60):
        shape, classes = SHAPES[number % 4], 2 + number % 2
        w, b, x = draws(kind, rng, shape, classes)
        for trigger in triggers(shape):
            label, keeps, _, least = by_enumeration(w, b, x[0], trigger, shape)
            (found,), (held,) = kept(w, b, x, trigger, shape)
            seen[keeps] += 1
            if held:
                assert keeps
                assert found == label
            if keeps and (kind == "whole" or least > Fraction(1, 10**6)):
                assert held
    assert min(seen.values()) > 20


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["plain", "whole", "near"])
def test_many_models_at_once(kind: str, dtype: torch.dtype) -> None:
    """Whatever is met is reached; without ties a pair is kept or not as by enumeration."""
    rng = np.random.default_rng(1)
    for shape in SHAPES:
        drawn = [draws(kind, rng, shape, 3) for _ in range(6)]
        w, b = (torch.tensor(np.array(part), dtype=dtype) for part in list(zip(*drawn, strict=True))[:2])
        x = torch.tensor(np.concatenate([x for *_, x in drawn]), dtype=dtype)
        answers = (w @ x.T + b[..., None]).argmax(1)
        asked = triggers(shape)
        for trigger, reached in zip(
            asked, reached_classes((w, b, torch.zeros_like(b)), answers, x, asked, shape), strict=True
        ):
            assert reached.shape == (6, 6, 3)
            for model, point in product(range(6), repeat=2):
                label, keeps, met, least = by_enumeration(
                    w[model].numpy(), b[model].numpy(), x[point].numpy(), trigger, shape
                )
                found = set(reached[model, point].nonzero().flatten().tolist())
                assert met <= found
                if label == answers[model, point] and (least > 1e-4 or kind == "whole"):
                    assert keeps == (len(found) == 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_not_kept(bad: float) -> None:
    w, b, x = np.array([[3.0, 0], [0, 1]]), np.array([3.0, 0]), np.array([[1.0, 0.0]])
    assert kept(w, b, x, AnyPixels(1), (2,))[1].tolist() == [True]
    for place in range(3):
        arrays = [w.copy(), b.copy(), x.copy()]
        arrays[place].flat[0] = bad
        assert kept(*arrays, AnyPixels(1), (2,))[1].tolist() == [False]


def test_sums_that_overflow_are_not_kept() -> None:
    w = np.array([[1e308, 1e308], [0, 0]])
    assert not kept(w, [0, 0], [[1, 1]], AnyPixels(1), (2,))[1]
    assert kept(w / 1e3, [0, 0], [[1, 1]], AnyPixels(1), (2,))[1]


@pytest.mark.parametrize("outside", [-0.5, 1.5])
def test_points_outside_the_unit_cube_are_not_kept(outside: float) -> None:
    held = kept([[9.0, 9.0], [0, 0]], [5, 0], [[0.5, 0.5], [outside, 0.5]], AnyPixels(1), (2,))[1]
    assert held.tolist() == [True, False]


def test_an_error_of_the_scores_counts_for_both_classes() -> None:
    w, b, x = [[1.0, 0.0], [0.0, 0.0]], [0.25, 0.0], [[1.0, 1.0]]  # a lead of 5/4, of which 1 can be lost
    for error, held in [(0.0, True), (0.12, True), (0.125, True), (0.13, False), ([0.0, 0.26], False)]:
        assert kept(w, b, x, AnyPixels(1), (2,), error)[1] == held
    assert not kept(w[::-1], b[::-1], x, AnyPixels(1), (2,), 0.125)[1]  # now a tie goes to the other class
    with pytest.raises(InputError, match="error is"):
        kept(w, b, x, AnyPixels(1), (2,), -1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sums_in_any_order_are_off_by_less(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    numbers = torch.randn(50, 300, dtype=dtype) * 10 ** torch.randn(50, 300, dtype=dtype)
    exact = torch.tensor([float(sum(map(Fraction, row.tolist()))) for row in numbers], dtype=torch.float64)
    bound = forward_error(numbers.abs().sum(1), 300)
    for _ in range(20):
        total = numbers[:, torch.randperm(300)].cumsum(1)[:, -1]
        assert ((total.double() - exact).abs() <= bound).all()
    assert forward_error(torch.tensor([1e308, 3e38], dtype=dtype), 3).isnan().tolist() == [True, dtype == torch.float32]
    assert forward_error(torch.tensor([1.0]), 2**20).isnan()


@pytest.mark.skipif(not VECTORS, reason="RSBD_VECTORS names no folder with reference values")
def test_reference_values() -> None:
    cases = json.loads((Path(str(VECTORS)) / "triggers.json").read_text())["certified_votes"]
    assert len(cases) > 100
    for case in cases:
        place = tuple(case["place"]) if case["kind"] == "placed" else None
        trigger = AnyPixels(case["size"]) if case["kind"] == "pixels" else AnyPatch(case["size"], place)
        x, shape = np.array([case["x4"]]) / 4, tuple(case["shape"])
        assert kept(case["w"], case["b"], x, trigger, shape) == ([case["label"]], [case["keeps"]])
        for dtype in (torch.float32, torch.float64):
            w, b = (torch.tensor([case[name]], dtype=dtype) for name in ("w", "b"))
            labels = torch.tensor([[case["label"]]])
            found = reached_classes((w, b, torch.zeros_like(b)), labels, torch.tensor(x), [trigger], shape)
            classes = set(next(found)[0, 0].nonzero().flatten().tolist())
            assert (len(classes) == 1) == case["keeps"]
            assert set(case["reached"]) <= classes
