"""The lecture: ten scenes with presets, as a live stage, as static pages without a kernel, and as a hand-out.

All three show the one list ``SCENES``. :class:`Stage` is what notebook 11 and ``rsbd lecture`` show; what
:func:`write_pages` and :func:`write_handout` write needs no kernel.
"""

from rsbd.course.lecture.handout import write_handout
from rsbd.course.lecture.pages import write_pages
from rsbd.course.lecture.scenes import SCENES, Scene
from rsbd.course.lecture.stage import Stage

__all__ = ["SCENES", "Scene", "Stage", "write_handout", "write_pages"]
