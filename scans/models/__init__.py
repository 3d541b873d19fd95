"""Scanner versions, their runs and what they picked."""

from scans.models.runs import Backfill, ScanRank, ScanRun, ScanSession, Status
from scans.models.versions import ActiveVersion, ScannerVersion, VersionChange

__all__ = [
    "ActiveVersion",
    "Backfill",
    "ScanRank",
    "ScanRun",
    "ScanSession",
    "ScannerVersion",
    "Status",
    "VersionChange",
]
