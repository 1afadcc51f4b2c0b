"""Attacks on certified predictions: by enumeration in tiny worlds, and by search on real data."""

from rsbd.audit.changes import Attempt, Change, apply_changes, candidates
from rsbd.audit.exhaustive import Exhausted, Violation, exhaustive
from rsbd.audit.judges import Judge, PartitionVotes, Retrained
from rsbd.audit.search import AuditReport, Finding, attack

__all__ = ["Attempt", "AuditReport", "Change", "Exhausted", "Finding", "Judge", "PartitionVotes", "Retrained"]
__all__ += ["Violation", "apply_changes", "attack", "candidates", "exhaustive"]
