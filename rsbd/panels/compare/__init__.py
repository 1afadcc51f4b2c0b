"""Every method against one attacker, in three parts: what is set and found, the computation, the drawing."""

from rsbd.panels.compare.panel import compare
from rsbd.panels.compare.params import Entry, Found, Params

__all__ = ["Entry", "Found", "Params", "compare"]
