"""Files of prices (marcap and tidy), of factor events and of investor flow, recognised by their columns."""

from marketdata.sources.files.batch import (
    BarBatch,
    EventBatch,
    FlowBatch,
    PriceFileError,
    Status,
)
from marketdata.sources.files.forms import FLOW_FORMS, PRICE_FORMS, Form, Recognised, recognise

__all__ = [
    "FLOW_FORMS",
    "PRICE_FORMS",
    "BarBatch",
    "EventBatch",
    "FlowBatch",
    "Form",
    "PriceFileError",
    "Recognised",
    "Status",
    "recognise",
]
