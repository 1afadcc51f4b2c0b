"""The panel of partitions and bags, in three parts: what is set and found, the computation, the drawing."""

from rsbd.panels.partitions.panel import partitions
from rsbd.panels.partitions.params import Found, Params

__all__ = ["Found", "Params", "partitions"]
