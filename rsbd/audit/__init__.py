"""Attack what is certified: by enumeration where everything can be written out, by search on real data."""

from rsbd.audit.exhaustive import Exhausted as Exhausted
from rsbd.audit.exhaustive import Violation as Violation
from rsbd.audit.exhaustive import exhaustive as exhaustive
from rsbd.audit.rowworld import exhaustive_rows as exhaustive_rows
from rsbd.audit.search import Change as Change
from rsbd.audit.search import Finding as Finding
from rsbd.audit.search import apply as apply
from rsbd.audit.search import attack as attack
from rsbd.audit.search import candidates as candidates
