"""The main panel, in four parts: what is set and found, the computation, the drawing, the words."""

from rsbd.panels.backdoor.panel import backdoor
from rsbd.panels.backdoor.params import Found, Params

__all__ = ["Found", "Params", "backdoor"]
