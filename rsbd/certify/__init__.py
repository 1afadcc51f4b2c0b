"""Certificates: what an attacker provably cannot do, given bounds and noise."""

import sys
from types import ModuleType

from rsbd.certify.certificate import ABSTAIN as ABSTAIN
from rsbd.certify.certificate import Certificate as Certificate
from rsbd.certify.threats import certified_map as certified_map
from rsbd.certify.threats import certify as certify
from rsbd.certify.threats import poisoned_rows as poisoned_rows
from rsbd.certify.threats import radius as radius


class _Callable(ModuleType):
    """Make `rsbd.certify(...)` call the function: the module has its name, and Python sets it on `rsbd` on import."""

    __call__ = staticmethod(certify)


sys.modules[__name__].__class__ = _Callable
