"""Scanner versions, their runs and what they picked."""

from scans.models.runs import ScanRank, ScanRun, ScanSession
from scans.models.versions import ActiveVersion, ScannerVersion, VersionChange

__all__ = ["ActiveVersion", "ScanRank", "ScanRun", "ScanSession", "ScannerVersion", "VersionChange"]
