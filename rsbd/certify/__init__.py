"""Certificates: what an attacker provably cannot do, given bounds and noise."""

import sys
from types import ModuleType

from rsbd.certify.certificate import ABSTAIN, Certificate
from rsbd.certify.threats import certified_map, certify, poisoned_rows, radius

__all__ = ["ABSTAIN", "Certificate", "certified_map", "certify", "poisoned_rows", "radius"]


class _Callable(ModuleType):
    """Make `rsbd.certify(...)` call the function: the module has its name, and Python sets it on `rsbd` on import."""

    __call__ = staticmethod(certify)


sys.modules[__name__].__class__ = _Callable
