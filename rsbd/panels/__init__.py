"""Live panels: a frozen ``Params``, a pure ``compute``, a pure ``render``, and widgets that only wire them.

``rsbd.panels.backdoor(...)`` is the main one. :class:`Panel` is what a new one is made of, in about forty
lines; see :mod:`rsbd.panels.engine` for the two functions that it needs.
"""

from __future__ import annotations

from rsbd.panels.backdoors import backdoor
from rsbd.panels.controls import Choice, Slider, Toggle
from rsbd.panels.engine import Cancelled, Engine, Frame, Picture, SyncRunner, ThreadRunner
from rsbd.panels.panel import Panel, Static

__all__ = [
    "Cancelled",
    "Choice",
    "Engine",
    "Frame",
    "Panel",
    "Picture",
    "Slider",
    "Static",
    "SyncRunner",
    "ThreadRunner",
    "Toggle",
    "backdoor",
]
