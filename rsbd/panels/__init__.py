"""Live panels: a frozen ``Params``, a pure ``compute``, a pure ``render``, and widgets that only wire them.

``rsbd.panels.backdoor(...)`` is the main one, ``PANELS`` has them all by name. :class:`Panel` is what a new one is
made of, in about forty lines; see :mod:`rsbd.panels.engine` for the two functions that it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rsbd.panels.attack import attack
from rsbd.panels.backdoors import backdoor
from rsbd.panels.comparison import compare
from rsbd.panels.confidences import confidence
from rsbd.panels.controls import Choice, Slider, Toggle
from rsbd.panels.engine import Cancelled, Engine, Frame, Picture, SyncRunner, ThreadRunner
from rsbd.panels.labelflips import label_flips
from rsbd.panels.panel import Panel, Static
from rsbd.panels.partitions import partitions
from rsbd.panels.plane import plane
from rsbd.panels.rab import rab
from rsbd.panels.smoothed import smoothed
from rsbd.panels.worst_case import worst_case

# Each can be made with no argument but ``runner``, and is then held by the tests that all panels share.
PANELS: dict[str, Callable[..., Panel[Any, Any]]] = {
    "attack": attack,
    "backdoor": backdoor,
    "compare": compare,
    "confidence": confidence,
    "label_flips": label_flips,
    "partitions": partitions,
    "plane": plane,
    "rab": rab,
    "worst_case": worst_case,
}

__all__ = [
    "PANELS",
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
    "attack",
    "backdoor",
    "compare",
    "confidence",
    "label_flips",
    "partitions",
    "plane",
    "rab",
    "smoothed",
    "worst_case",
]
