"""The record's tables."""

from marketdata.models.calendar import CalendarChange, CalendarOverride
from marketdata.models.features import FeatureFlag, FeatureMeasurement, FlagRollback
from marketdata.models.flows import FlowCorrection, InstitutionalFlow
from marketdata.models.generations import Generation
from marketdata.models.index_series import IndexBar, IndexChoice
from marketdata.models.instruments import Instrument, InstrumentStatus, StatusChange
from marketdata.models.lake import FlowPartition, LakePartition, Partition
from marketdata.models.leases import LeaseRow
from marketdata.models.prices import BarCorrection, BarCoverage, FactorEvent, StockPrice
from marketdata.models.rate_limits import RateLimitRow, SourceVisit
from marketdata.models.readings import SessionReading
from marketdata.models.tasks import TaskRecord, TaskStatus
from marketdata.models.tick_sizes import TickReading
from marketdata.models.valuations import InstrumentValuation

__all__ = [
    "BarCorrection",
    "BarCoverage",
    "CalendarChange",
    "CalendarOverride",
    "FactorEvent",
    "FeatureFlag",
    "FeatureMeasurement",
    "FlagRollback",
    "FlowCorrection",
    "FlowPartition",
    "Generation",
    "IndexBar",
    "IndexChoice",
    "InstitutionalFlow",
    "Instrument",
    "InstrumentStatus",
    "InstrumentValuation",
    "LakePartition",
    "LeaseRow",
    "Partition",
    "RateLimitRow",
    "SessionReading",
    "SourceVisit",
    "StatusChange",
    "StockPrice",
    "TaskRecord",
    "TaskStatus",
    "TickReading",
]
