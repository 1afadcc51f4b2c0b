"""The panel of smoothing in two dimensions: the world, the computation, the drawing."""

from rsbd.panels.plane.compute import Found, Params
from rsbd.panels.plane.panel import plane
from rsbd.panels.plane.world import World

__all__ = ["Found", "Params", "World", "plane"]
