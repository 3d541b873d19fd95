"""Record of valuations: of each instrument the latest of each source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from marketdata.models import InstrumentValuation
from marketdata.sources.daily import Valuation


def record_valuations(valuations: Mapping[str, Valuation], *, market: str, source: str, at: datetime) -> None:
    """Record code -> valuation in place of those of the same source; a value that is missing now replaces one."""
    InstrumentValuation.objects.bulk_create(
        [
            InstrumentValuation(market=market, stock_code=code, source=source, read_at=at, **values._asdict())
            for code, values in sorted(valuations.items())
        ],
        update_conflicts=True,
        unique_fields=["market", "stock_code", "source"],
        update_fields=[*Valuation._fields, "read_at"],
    )
