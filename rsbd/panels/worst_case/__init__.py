"""The worst classifier: Neyman and Pearson's regions and the trade-off curve that they trace."""

from rsbd.panels.worst_case.compute import Found, levels, worst_event
from rsbd.panels.worst_case.panel import worst_case
from rsbd.panels.worst_case.params import Params

__all__ = ["Found", "Params", "levels", "worst_case", "worst_event"]
