"""Recorded candles as tables for a person, or as JSON lines or CSV for a program."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.management.base import OutputWrapper

from marketdata.candle_queries import Recorded
from marketdata.candles.gaps import Gap, summary
from marketdata.candles.reading import Reading
from marketdata.candles.timeframes import as_datetime

Row = dict[str, Any]
PRICES = ("open", "high", "low", "close", "volume", "amount")


class CandleTables:
    """Writes to standard output in one of the forms table, json (one object a line) and csv."""

    def __init__(self, out: OutputWrapper, form: str) -> None:
        self._out, self._form = out, form

    def series(self, found: Sequence[Recorded]) -> None:
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
        self._write(rows)

    def gaps(self, found: Sequence[Gap], limit: int) -> None:
        """How many slots are empty and why; the longest gaps."""
        if self._form == "table":
            counted = ", ".join(
                f"{slots:,} {why.replace('_', ' ')}" for why, slots in summary(found).items()
            )
            self._out.write(f"{len(found):,} gaps; empty slots: {counted or 'none'}")
        longest = sorted(found, key=lambda gap: -gap.slots)[:limit]
        self._write(
            {
                "from": _time(gap.interval.start),
                "to": _time(gap.interval.end),
                "slots": gap.slots,
                "why": str(gap.why),
                "place": str(gap.place),
            }
            for gap in sorted(longest)
        )

    def candles(self, reading: Reading) -> None:
        """One line for each candle, or slot."""
        self._write(_candles(reading))

    def _write(self, rows: Iterable[Row]) -> None:
        if self._form == "json":
            for row in rows:
                self._out.write(json.dumps(row))
            return
        shown = [{name: _text(value) for name, value in row.items()} for row in rows]
        if not shown:
            return
        table = [list(shown[0]), *(list(row.values()) for row in shown)]
        if self._form == "csv":
            for cells in table:
                self._out.write(",".join(cells))
            return
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for cells in table:
            line = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
            self._out.write(line)


def _candles(reading: Reading) -> Iterator[Row]:
    found = reading.candles
    columns = [getattr(found, name).tolist() for name in PRICES]
    rows = zip(found.opened.tolist(), *columns, reading.empty.tolist(), strict=True)
    for opened, *prices, empty in rows:
        values = [None if math.isnan(value) else value for value in prices]
        yield {"opened": _time(opened), **dict(zip(PRICES, values, strict=True)), "empty": empty}


def _time(when: int | None) -> str | None:
    return None if when is None else as_datetime(when).isoformat().replace("+00:00", "Z")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
