"""Parsers of files of prices (marcap and tidy), of factor events and of investor flow, recognised by their columns."""

from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.formats import FLOW_FORMS, PRICE_FORMS, Form, RecognisedFile
from marketdata.sources.files.recognition import recognise

__all__ = ["FLOW_FORMS", "PRICE_FORMS", "Form", "PriceFileError", "RecognisedFile", "recognise"]
