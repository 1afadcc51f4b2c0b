"""Votes that no trigger on the test input can move."""

from rsbd.evasion.linear import kept
from rsbd.evasion.triggers import AnyPatch, AnyPixels, AnyTrigger, Evidence, read_triggers

__all__ = ["AnyPatch", "AnyPixels", "AnyTrigger", "Evidence", "kept", "read_triggers"]
