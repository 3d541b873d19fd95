"""The admin of scanner versions and their results."""

from scans.admin.results import ScanRunAdmin, ScanSessionAdmin
from scans.admin.versions import ActiveVersionAdmin, ScannerVersionAdmin

__all__ = ["ActiveVersionAdmin", "ScanRunAdmin", "ScanSessionAdmin", "ScannerVersionAdmin"]
