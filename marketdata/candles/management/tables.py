"""Tables of recorded candles for a person, JSON lines or CSV for a program."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.core.management.base import CommandError, OutputWrapper

from marketdata.candles.collector.fill import FilledCandles
from marketdata.candles.collector.gaps import Gap, slots_by_reason
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.operations.advice import Advice
from marketdata.candles.queries import RecordedSeries
from marketdata.management import table_output
from marketdata.management.table import Column as Heading
from marketdata.management.table import write_table
from marketdata.number_format import format_count, format_number
from marketdata.tables.table import Table, column

Row = dict[str, Any]
PRICES = ("open", "high", "low", "close", "volume", "amount")
WORDS = {
    "source",
    "market",
    "timeframe",
    "from",
    "to",
    "listed",
    "why",
    "place",
    "opened",
    "empty",
    "pattern",
    "advice",
}
"""Columns of text."""

TIME = pa.timestamp("us", "UTC")
SERIES: dict[str, pa.DataType] = {
    **dict.fromkeys(("source", "market", "timeframe"), pa.string()),
    "candles": pa.int64(),
    "from": TIME,
    "to": TIME,
    "verified": pa.int64(),
    "intervals": pa.int64(),
    "listed": TIME,
}
GAPS: dict[str, pa.DataType] = {"from": TIME, "to": TIME, "slots": pa.int64(), "why": pa.string(), "place": pa.string()}
ADVICE: dict[str, pa.DataType] = {
    **dict.fromkeys(("source", "market", "timeframe", "pattern"), pa.string()),
    "score": pa.float64(),
    "calls": pa.int64(),
    "needed": pa.int64(),
    "advice": pa.string(),
}
CANDLES: dict[str, pa.DataType] = {"opened": TIME, **dict.fromkeys(PRICES, pa.float64()), "empty": pa.bool_()}
"""The columns of each table with their types."""


class CandleTables:
    """Writes in one of the forms table, json (one object a line), csv, parquet and xlsx; the last two into a file."""

    def __init__(self, out: OutputWrapper, form: str, output: Path | None, encoding: str) -> None:
        table_output.refuse_terminal(form, output)
        if output is not None and form not in table_output.TABLES:
            raise CommandError(f"--output takes --format {', '.join(table_output.TABLES)}.")
        self._out, self._form, self._output, self._encoding = out, form, output, encoding

    def series(self, recorded: Sequence[RecordedSeries]) -> None:
        """Write a line for each series."""
        rows = [
            {
                "source": record.series.source,
                "market": record.series.market,
                "timeframe": record.series.grid.timeframe.name,
                "candles": record.candles,
                "from": _time(record.extent and record.extent.start),
                "to": _time(record.extent and record.extent.end),
                "verified": record.verified,
                "intervals": record.intervals,
                "listed": _time(record.listed),
            }
            for record in recorded
        ]
        if not rows and self._form == "table":
            self._out.write("No candles are recorded yet: collect some with `manage.py collect_candles`.")
        self._write(rows, SERIES)

    def advice(self, advice: Sequence[Advice]) -> None:
        """Write the score and the suggestions of each series."""
        if not advice and self._form == "table":
            self._out.write("No collection has ended yet: there is nothing to advise on.")
        rows = (
            {
                "source": each.series.source,
                "market": each.series.market,
                "timeframe": each.series.grid.timeframe.name,
                "pattern": each.pattern or "none",
                "score": round(each.figures.score, 1),
                "calls": each.figures.calls,
                "needed": each.figures.least_calls,
                "advice": "; ".join(map(str, each.suggestions)) or "nothing to change",
            }
            for each in advice
        )
        self._write(rows, ADVICE)

    def gaps(self, gaps: Sequence[Gap], limit: int) -> None:
        """Write the number of empty slots by reason, and the `limit` longest gaps."""
        if self._form == "table":
            reasons = slots_by_reason(gaps).items()
            empty = ", ".join(f"{slots:,} {reason.replace('_', ' ')}" for reason, slots in reasons)
            note = f" (the {limit:,} longest listed)" if len(gaps) > limit else ""
            count = "1 gap" if len(gaps) == 1 else f"{len(gaps):,} gaps"
            self._out.write(f"{count}{note}; empty slots: {empty or 'none'}")
        longest = sorted(gaps, key=lambda gap: -gap.slots)[:limit]
        rows = (
            {
                "from": _time(gap.interval.start),
                "to": _time(gap.interval.end),
                "slots": gap.slots,
                "why": str(gap.reason),
                "place": str(gap.place),
            }
            for gap in sorted(longest)
        )
        self._write(rows, GAPS)

    def candles(self, filled: FilledCandles) -> None:
        """Write a line for each candle, or slot."""
        self._write(_candles(filled), CANDLES)

    def _write(self, rows: Iterable[Row], kinds: Mapping[str, pa.DataType]) -> None:
        if self._form in table_output.TABLES:
            columns = [column(name, kind) for name, kind in kinds.items()]
            table_output.write(Table(columns, rows), self._form, self._output, self._out, self._encoding)
            return
        if self._form == "json":
            for row in rows:
                self._out.write(json.dumps(row))
            return
        lines = list(rows)
        if not lines:
            return
        headings = [Heading(name, text=name in WORDS) for name in lines[0]]
        write_table(self._out, headings, ([_cell(*cell) for cell in line.items()] for line in lines))


def _candles(filled: FilledCandles) -> Iterator[Row]:
    candles = filled.candles
    columns = [getattr(candles, name).tolist() for name in PRICES]
    rows = zip(candles.opened.tolist(), *columns, filled.empty.tolist(), strict=True)
    for opened, *prices, empty in rows:
        values = [None if math.isnan(value) else value for value in prices]
        yield {"opened": _time(opened), **dict(zip(PRICES, values, strict=True)), "empty": empty}


def _time(when: int | None) -> str | None:
    return None if when is None else as_datetime(when).isoformat().replace("+00:00", "Z")


def _raw(value: Any) -> str:
    """A value for a program: every digit, never an exponent."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_number(value, 17).replace(",", "") if isinstance(value, float) else str(value)


def _cell(name: str, value: Any) -> str:
    """A value for a person."""
    if value is None or isinstance(value, bool | str):
        return _raw(value)
    if name == "amount":
        return format_number(value, 3)
    return format_count(value) if name == "volume" else format_number(value, 10)
