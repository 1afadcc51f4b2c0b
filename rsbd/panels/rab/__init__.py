"""RAB live: noise on the training pixels, an attack of a given length, and two bounds on the same votes."""

from rsbd.panels.rab.panel import rab
from rsbd.panels.rab.params import Found, Params

__all__ = ["Found", "Params", "rab"]
