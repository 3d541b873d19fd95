"""Sources of candles."""

from __future__ import annotations

from typing import cast

from marketdata.nearest_name import did_you_mean
from marketdata.operations import source_descriptions, sources
from marketdata.sources.base import CandleSource, Capability, SourceRefused


def candle_source(name: str, *, per_second: float = 0.0) -> CandleSource:
    """The configured source of that name; SourceRefused where it has no candles. Close it at the end. `per_second`: a
    pace instead of the configured one."""
    source = sources.get_source(name, per_second=per_second)
    if Capability.CANDLES not in source.capabilities:
        source.close()
        names = [other.name for other in source_descriptions.describe_sources() if Capability.CANDLES in other.can]
        raise SourceRefused(
            f"{source.title} has no candles: choose one of {', '.join(names)}.{did_you_mean(name, names)}"
        )
    return cast(CandleSource, source)
