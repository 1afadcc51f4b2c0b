"""One short function per paper: from data to certificate in steps that can be followed to the theorem."""

from rsbd.recipes.cohen import cohen as cohen
from rsbd.recipes.rosenfeld import rosenfeld as rosenfeld
from rsbd.recipes.wang import wang as wang

__all__ = ["cohen", "rosenfeld", "wang"]
