"""Certificates: from bounds and noise to what an attacker provably cannot do."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from rsbd.certify.certificate import ABSTAIN as ABSTAIN
from rsbd.certify.certificate import Certificate as Certificate
from rsbd.certify.radii import exact_radius as exact_radius
from rsbd.certify.radii import radii_by_votes as radii_by_votes
from rsbd.certify.radii import radius as radius
from rsbd.certify.threats import certified_map as certified_map
from rsbd.certify.threats import certify as certify
from rsbd.certify.threats import poisoned_rows as poisoned_rows
from rsbd.types import Bools


class _Callable(ModuleType):
    """The module `rsbd.certify` and the function in it share a name: called, the module is the function."""

    def __call__(self, *args: Any, **kwargs: Any) -> Bools:
        return certify(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
