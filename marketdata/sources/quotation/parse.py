"""Parser of the quotation API that Upbit defined and other Korean exchanges use too: bytes in, columns out, no HTTP.

An answer that was cut short, lacks a value or is a page of HTML is `SourceUnavailable`; JSON of another form is
`SourceChanged`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from marketdata.sources.base import Candles, SourceChanged, SourceUnavailable

KST_AHEAD = 9 * 3600
PRICES = (
    "opening_price",
    "high_price",
    "low_price",
    "trade_price",
    "candle_acc_trade_volume",
    "candle_acc_trade_price",
)
FIELDS = ("market", "candle_date_time_utc", "candle_date_time_kst", *PRICES, "timestamp")


class Page(NamedTuple):
    """Candles ascending and each once; the answer has `received` rows, `repeated` of them duplicates."""

    candles: Candles
    received: int
    repeated: int


def document(body: bytes, what: str) -> Any:
    """The JSON of an answer."""
    if body.lstrip()[:1] == b"<":
        raise SourceUnavailable(f"{what} answered a web page instead of data.")
    try:
        return json.loads(body)
    except ValueError:
        raise SourceUnavailable(f"{what} answered {len(body)} bytes that are not whole JSON.") from None


def candles(body: bytes, market: str, what: str) -> Page:
    """The candles of an answer, whose rows may be in any order."""
    rows = document(body, what)
    if not isinstance(rows, list):
        raise SourceChanged(f"{what} changed", expected="a list of candles", actual=_excerpt(rows))
    try:
        values = [_row(row, market, what) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise SourceChanged(
            f"{what} changed",
            expected=f"candles of {market} with {', '.join(PRICES)} and both open times",
            actual=f"{type(error).__name__}: {error}",
        ) from None
    columns = Candles.of_rows(values)
    _check_prices(columns, what)
    return Page(columns, len(rows), len(rows) - len(columns))


def _row(row: Any, market: str, what: str) -> tuple[int, float, float, float, float, float, float, int]:
    blank = [name for name in FIELDS if isinstance(row, dict) and row.get(name, 0) in (None, "")]
    if blank:
        # A blank is no value, and no change of the API either: a repeated call is answered whole.
        raise SourceUnavailable(f"{what} answered a candle of {market} without {', '.join(blank)}.")
    if row["market"] != market:
        raise ValueError(f"a candle of {row['market']}")
    opened = _seconds(row["candle_date_time_utc"])
    if _seconds(row["candle_date_time_kst"]) - opened != KST_AHEAD:
        raise ValueError(f"{row['candle_date_time_utc']} UTC beside {row['candle_date_time_kst']} KST")
    o, high, low, close, volume, amount = (float(row[name]) for name in PRICES)
    return opened, o, high, low, close, volume, amount, int(row["timestamp"])


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _check_prices(columns: Candles, what: str) -> None:
    sound = (
        (columns.low > 0)
        & (columns.low <= np.minimum(columns.open, columns.close))
        & (columns.high >= np.maximum(columns.open, columns.close))
        & np.isfinite(columns.high)
        & (columns.volume >= 0)
        & (columns.amount >= 0)
    )
    if not sound.all():
        at = int(np.argmin(sound))
        values = columns.open[at], columns.high[at], columns.low[at], columns.close[at], columns.volume[at]
        raise SourceChanged(
            f"{what} answered an impossible candle",
            expected="0 < low <= open, close <= high and no negative volume",
            actual=f"open, high, low, close, volume {[float(value) for value in values]}",
        )


def names(body: bytes, what: str) -> dict[str, str]:
    """The market codes of an answer with their names, Korean before English, "" where there is none."""
    rows = document(body, what)
    try:
        return {str(row["market"]): str(row.get("korean_name") or row.get("english_name") or "") for row in rows}
    except (KeyError, TypeError, AttributeError):
        raise SourceChanged(f"{what} changed", expected="a list of markets", actual=_excerpt(rows)) from None


def tick_sizes(body: bytes, what: str) -> dict[str, Decimal]:
    """The ticks of an answer by market code."""
    rows = document(body, what)
    try:
        sizes = {str(row["market"]): Decimal(str(row["tick_size"])) for row in rows}
    except (KeyError, TypeError, ArithmeticError):
        raise SourceChanged(f"{what} changed", expected="markets with a tick_size", actual=_excerpt(rows)) from None
    if any(not size.is_finite() or size <= 0 for size in sizes.values()):
        raise SourceChanged(f"{what} changed", expected="a tick_size above 0", actual=_excerpt(rows))
    return sizes


def _excerpt(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:120]
