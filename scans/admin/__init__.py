"""The admin of scanner versions and their results."""

from scans.admin.notifications import NotificationAdmin
from scans.admin.preclose import PrecloseScanAdmin
from scans.admin.ranks import ScanRankAdmin
from scans.admin.requests import ScanRequestAdmin
from scans.admin.runs import ScanRunAdmin
from scans.admin.sessions import ScanSessionAdmin
from scans.admin.signals import SignalAdmin
from scans.admin.sweeps import SweepAdmin
from scans.admin.versions import ScannerVersionAdmin

__all__ = [
    "NotificationAdmin",
    "PrecloseScanAdmin",
    "ScanRankAdmin",
    "ScanRequestAdmin",
    "ScanRunAdmin",
    "ScanSessionAdmin",
    "ScannerVersionAdmin",
    "SignalAdmin",
    "SweepAdmin",
]
