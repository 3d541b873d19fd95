"""Recorded candles as tables for a person, or as JSON lines or CSV for a program."""

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
from marketdata.candles.queries import RecordedSeries
from marketdata.management import table_output
from marketdata.management.table import Column as Heading
from marketdata.management.table import write_table
from marketdata.number_format import format_count, format_number
from marketdata.tables.table import Table, column

Row = dict[str, Any]
PRICES = ("open", "high", "low", "close", "volume", "amount")
WORDS = {"source", "market", "timeframe", "from", "to", "listed", "why", "place", "opened", "empty"}
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
GAPS: dict[str, pa.DataType] = {
    "from": TIME,
    "to": TIME,
    "slots": pa.int64(),
    "why": pa.string(),
    "place": pa.string(),
}
CANDLES: dict[str, pa.DataType] = {
    "opened": TIME,
    **dict.fromkeys(PRICES, pa.float64()),
    "empty": pa.bool_(),
}
"""The columns of each table with their types."""


class CandleTables:
    """Writes in one of the forms table, json (one object a line), csv, parquet and xlsx; the last two into a file."""

    def __init__(self, out: OutputWrapper, form: str, output: Path | None, encoding: str) -> None:
        table_output.refuse_terminal(form, output)
        if output is not None and form not in table_output.TABLES:
            raise CommandError(f"--output takes --format {', '.join(table_output.TABLES)}.")
        self._out, self._form, self._output, self._encoding = out, form, output, encoding

    def series(self, found: Sequence[RecordedSeries]) -> None:
        """One line for each series."""
        rows = [
            {
                "source": one.series.source,
                "market": one.series.market,
                "timeframe": one.series.grid.timeframe.name,
                "candles": one.candles,
                "from": _time(one.extent and one.extent.start),
                "to": _time(one.extent and one.extent.end),
                "verified": one.verified,
                "intervals": one.intervals,
                "listed": _time(one.listed),
            }
            for one in found
        ]
        if not rows and self._form == "table":
            self._out.write("No candles are recorded yet: `manage.py collect_candles` brings some.")
        self._write(rows, SERIES)

    def gaps(self, found: Sequence[Gap], limit: int) -> None:
        """How many slots are empty and why; the longest gaps."""
        if self._form == "table":
            counted = ", ".join(f"{slots:,} {why.replace('_', ' ')}" for why, slots in slots_by_reason(found).items())
            many = f" (the {limit:,} longest listed)" if len(found) > limit else ""
            gaps = "1 gap" if len(found) == 1 else f"{len(found):,} gaps"
            self._out.write(f"{gaps}{many}; empty slots: {counted or 'none'}")
        longest = sorted(found, key=lambda gap: -gap.slots)[:limit]
        rows = (
            {
                "from": _time(gap.interval.start),
                "to": _time(gap.interval.end),
                "slots": gap.slots,
                "why": str(gap.why),
                "place": str(gap.place),
            }
            for gap in sorted(longest)
        )
        self._write(rows, GAPS)

    def candles(self, reading: FilledCandles) -> None:
        """One line for each candle, or slot."""
        self._write(_candles(reading), CANDLES)

    def _write(self, rows: Iterable[Row], kinds: Mapping[str, pa.DataType]) -> None:
        if self._form in table_output.TABLES:
            columns = [column(name, kind) for name, kind in kinds.items()]
            table_output.write(Table(columns, rows), self._form, self._output, self._out, self._encoding)
            return
        if self._form == "json":
            for row in rows:
                self._out.write(json.dumps(row))
            return
        every = list(rows)
        if not every:
            return
        headings = [Heading(name, text=name in WORDS) for name in every[0]]
        write_table(self._out, headings, ([_cell(*one) for one in row.items()] for row in every))


def _candles(reading: FilledCandles) -> Iterator[Row]:
    found = reading.candles
    columns = [getattr(found, name).tolist() for name in PRICES]
    rows = zip(found.opened.tolist(), *columns, reading.empty.tolist(), strict=True)
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
