"""Attacks on certified predictions: by enumeration in tiny worlds, and by search on real data."""

from rsbd.audit.changes import Attempt as Attempt
from rsbd.audit.changes import Change as Change
from rsbd.audit.changes import apply_changes as apply_changes
from rsbd.audit.changes import candidates as candidates
from rsbd.audit.exhaustive import Exhausted as Exhausted
from rsbd.audit.exhaustive import Violation as Violation
from rsbd.audit.exhaustive import exhaustive as exhaustive
from rsbd.audit.judges import Judge as Judge
from rsbd.audit.judges import PartitionVotes as PartitionVotes
from rsbd.audit.judges import Retrained as Retrained
from rsbd.audit.search import AuditReport as AuditReport
from rsbd.audit.search import Finding as Finding
from rsbd.audit.search import attack as attack
