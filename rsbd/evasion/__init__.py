"""Votes that no trigger on the test input can move."""

from rsbd.evasion.linear import kept as kept
from rsbd.evasion.triggers import AnyPatch as AnyPatch
from rsbd.evasion.triggers import AnyPixels as AnyPixels
from rsbd.evasion.triggers import AnyTrigger as AnyTrigger
from rsbd.evasion.triggers import Evidence as Evidence
from rsbd.evasion.triggers import read_triggers as read_triggers
