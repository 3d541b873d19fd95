"""Upbit: candles of all timeframes, 10 calls a second per address, UTC days.

105 ms between calls never failed, 90 ms failed for 9 % of them: the default stays above the former.
"""

from __future__ import annotations

from datetime import timedelta

from marketdata.sources.base import SourceCalendar
from marketdata.sources.http.client import HttpClient
from marketdata.sources.quotation.client import PATHS, ExchangeDialect
from marketdata.sources.quotation.daily import DailyQuotationSource

UPBIT = ExchangeDialect(
    name="upbit",
    title="Upbit",
    base_url="https://api.upbit.com",
    per_second=1 / 0.105,
    # Second candles reach back three months; 89 days are in any three months.
    calendar=SourceCalendar(seconds_horizon=timedelta(days=89)),
    timeframes=frozenset(PATHS),
    has_tick_sizes=True,  # since 2025-07-31
)


def source(http: HttpClient, *, base_url: str = "", per_second: float = 0.0) -> DailyQuotationSource:
    """The Upbit source; `base_url` and `per_second` override the exchange's own."""
    return DailyQuotationSource(UPBIT, http, base_url=base_url, per_second=per_second)
