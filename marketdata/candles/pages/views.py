"""Pages of candles: the recorded markets of an exchange, the candles of one with their coverage, its collections."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
from django.conf import settings
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from marketdata.candles import overview, queries
from marketdata.candles.collector.collections import CollectionStatus
from marketdata.candles.collector.coverage import Coverage, covered_slots, subtract
from marketdata.candles.collector.fill import EmptySlots, FilledCandles
from marketdata.candles.collector.gaps import GapReason, classify
from marketdata.candles.collector.timeframes import TIMEFRAMES, Grid, Interval, as_datetime, moment, shift, slot_count
from marketdata.candles.host_cache import HostCachedCandles
from marketdata.candles.pages import words
from marketdata.candles.pages.coverage_strip import CANDLES, draw_strip
from marketdata.market_time import market_zone
from marketdata.pages.candlesticks import draw_candlesticks
from marketdata.pages.kept import Content, KeptContentPage, KeptPartPage

SLOTS = 180
"""Slots of the chart that the server draws."""
SCRIPT_SLOTS = 1_000
"""Slots of the interactive chart."""
GAPS, COLLECTIONS = 12, 10
"""Rows of each table."""


class CandlePage(KeptContentPage):
    """A page of candles of an exchange; 404 for a market without any."""

    section = "candles"

    @cached_property
    def series_rows(self) -> list[Any]:
        """The recorded series, of the market of the address where it names one."""
        if not self.market.has_candles:
            raise Http404(f"Market {self.market.name} has no candles.")
        return overview.series_rows(self.market.name, self.kwargs.get("code", ""))

    @property
    def state(self) -> Sequence[Any]:
        return overview.state(self.series_rows)

    def time(self, when: int, grid: Grid) -> str:
        """A moment on the market's clock, as exact as the timeframe."""
        form = "%Y-%m-%d %H:%M" + ":%S" * (grid.timeframe.name == "1s") if grid.timeframe.is_intraday else "%Y-%m-%d"
        return f"{as_datetime(when).astimezone(market_zone(self.market.name)):{form}}"

    def span(self, interval: Interval, grid: Grid) -> dict[str, Any]:
        """The first slot, the end and the number of slots of an interval."""
        start, end = (self.time(edge, grid) for edge in interval)
        return {"start": start, "end": end, "slots": slot_count(grid, *interval)}


class CandleMarkets(CandlePage):
    """`/{market}/candles`: the markets of an exchange of which candles are recorded."""

    def content(self) -> Content:
        markets = []
        for code, group in groupby(self.series_rows, lambda row: row.market):
            rows = list(group)
            spans = []
            for row in rows:
                grid = queries.series_of(row).grid
                verified = Interval(row.first, row.last) if row.first is not None else None
                spans.append({"row": row, "span": self.span(verified, grid) if verified else None})
            markets.append({"code": code, "series": spans})
        return Content(_("Candles"), self.render("candles/markets.html", {"markets": markets}))


class CandleMarket(CandlePage):
    """`/{market}/candles/{code}?timeframe=&to=`: the candles before a moment, by default the last ones, and what is
    verified of them."""

    parameters = ("timeframe", "to")

    @cached_property
    def row(self) -> Any:
        """The series of ?timeframe=, by default the shortest of the market; 404 where it is not recorded."""
        name = self.request.GET.get("timeframe", "")
        rows = [row for row in self.series_rows if not name or row.timeframe == name]
        if not rows:
            raise Http404(f"No {name} candles of {self.kwargs['code']} from {self.market.name} are recorded.")
        return rows[0]

    def content(self) -> Content:
        row = self.row
        series = queries.series_of(row)
        grid = series.grid
        closed = grid.floor(int(timezone.now().timestamp()))
        extent = Interval(closed if row.first is None else row.first, row.last or closed)
        window = self.window(grid, extent, closed)
        record = HostCachedCandles(None if row.is_combined is False else queries.shared_cache())
        record.know(series, row)
        verified = record.coverage(series, Interval(min(window.start, extent.start), max(window.end, extent.end)))
        filled = queries.read(series, window, empty=EmptySlots.NULL, closed_until=closed, record=record)
        context = {
            "series": series,
            "row": row,
            "rows": self.series_rows,
            "zone": f"{as_datetime(extent.end).astimezone(market_zone(self.market.name)):%Z}",
            "whole": self.whole(grid, extent, verified),
            **self.steps(grid, extent, window),
            **self.chart(grid, window, filled),
            **self.gaps(grid, window, filled, verified, closed),
        }
        place = [self.market.name, row.market]
        latest = Interval(shift(grid, window.end, -SCRIPT_SLOTS), window.end)
        begin, end = (as_datetime(edge).strftime("%Y-%m-%dT%H:%M:%SZ") for edge in latest)
        context |= {
            "api": f"/api/{self.market.name}/candles/{row.market}",
            "query": f"timeframe={row.timeframe}&from={begin}&to={end}",
            "offset": _offset(self.market.name, window.end) if grid.timeframe.is_intraday else grid.offset,
            "has_script": (settings.ASSETS / "lightweight-charts.js").is_file(),
            "collections": reverse("candles:collections", args=place) + f"?timeframe={row.timeframe}",
        }
        html = self.render("candles/market.html", context)
        title = f"{row.market} {row.timeframe}"
        return Content(title, html, frame={"script": "seismo/candles.js"})

    def window(self, grid: Grid, extent: Interval, closed: int) -> Interval:
        """The slots that are drawn: those before ?to=, by default the last that are recorded, the open one included."""
        last = shift(grid, extent.end, 1) if extent.end == closed else extent.end
        try:
            end = datetime.fromisoformat(self.request.GET.get("to", ""))
            last = grid.ceil(moment(end if end.tzinfo else end.replace(tzinfo=market_zone(self.market.name))))
        except (ValueError, OverflowError):
            pass  # no moment: the last ones
        return Interval(shift(grid, last, -SLOTS), last)

    def steps(self, grid: Grid, extent: Interval, window: Interval) -> dict[str, Any]:
        """The moments of the pages before and after, where they have recorded slots."""
        after = shift(grid, window.end, SLOTS)
        return {
            "older": _utc(window.start) if window.start > extent.start else "",
            "newer": _utc(after) if window.end < extent.end else "",
        }

    def chart(self, grid: Grid, window: Interval, filled: FilledCandles) -> dict[str, Any]:
        """The drawing of the window, None without a candle, and its first and last slot."""
        candles = filled.candles
        labels = [self.time(opened, grid) for opened in candles.opened.tolist()]
        drawing = None
        if not np.all(filled.empty):
            columns = {name: getattr(candles, name) for name in ("open", "high", "low", "close", "volume")}
            drawing = draw_candlesticks(labels, columns)
        return {"drawing": drawing, "first": self.time(window.start, grid), "last": labels[-1] if labels else ""}

    def gaps(
        self, grid: Grid, window: Interval, filled: FilledCandles, verified: Coverage, closed: int
    ) -> dict[str, Any]:
        """The strip below the chart, and the longest gaps of the window."""
        opened = filled.candles.opened[~filled.empty]
        gaps = classify(grid, window, opened, verified, listed=self.row.listed, closed_until=closed)
        longest = sorted(sorted(gaps, key=lambda gap: -gap.slots)[:GAPS])
        parts = [(gap.interval, str(gap.reason)) for gap in gaps]
        reasons: dict[str, int] = {}
        for gap in gaps:
            reasons[gap.reason] = reasons.get(gap.reason, 0) + gap.slots
        return {
            "strip": draw_strip(grid, window, parts, CANDLES),
            "gap_count": len(gaps),
            "reasons": [(reason, words.GAPS[reason], slots) for reason, slots in reasons.items()],
            "gap_rows": [self.span(gap.interval, grid) | {"reason": words.GAPS[gap.reason]} for gap in longest],
        }

    def whole(self, grid: Grid, extent: Interval, verified: Coverage) -> dict[str, Any]:
        """The strip of the whole record, the share of its slots that are verified, and the longest missing ranges."""
        slots, missing = slot_count(grid, *extent), subtract(extent, verified)
        longest = sorted(sorted(missing, key=lambda each: each.start - each.end)[:GAPS])
        return self.span(extent, grid) | {
            "ratio": covered_slots(grid, verified) / slots if slots else 0.0,
            "strip": draw_strip(grid, extent, ((each, CANDLES) for each in verified), GapReason.UNVERIFIED),
            "missing_count": len(missing),
            "missing": [self.span(each, grid) | {"from": _utc(each.start), "to": _utc(each.end)} for each in longest],
        }


class CandleCollections(KeptPartPage, CandlePage):
    """`/{market}/candles/{code}/collections`: the latest collections with progress and remaining time. The page of the
    market fetches it as a part, while one is running every few seconds; by itself it is a page."""

    parameters = ("timeframe",)

    def content(self) -> Content:
        name = self.request.GET.get("timeframe", "")
        rows = queries.collections().filter(series__exchange=self.market.name, series__market=self.kwargs["code"])
        if name in TIMEFRAMES:
            rows = rows.filter(series__timeframe=name)
        lines, is_running = [], False
        for row in rows[:COLLECTIONS]:
            is_running |= row.status == CollectionStatus.RUNNING
            progress = queries.collection_progress(row)
            span = self.span(Interval(row.start, row.end), queries.series_of(row.series).grid)
            status, reason = words.STATUSES.get(row.status, row.status), words.REASONS.get(row.reason, row.reason)
            lines.append({"row": row, "progress": progress, "span": span, "status": status, "reason": reason})
        html = self.render("candles/collections.html", {"lines": lines, "is_running": is_running})
        return Content(_("Collections"), html)


def _utc(when: int) -> str:
    return as_datetime(when).strftime("%Y-%m-%dT%H:%M:%SZ")


def _offset(market: str, when: int) -> int:
    """Seconds that the market's clock is ahead of UTC."""
    ahead = as_datetime(when).astimezone(market_zone(market)).utcoffset()
    return int(ahead.total_seconds()) if ahead else 0
