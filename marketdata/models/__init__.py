"""The record's tables."""

from marketdata.models.calendar import CalendarChange, CalendarOverride
from marketdata.models.flows import FlowCorrection, InstitutionalFlow
from marketdata.models.generations import Generation
from marketdata.models.index_series import IndexBar, IndexChoice
from marketdata.models.instruments import Instrument, InstrumentStatus, StatusChange
from marketdata.models.lake import FlowPartition, LakePartition, Partition
from marketdata.models.leases import LeaseRow
from marketdata.models.pace import CallPace, SourceVisit
from marketdata.models.prices import BarCorrection, BarCoverage, FactorEvent, StockPrice

__all__ = [
    "BarCorrection",
    "BarCoverage",
    "CalendarChange",
    "CalendarOverride",
    "CallPace",
    "FactorEvent",
    "FlowCorrection",
    "FlowPartition",
    "Generation",
    "IndexBar",
    "IndexChoice",
    "InstitutionalFlow",
    "Instrument",
    "InstrumentStatus",
    "LakePartition",
    "LeaseRow",
    "Partition",
    "SourceVisit",
    "StatusChange",
    "StockPrice",
]
