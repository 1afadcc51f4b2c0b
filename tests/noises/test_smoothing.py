"""From the attacker's words to a trade-off, slot by slot."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from rsbd.errors import InputError
from rsbd.noises import Flip, Gaussian
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.tradeoff import Tradeoff, flips, gaussian, identity, levels

PIXELS, LABELS, TEST = Flip("3/5"), Flip("7/10", values=10), Flip("4/5")
PIPELINE = Smoothing(features=PIXELS, labels=LABELS, test=TEST)


def test_every_slot_counts_its_own_changes() -> None:
    assert PIPELINE.tradeoff(Threat(rows=5, trigger=2)) == (
        flips("3/5", 2, 10) * flips("7/10", 10, 5) * flips("4/5", 2, 2)
    )
    assert PIPELINE.tradeoff(Threat(rows=5, trigger=2, relabel=False)) == (flips("3/5", 2, 10) * flips("4/5", 2, 2))
    assert PIPELINE.tradeoff(Threat(rows=5, trigger=2, on_test=False)) == (flips("3/5", 2, 10) * flips("7/10", 10, 5))
    assert PIPELINE.tradeoff(Threat(rows=3)) == flips("7/10", 10, 3)
    assert PIPELINE.tradeoff(Threat(trigger=4)) == flips("4/5", 2, 4)
    assert PIPELINE.tradeoff(Threat()) == identity()


def test_tied_noise_merges() -> None:
    tied = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.8))
    assert tied.tradeoff(Threat(rows=5, trigger=2)) == flips(0.8, 2, 17)


def test_gaussian_shifts_add_in_squares() -> None:
    mixed = Smoothing(features=Gaussian(0.5), labels=Flip("4/5"), test=Gaussian(0.25))
    law = mixed.tradeoff(Threat(rows=4, trigger={"features": 1.5, "test": 0.75}))
    assert law.parts == flips("4/5", 2, 4).parts
    assert law.mu == pytest.approx((6.0**2 + 3.0**2) ** 0.5)  # sqrt(4) 1.5 / 0.5 and 0.75 / 0.25
    assert Smoothing(features=Gaussian(0.5)).tradeoff(Threat(9, 0.1, False, False)).mu == pytest.approx(0.6)


def test_short_numbers_of_numpy_neither_overflow_nor_round() -> None:
    """A byte holds 200, and 100 times 200 is 32 in it: an attack that small would be certified far too easily."""
    pixels, lengths = Smoothing(features=PIXELS), Smoothing(features=Gaussian(0.5))
    for rows, size in ((100, np.uint8(200)), (np.uint8(100), 200), (np.int8(100), np.uint8(200))):
        assert pixels.tradeoff(Threat(rows, size, False, False)) == flips("3/5", 2, 20_000)
        assert pixels.tradeoff(Threat(rows, {"features": size}, False, False)) == flips("3/5", 2, 20_000)
    for size in (np.float16(0.1), np.float32(0.1)):
        law = lengths.tradeoff(Threat(3, float(size), False, False))
        assert lengths.tradeoff(Threat(3, size, False, False)) == law
        assert Gaussian(0.3).shift(size) == Gaussian(0.3).shift(float(size))


def test_a_trigger_may_have_two_sizes() -> None:
    apart = Smoothing(features=Flip("3/5"), test=Gaussian(2.0))
    law = apart.tradeoff(Threat(rows=2, trigger={"features": 3, "test": 1.0}, relabel=False))
    assert law == flips("3/5", 2, 6) * gaussian(0.5)
    assert apart.tradeoff(Threat(rows=2, trigger={"features": 3, "test": 0}, relabel=False)) == flips("3/5", 2, 6)


@pytest.mark.parametrize(
    ("slots", "threat", "message"),
    [
        ({"labels": LABELS}, Threat(rows=1, trigger=1), r"training features.*Smoothing\(features=...\)"),
        ({"features": PIXELS}, Threat(rows=1, trigger=1), r"training labels.*Threat\(relabel=False\)"),
        ({"features": PIXELS, "labels": LABELS}, Threat(1, 1), r"test input.*Threat\(on_test=False\)"),
        ({}, Threat(trigger=1), "test input"),
    ],
)
def test_a_threat_to_a_slot_without_noise_is_refused(slots: dict, threat: Threat, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Smoothing(**slots).tradeoff(threat)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Threat(rows=-1), "rows is -1"),
        (lambda: Threat(rows=1.5), "rows is 1.5"),
        (lambda: Threat(rows=True), "rows is True"),
        (lambda: Threat(trigger=-0.5), "trigger is -0.5"),
        (lambda: Threat(trigger=float("nan")), "trigger is nan"),
        (lambda: Threat(trigger=float("inf")), "trigger is inf"),
        (lambda: Threat(trigger="3"), "trigger is '3'"),
        (lambda: Threat(trigger={"labels": 1}), "trigger has a size for 'labels'"),
        (lambda: PIPELINE.tradeoff(Threat(rows=1, trigger=1.5)), "1.5 changed coordinates"),
    ],
)
def test_bad_input_is_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


class OneOfTen:
    """A bag of one row: a poisoned one is drawn with probability rows / num_rows, and then `inside` decides."""

    def shift_rows(self, rows: int, num_rows: int | None, inside: Callable[[int], Tradeoff]) -> Tradeoff:
        assert num_rows == 10
        lost = Fraction(rows, num_rows) if not inside(1).upper(Fraction(0)) < 1 else Fraction(0)
        return levels([1 - lost, lost, 0], [1 - lost, 0, lost])


def test_noise_on_rows_takes_over_the_training_data() -> None:
    bag = Smoothing(rows=OneOfTen(), test=TEST)
    law = bag.tradeoff(Threat(rows=2, trigger=1), num_rows=10)
    assert law == levels([4, 1, 0], [4, 0, 1]) * flips("4/5", 2, 1)
    noised = Smoothing(rows=OneOfTen(), features=PIXELS, labels=LABELS)
    assert noised.tradeoff(Threat(rows=2, trigger=1, on_test=False), num_rows=10) == identity()
    assert list(bag.slots) == ["test"]
    with pytest.raises(InputError, match="test input"):
        Smoothing(rows=OneOfTen()).tradeoff(Threat(rows=2, trigger=1), num_rows=10)
