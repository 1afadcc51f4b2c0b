"""No float within four ulp of any threshold, down to 1e-300, is certified where the exact threshold says no."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from rsbd.tradeoff import Tradeoff, flips

CHANGES = (1, 2, 3, 5, 10, 20, 50, 100, 200, 300, 480)


def around(center: float, ulps: int = 4) -> list[float]:
    found = [center]
    for _ in range(ulps):
        found = [math.nextafter(found[0], 0), *found, math.nextafter(found[-1], 1)]
    return found


@pytest.mark.parametrize("keep", ["3/5", "4/5", "9/10", "99/100"])
def test_zero_wrong_certificates(keep: str) -> None:
    laws: list[Tradeoff] = [flips(keep, values, r) for values in (2, 3, 256) for r in CHANGES]
    laws += [flips(keep, 2, r) * flips("7/10", 10, 2) for r in (1, 5, 20, 60)]
    asked = certified = 0
    smallest = 1.0
    for law in laws:
        exact = law.threshold()
        assert isinstance(exact, Fraction)
        if float(exact) < 1e-305:  # below, floats themselves lose their digits
            continue
        smallest = min(smallest, float(exact))
        for p in (*around(float(exact)), *around(law.fast_threshold())):
            asked += 1
            holds = law.certifies(p)
            certified += holds
            assert Fraction(p) < exact or not holds, (law, p)
        assert law.certifies(float(exact) * (1 - 1e-8))  # and no more than a hundred millionth is given away
    assert asked > 400
    assert certified > 0
    assert smallest < 1e-100 or keep == "3/5"
