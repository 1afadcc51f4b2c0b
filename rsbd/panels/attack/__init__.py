"""The panel of backdoor attacks alone: choose a trigger, poison, train again, see what accuracy does not show."""

from rsbd.panels.attack.panel import attack
from rsbd.panels.attack.params import Found, Params

__all__ = ["Found", "Params", "attack"]
