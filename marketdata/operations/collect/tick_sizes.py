"""Reads the tick sizes of a market's instruments from its exchange, and records them by day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from marketdata.models import TickReading
from marketdata.queries.tick_sizes import KEPT, forget_readings
from marketdata.sources.base import SourceError
from marketdata.sources.daily import TickSource


def read_tick_sizes(source: TickSource, market: str, codes: Collection[str], day: date) -> str:
    """Record the ticks of `codes` of a day; why they were not read, as a sentence, "" where they were."""
    try:
        sizes = source.tick_sizes(sorted(codes))
    except SourceError as error:
        return (
            f"The tick sizes of {source.title} were not read: {error} Order prices keep those of the last {KEPT} days, "
            "then follow its published table."
        )
    if sizes:
        values = {code: str(size) for code, size in sizes.items()}
        TickReading.objects.update_or_create(market=market, date=day, defaults={"sizes": values})
        forget_readings()
    return ""
