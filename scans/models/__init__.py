"""Scanner versions, runs, ranks, signals, evenings, scans before the close, requests, sweeps; marks and settings."""

from scans.models.evenings import Delivery, Evening, EveningOutcome, EveningStatus, Notification
from scans.models.marks import Mark, Tag
from scans.models.message_channels import ChannelKind, IntradayMessages, MessageChannel
from scans.models.preclose import PrecloseAnswer, PrecloseScan
from scans.models.reader_settings import ReaderSettings
from scans.models.requests import RequestStatus, ScanDraft, ScanRequest
from scans.models.runs import Backfill, QuarantineDecision, Reading, ScanRank, ScanRun, ScanSession, Status, Verdict
from scans.models.signals import Signal, SignalStatus
from scans.models.sweeps import Sweep, SweepLook, SweepStatus, SweepVariant
from scans.models.touches import IntradayTouch
from scans.models.versions import ActiveVersion, ScannerVersion, VersionChange

__all__ = [
    "ActiveVersion",
    "Backfill",
    "ChannelKind",
    "Delivery",
    "Evening",
    "EveningOutcome",
    "EveningStatus",
    "IntradayMessages",
    "IntradayTouch",
    "Mark",
    "MessageChannel",
    "Notification",
    "PrecloseAnswer",
    "PrecloseScan",
    "QuarantineDecision",
    "ReaderSettings",
    "Reading",
    "RequestStatus",
    "ScanDraft",
    "ScanRank",
    "ScanRequest",
    "ScanRun",
    "ScanSession",
    "ScannerVersion",
    "Signal",
    "SignalStatus",
    "Status",
    "Sweep",
    "SweepLook",
    "SweepStatus",
    "SweepVariant",
    "Tag",
    "Verdict",
    "VersionChange",
]
