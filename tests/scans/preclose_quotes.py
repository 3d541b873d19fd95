"""Scans before the close of the small market: quotes made of its own bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pandas as pd

from marketdata.operations.forming import QuoteSweep
from marketdata.sources.daily import Quote
from scans.models import PrecloseScan
from scans.operations.preclose.scan import PrecloseRequest, keep, scan_quotes
from scans.queries.versions import get_versions

SEOUL = ZoneInfo("Asia/Seoul")


def quotes_of(rows: pd.DataFrame, day: date, prices: Mapping[str, float]) -> list[Quote]:
    """A quote of every instrument on `day` at its price of `prices`, else at its close."""
    bars = rows[rows["date"] == day].to_dict("records")
    price = {bar["code"]: float(prices.get(bar["code"], bar["close"])) for bar in bars}
    return [
        Quote(code, last, last + 5, last - 5, last, float(bar["volume"]), None, None)
        for bar, (code, last) in zip(bars, price.items(), strict=True)
    ]


def scan_before_close(
    rows: pd.DataFrame,
    day: date,
    prices: Mapping[str, float] | None = None,
    versions: Sequence[str] = ("rises", "rises-10"),
) -> PrecloseScan:
    """The kept scan of 15:18 on `day`."""
    quotes = quotes_of(rows, day, prices or {})
    at = datetime.combine(day, time(15, 18), SEOUL)
    sweep = QuoteSweep("kr", day, "kis", tuple(quotes), len(quotes), at, at, calls=1)
    return keep(scan_quotes(sweep, get_versions("kr", list(versions)), PrecloseRequest("kr", executor="inline")))
