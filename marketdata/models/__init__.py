"""The record's tables."""

from marketdata.models.calendar import CalendarOverride
from marketdata.models.flows import INVESTORS, FlowCorrection, InstitutionalFlow
from marketdata.models.instruments import Instrument, InstrumentStatus
from marketdata.models.lake import FlowPartition, LakePartition, Partition
from marketdata.models.pace import CallPace
from marketdata.models.prices import BarCorrection, FactorEvent, StockPrice

__all__ = [
    "INVESTORS",
    "BarCorrection",
    "CalendarOverride",
    "CallPace",
    "FactorEvent",
    "FlowCorrection",
    "FlowPartition",
    "InstitutionalFlow",
    "Instrument",
    "InstrumentStatus",
    "LakePartition",
    "Partition",
    "StockPrice",
]
