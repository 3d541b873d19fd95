"""Imitation of the addresses of Yahoo Finance that yfinance calls for a share's daily prices.

One answer has all rows of the requested time as columns: prices in single precision, adjusted for splits until today,
with blanks (null); volumes are those of today's shares. Splits are events. An unknown symbol is answered with 404.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from math import prod
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from tests.exchanges import row_faults
from tests.exchanges.kis_overseas import UsBar, UsInstrument
from tests.exchanges.row_faults import RowFields
from tests.exchanges.server import Exchange, Request, Response
from tests.exchanges.us_market import generated_bars, split

CHART = "/v8/finance/chart/"
ZONE = ZoneInfo("America/New_York")
FIELDS = RowFields("day", "open", "high", "low", "close", "volume", "adjclose", "adjclose")
COLUMNS = ("open", "high", "low", "close", "volume")
PRICES = ("open", "high", "low", "close", "base")


class YahooExchange(Exchange):
    """`listed`: Yahoo's symbol -> instrument, raw. Faults of its own are those of `row_faults`, `crowded` (429) and
    `other` (another symbol's answer). `currency` is that of every answer."""

    def __init__(self, listed: Mapping[str, UsInstrument], **options: Any) -> None:
        super().__init__(**options)
        self.listed = dict(listed)
        self.currency = "USD"
        self._draw = random.Random(7)

    def answer(self, request: Request, fault: str | None) -> Response:
        if not request.path.startswith(CHART):
            return Response(200, b"crumb", kind="text/plain")
        if fault == "crowded":
            return Response(429, b"Too Many Requests", kind="text/plain")
        symbol = request.path.removeprefix(CHART)
        instrument = self.listed.get(symbol)
        if instrument is None:
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return Response.json({"chart": {"result": None, "error": error}}, 404)
        first, last = (int(request.params[name]) for name in ("period1", "period2"))
        bars = [bar for bar in instrument.bars if first <= _opening(bar.session) < last]
        rows = [_row(instrument, bar) for bar in bars]
        row_faults.apply(rows, fault, FIELDS, self._draw)
        rows = [row for row in rows if row]
        meta = {
            "currency": self.currency,
            "symbol": "OTHER" if fault == "other" else symbol,
            "instrumentType": "EQUITY",
            "exchangeTimezoneName": "America/New_York",
            "timezone": "EST",
            "validRanges": ["1d", "max"],
            "dataGranularity": "1d",
        }
        quote = {name: [_number(row.get(name)) for row in rows] for name in COLUMNS} if rows else {}
        adjusted = [_number(row.get("close")) for row in rows]
        result = {
            "meta": meta,
            "timestamp": [_opening(date.fromisoformat(row["day"])) for row in rows],
            "indicators": {"quote": [quote], "adjclose": [{"adjclose": adjusted}]},
            "events": {"splits": _splits(instrument, first, last)},
        }
        return Response.json({"chart": {"result": [result], "error": None}})


def yahoo_market(days: Sequence[date], *symbols: str) -> dict[str, UsInstrument]:
    """Shares with prices in cents, the first of them split four for one in the middle."""
    market = {symbol: UsInstrument("NAS", f"{symbol} Inc.", []) for symbol in symbols}
    for seed, instrument in enumerate(market.values()):
        bars = generated_bars(days, seed, 40.0)
        instrument.bars = [bar._replace(**{name: round(getattr(bar, name), 2) for name in PRICES}) for bar in bars]
    split(market[symbols[0]], days[len(days) // 2], 0.25)
    return market


def _row(instrument: UsInstrument, bar: UsBar) -> dict[str, str]:
    factor = prod(ratio for day, ratio in instrument.splits.items() if day > bar.session)
    prices = [repr(float(np.float32(price * factor))) for price in bar[1:5]]
    names = dict(zip(COLUMNS, (*prices, str(round(bar.volume / factor))), strict=True))
    return {"day": f"{bar.session:%Y%m%d}", **names, "adjclose": names["close"]}


def _splits(instrument: UsInstrument, first: int, last: int) -> dict[str, dict[str, Any]]:
    events = {}
    for day, ratio in instrument.splits.items():
        at = _opening(day)
        if first <= at < last:
            shares = {"numerator": round(1 / ratio), "denominator": 1, "splitRatio": f"{round(1 / ratio)}:1"}
            events[str(at)] = {"date": at, **shares}
    return events


def _number(text: str | None) -> float | None:
    return float(text) if text and text.strip() not in ("", "-") else None


def _opening(session: date) -> int:
    return int(datetime.combine(session, time(9, 30), ZONE).timestamp())
