"""Scanner versions, their runs, what they picked and what became of it."""

from scans.models.runs import Backfill, ScanRank, ScanRun, ScanSession, Status
from scans.models.signals import Signal, SignalStatus
from scans.models.versions import ActiveVersion, ScannerVersion, VersionChange

__all__ = [
    "ActiveVersion",
    "Backfill",
    "ScanRank",
    "ScanRun",
    "ScanSession",
    "ScannerVersion",
    "Signal",
    "SignalStatus",
    "Status",
    "VersionChange",
]
