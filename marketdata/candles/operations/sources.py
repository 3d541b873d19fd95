"""Which of the sources bring candles."""

from __future__ import annotations

from typing import cast

from marketdata.nearest_name import did_you_mean
from marketdata.operations import sources
from marketdata.sources.base import CandleSource, Capability, SourceRefused


def candle_source(name: str) -> CandleSource:
    """The source of that name, ready to be asked for candles; SourceRefused where it has none. Close it at the end."""
    found = sources.get_source(name)
    if Capability.CANDLES not in found.capabilities:
        found.close()
        known = [one.name for one in sources.describe_sources() if Capability.CANDLES in one.can]
        raise SourceRefused(
            f"{found.title} has no candles: choose one of {', '.join(known)}.{did_you_mean(name, known)}"
        )
    return cast(CandleSource, found)
