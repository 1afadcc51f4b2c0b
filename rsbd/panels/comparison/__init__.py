"""Every method against one attacker, in three parts: what is set and found, the computation, the drawing."""

from rsbd.panels.comparison.panel import compare
from rsbd.panels.comparison.params import Entry, Found, Params

__all__ = ["Entry", "Found", "Params", "compare"]
