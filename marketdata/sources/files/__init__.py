"""Files of prices (marcap and tidy), of factor events and of investor flow, recognised by their columns."""

from marketdata.sources.files.batch import (
    BarBatch,
    EventBatch,
    FlowBatch,
    PriceFileError,
    Status,
)
from marketdata.sources.files.forms import Recognised, recognise

__all__ = [
    "BarBatch",
    "EventBatch",
    "FlowBatch",
    "PriceFileError",
    "Recognised",
    "Status",
    "recognise",
]
