"""The admin of market data."""

from marketdata.admin.indexes import IndexBarAdmin, IndexChoiceAdmin
from marketdata.admin.record import CalendarOverrideAdmin, InstrumentAdmin, LakePartitionAdmin

__all__ = [
    "CalendarOverrideAdmin",
    "IndexBarAdmin",
    "IndexChoiceAdmin",
    "InstrumentAdmin",
    "LakePartitionAdmin",
]
