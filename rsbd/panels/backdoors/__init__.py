"""The main panel, in four parts: what is set and found, the computation, the drawing, the words."""

from rsbd.panels.backdoors.panel import backdoor
from rsbd.panels.backdoors.params import Found, Params

__all__ = ["Found", "Params", "backdoor"]
