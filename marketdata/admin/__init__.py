"""The admin of market data."""

from marketdata.admin.record import CalendarOverrideAdmin, InstrumentAdmin, LakePartitionAdmin

__all__ = ["CalendarOverrideAdmin", "InstrumentAdmin", "LakePartitionAdmin"]
