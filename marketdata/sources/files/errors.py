"""What is wrong with a file."""

from __future__ import annotations

from marketdata.sources.base import SourceRefused


class PriceFileError(SourceRefused):
    """A file that cannot be imported; the message says which, why and what to do."""
