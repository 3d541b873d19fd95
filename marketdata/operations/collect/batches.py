"""Daily bars of a source as a batch of the record."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
import pyarrow as pa

from marketdata import calendars
from marketdata.sources.base import KINDS
from marketdata.sources.batches import VALUES, BarBatch, RowStatus
from marketdata.sources.daily import DailyBar, Quote

COLUMNS = ("date", "code", "open", "high", "low", "close", "volume", "amount", "base_price")


def bar_batch(bars: Iterable[DailyBar]) -> BarBatch:
    """The bars as columns, by (code, session); of two bars with one key the later one is used."""
    unique_bars = {(bar.code, bar.session): bar for bar in bars}
    rows = [unique_bars[key] for key in sorted(unique_bars)]
    codes, code = np.unique(np.array([bar.code for bar in rows], dtype=str), return_inverse=True)
    days = calendars.to_days([bar.session for bar in rows])
    values = {name: np.array([getattr(bar, name, None) for bar in rows], dtype=np.float64) for name in VALUES}
    none = np.zeros(len(rows), dtype=bool)
    standings = {standing: at for at, standing in enumerate(dict.fromkeys((bar.segment, bar.kind) for bar in rows))}
    status = np.array([standings[bar.segment, bar.kind] for bar in rows], dtype=np.int32)
    return BarBatch(
        row=np.arange(1, len(rows) + 1),
        codes=codes,
        code=code.astype(np.int32),
        names=np.empty(0, dtype=str),
        name=np.full(len(rows), -1, dtype=np.int32),
        date=days,
        values=values,
        statuses=tuple(_row_status(*standing) for standing in standings),
        status=status,
        unreadable=none,
        foreign=none,
        raw=pa.table(
            {
                "date": pa.array(days),
                "code": pa.array(codes[code].tolist(), pa.string()),
                **{name: pa.array(values[name]) for name in COLUMNS[2:]},
            }
        ),
    )


def _row_status(segment: str | None, kind: str) -> RowStatus:
    """The status of a bar's instrument, with the same values as the instrument list of that source."""
    if segment is None:
        return RowStatus(None, None, None, None, None)
    return RowStatus(segment, None, KINDS.get(kind, "other"), False, False, False, "")


def quote_bar(quote: Quote, session: date) -> DailyBar:
    """A closed session's bar from its quote, which must be whole. An instrument that has not traded is written as the
    exchange writes a halted day."""
    values = (quote.open, quote.high, quote.low, quote.price, quote.volume)
    open_, high, low, price, volume = (float("nan") if value is None else value for value in values)
    return DailyBar(
        code=quote.code,
        session=session,
        open=open_ if volume > 0 else 0.0,
        high=high if volume > 0 else 0.0,
        low=low if volume > 0 else 0.0,
        close=price,
        volume=volume,
        amount=quote.amount,
        base_price=quote.base_price,
    )
