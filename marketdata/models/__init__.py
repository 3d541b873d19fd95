"""The record's tables."""

from marketdata.models.calendar import CalendarOverride
from marketdata.models.instruments import Instrument, InstrumentStatus
from marketdata.models.lake import LakePartition
from marketdata.models.pace import CallPace
from marketdata.models.prices import BarCorrection, FactorEvent, StockPrice

__all__ = [
    "BarCorrection",
    "CalendarOverride",
    "CallPace",
    "FactorEvent",
    "Instrument",
    "InstrumentStatus",
    "LakePartition",
    "StockPrice",
]
