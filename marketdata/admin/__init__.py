"""The admin of market data."""

from marketdata.admin.features import FeatureFlagAdmin, FlagRollbackAdmin
from marketdata.admin.index_series import IndexBarAdmin, IndexChoiceAdmin
from marketdata.admin.instruments import CalendarChangeAdmin, CalendarOverrideAdmin, InstrumentAdmin
from marketdata.admin.lake import LakePartitionAdmin
from marketdata.admin.prices import (
    BarCorrectionAdmin,
    FactorEventAdmin,
    FlowCorrectionAdmin,
    InstitutionalFlowAdmin,
    StockPriceAdmin,
)
from marketdata.admin.tasks import TaskRecordAdmin

__all__ = [
    "BarCorrectionAdmin",
    "CalendarChangeAdmin",
    "CalendarOverrideAdmin",
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
    "TaskRecordAdmin",
]
