"""Votes that no trigger on the test input can move."""

from rsbd.evasion.evidence import Evidence as Evidence
from rsbd.evasion.linear import kept as kept
from rsbd.evasion.triggers import AnyPatch as AnyPatch
from rsbd.evasion.triggers import AnyPixels as AnyPixels
from rsbd.evasion.triggers import AnyTrigger as AnyTrigger
