"""Bithumb: the API that Upbit defined, on Korean time: a `to` without a zone is KST, and days are KST days."""

from __future__ import annotations

from datetime import timedelta

from marketdata.sources.base import SourceCalendar
from marketdata.sources.http.client import HttpClient
from marketdata.sources.quotation.client import PATHS, ExchangeDialect
from marketdata.sources.quotation.daily import DailyQuotationSource

KST = timedelta(hours=9)

BITHUMB = ExchangeDialect(
    name="bithumb",
    title="Bithumb",
    base_url="https://api.bithumb.com",
    per_second=1 / 0.105,
    calendar=SourceCalendar(day_offset=KST),
    timeframes=frozenset(PATHS) - {"1s", "1y"},
    to_ahead=KST,
)


def source(http: HttpClient, *, base_url: str = "", per_second: float = 0.0) -> DailyQuotationSource:
    """The Bithumb source; `base_url` and `per_second` override the exchange's own."""
    return DailyQuotationSource(BITHUMB, http, base_url=base_url, per_second=per_second)
