"""Certificates of bagging against rows that are only inserted, or only removed (Jia, Cao and Gong 2021, theorem 1)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rsbd.certify import Certificate, allocation
from rsbd.certify.certificate import DistinctPairs
from rsbd.noises import Bagging
from rsbd.recipes.result import Certified
from rsbd.types import Bools, Ints


def edited(found: Certified, edit: str) -> Certificate:
    """Return the certificate of the same votes against rows that are "inserted" or "removed"."""
    rows, total = found.smoothing.rows, found.num_rows
    assert isinstance(rows, Bagging)
    assert total is not None
    evidence = DistinctPairs.of(found.bounds)

    def certified(count: int, who: Ints) -> Bools:
        return evidence.some(who).certified(rows.shift(0, total, **{edit: count}))

    reached = allocation.largest_certified(certified, len(evidence.miss), total - 1)[evidence.back]
    return replace(found.certificate, radius=np.asarray(reached), norm=f"{edit} rows", max_radius=total - 1)
