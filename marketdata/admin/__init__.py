"""The admin of market data."""

from marketdata.admin.candles import (
    CandleCollectionAdmin,
    CandleSeriesAdmin,
    FeatureFlagAdmin,
    FlagRollbackAdmin,
)
from marketdata.admin.indexes import IndexBarAdmin, IndexChoiceAdmin
from marketdata.admin.lake import LakePartitionAdmin
from marketdata.admin.prices import (
    BarCorrectionAdmin,
    FactorEventAdmin,
    FlowCorrectionAdmin,
    InstitutionalFlowAdmin,
    StockPriceAdmin,
)
from marketdata.admin.record import CalendarChangeAdmin, CalendarOverrideAdmin, InstrumentAdmin

__all__ = [
    "BarCorrectionAdmin",
    "CalendarChangeAdmin",
    "CalendarOverrideAdmin",
    "CandleCollectionAdmin",
    "CandleSeriesAdmin",
    "FactorEventAdmin",
    "FeatureFlagAdmin",
    "FlagRollbackAdmin",
    "FlowCorrectionAdmin",
    "IndexBarAdmin",
    "IndexChoiceAdmin",
    "InstitutionalFlowAdmin",
    "InstrumentAdmin",
    "LakePartitionAdmin",
    "StockPriceAdmin",
]
