"""Candles over the API: those of a range, what is recorded of it, and the collections that recorded it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from marketdata.candles import queries
from marketdata.candles.api.bodies import (
    PRICES,
    CandleParameters,
    CandlesBody,
    CollectionParameters,
    CollectionsBody,
    CoverageBody,
    RangeParameters,
)
from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.fill import EmptySlots, FilledCandles
from marketdata.candles.collector.timeframes import Interval, as_datetime, slot_count
from marketdata.candles.host_cache import HostCachedCandles
from marketdata.errors import DataProblem
from marketdata.web.api.problems import Problem
from marketdata.web.api.schema import NOT_MODIFIED, error_responses, path_parameter
from marketdata.web.api.views import BaseView

MOST_SLOTS = 5_000
USUAL_SLOTS = 200
MOST_PARTS = 1_000
"""Intervals and gaps of one answer."""
MOST_COLLECTIONS = 50
SOURCE = path_parameter("source", "The exchange: upbit or bithumb", {"Upbit": "upbit"})
PAIR = path_parameter("code", "The market's code at the exchange", {"Bitcoin in won": "KRW-BTC"})
ERRORS: dict[Any, Any] = {**NOT_MODIFIED, **error_responses(400, 404)}


class CandleView(BaseView):
    """A view of one market of an exchange."""

    pagination_class = None

    def recorded_generations(self) -> Mapping[str, datetime]:
        return {}

    def range(self, query: Mapping[str, Any], most: int | None) -> tuple[HostCachedCandles, Series, Interval]:
        """The record, the series and the interval of a request: without a start the last `USUAL_SLOTS`, without an end
        to the end of the record. A Problem where nothing of it is recorded or the range does not fit."""
        try:
            row = queries.get_row(self.kwargs["source"], self.kwargs["code"], query["timeframe"])
        except DataProblem as error:
            raise Problem("unknown_series", str(error)) from error
        record, series = queries.open_record(row), queries.series_of(row)
        start, end = query.get("from"), query.get("to")
        count = None if start else USUAL_SLOTS
        try:
            interval = queries.interval_of(series, start=start, end=end, count=count, record=record)
        except (DataProblem, ValueError, OverflowError) as error:
            raise Problem("invalid_range", str(error), status_code=400) from error
        slots = slot_count(series.grid, *interval)
        if most is not None and slots > most:
            raise Problem(
                "too_many_slots",
                f"These are {slots:,} slots, more than {most:,}: ask for a shorter range or a longer timeframe.",
                status_code=400,
            )
        return record, series, interval

    def place(self, series: Series, interval: Interval) -> dict[str, Any]:
        """The members that name the series and the interval."""
        times = {"from": as_datetime(interval.start), "to": as_datetime(interval.end)}
        return {"source": series.source, "code": series.market, "timeframe": series.grid.timeframe.name, **times}


class Candles(CandleView):
    """The candles of a market, ascending, as recorded: collect missing ones with `manage.py collect_candles`. Slots
    without trades are filled with the close before, null, or dropped."""

    serializer_class = CandlesBody
    parameters = CandleParameters

    @extend_schema(
        operation_id="candles",
        tags=["candles"],
        parameters=[SOURCE, PAIR, CandleParameters],
        responses={200: CandlesBody, **ERRORS},
    )
    def get(self, request: Request, source: str, code: str) -> HttpResponseBase:
        query = self.query_values(request)
        record, series, interval = self.range(query, MOST_SLOTS)
        closed = series.grid.floor(int(timezone.now().timestamp()))
        empty = EmptySlots(query["empty"])
        filled = queries.read(series, interval, empty=empty, closed_until=closed, record=record)
        verified = queries.verified_ratio(series, interval, queries.coverage(series, interval, record))
        return self.json_response({**self.place(series, interval), "verified": verified, "candles": _rows(filled)})


class Coverage(CandleView):
    """The record of a range of candles: the intervals for which the exchange has answered, with trades or
    without, and the gaps with their reasons."""

    serializer_class = CoverageBody
    parameters = RangeParameters

    @extend_schema(
        operation_id="candle_coverage",
        tags=["candles"],
        parameters=[SOURCE, PAIR, RangeParameters],
        responses={200: CoverageBody, **ERRORS},
    )
    def get(self, request: Request, source: str, code: str) -> HttpResponseBase:
        record, series, interval = self.range(self.query_values(request), None)
        closed = series.grid.floor(int(timezone.now().timestamp()))
        verified = queries.coverage(series, interval, record)
        gaps = queries.gaps(series, interval, closed_until=closed, record=record)
        longest = sorted(sorted(gaps, key=lambda gap: -gap.slots)[:MOST_PARTS])
        body = {
            **self.place(series, interval),
            "slots": slot_count(series.grid, *interval),
            "verified": queries.verified_ratio(series, interval, verified),
            "cached": queries.shared_cache().coverage(series, *interval).ratio,
            "interval_count": len(verified),
            "intervals": [_times(each) for each in verified[-MOST_PARTS:]],
            "gap_count": len(gaps),
            "gaps": [{**_times(gap.interval), "slots": gap.slots, "reason": str(gap.reason)} for gap in longest],
        }
        return self.json_response(body)


class Collections(CandleView):
    """The latest collections of a market's candles with their progress and cost, newest first."""

    serializer_class = CollectionsBody
    parameters = CollectionParameters

    @extend_schema(
        operation_id="candle_collections",
        tags=["candles"],
        parameters=[SOURCE, PAIR, CollectionParameters],
        responses={200: CollectionsBody, **ERRORS},
    )
    def get(self, request: Request, source: str, code: str) -> HttpResponseBase:
        timeframe = self.query_values(request).get("timeframe")
        rows = queries.collections().filter(series__exchange=source, series__market=code)
        if timeframe:
            rows = rows.filter(series__timeframe=timeframe)
        collections = [_collection(row) for row in rows[:MOST_COLLECTIONS]]
        if not collections and not queries.has_market(source, code):
            raise Problem("unknown_series", f"No candles of {code} from {source} are recorded.")
        return self.json_response({"source": source, "code": code, "collections": collections})


def _rows(filled: FilledCandles) -> list[dict[str, Any]]:
    candles = filled.candles
    columns = (getattr(candles, name).tolist() for name in PRICES)
    return [
        {
            "opened": as_datetime(opened),
            **{name: None if math.isnan(value) else value for name, value in zip(PRICES, values, strict=True)},
            "empty": empty,
        }
        for opened, empty, *values in zip(candles.opened.tolist(), filled.empty.tolist(), *columns, strict=True)
    ]


def _times(interval: Interval) -> dict[str, datetime]:
    return {"from": as_datetime(interval.start), "to": as_datetime(interval.end)}


def _collection(row: Any) -> dict[str, Any]:
    progress = queries.collection_progress(row)
    return {
        "number": row.pk,
        "timeframe": row.series.timeframe,
        **_times(Interval(row.start, row.end)),
        "status": row.status,
        "reason": row.reason,
        "error": row.error,
        "done": progress.ratio,
        "remaining_seconds": progress.remaining,
        "rows": row.rows_sum,
        "calls": row.calls_sum,
        "retries": row.retries_sum,
        "cache_hits": row.cache_hits_sum,
        "chunks": row.chunk_count,
        "seconds": row.seconds,
        "memory_peak": row.memory_peak,
        "pattern": row.pattern,
        "eta_error": row.eta_error,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
    }
