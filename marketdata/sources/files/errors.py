"""The error of file parsers."""

from __future__ import annotations

from marketdata.sources.base import SourceRefused


class PriceFileError(SourceRefused):
    """A file that cannot be imported; the message has its name, the reason and advice."""
