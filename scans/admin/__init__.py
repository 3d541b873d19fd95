"""The admin of scanner versions and their results."""

from scans.admin.requests import ScanRequestAdmin
from scans.admin.results import ScanRankAdmin, ScanRunAdmin, ScanSessionAdmin
from scans.admin.signals import SignalAdmin
from scans.admin.versions import ScannerVersionAdmin

__all__ = [
    "ScanRankAdmin",
    "ScanRequestAdmin",
    "ScanRunAdmin",
    "ScanSessionAdmin",
    "ScannerVersionAdmin",
    "SignalAdmin",
]
