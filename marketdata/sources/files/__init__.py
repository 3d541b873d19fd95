"""Price files: marcap and tidy Parquet or CSV, and factor-event files, recognised by their columns."""

from marketdata.sources.files.batch import BarBatch, EventBatch, PriceFileError, Status
from marketdata.sources.files.forms import Recognised, recognise

__all__ = ["BarBatch", "EventBatch", "PriceFileError", "Recognised", "Status", "recognise"]
