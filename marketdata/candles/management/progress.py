"""What a collection of candles shows: progress on a terminal, one event a chunk elsewhere, and a summary."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import OutputWrapper

from marketdata.candles.collector.collections import ChunkState, CollectionStatus, StopReason
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.progress import Progress
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.operations.collect import CollectionReport
from marketdata.management.arguments import positive
from marketdata.management.import_progress import Screen
from marketdata.management.progress_bar import ProgressBar, duration, time_left

AWAY = 75  # EX_TEMPFAIL of sysexits.h: nothing is wrong here, try again later
INTERRUPTED = "Interrupted: whole chunks are recorded and nothing else; the same command takes up the rest."

REASONS = {
    StopReason.COUNT: "as many as were asked for",
    StopReason.END: "the whole range",
    StopReason.HISTORY_START: "down to the start of the market's history",
    StopReason.ERROR: "stopped by an error",
}


def add_series(parser: ArgumentParser, *, required: bool) -> None:
    """The options that name a series."""
    parser.add_argument("--source", default="upbit", help="upbit (default) or bithumb")
    parser.add_argument("--market", required=required, help="such as KRW-BTC")
    parser.add_argument("--timeframe", default="1m", help="1s, 1m, 3m ... 240m, 1d, 1w, 1mo or 1y")


def add_range(parser: ArgumentParser) -> None:
    """The options that say which candles."""
    parser.add_argument("--count", type=positive, help="so many slots: the last, or those before --to")
    what = "an ISO date or time, in UTC where it names no zone"
    parser.add_argument("--from", dest="start", type=when, metavar="TIME", help=what)
    parser.add_argument("--to", dest="end", type=when, metavar="TIME", help="exclusive; likewise")


def when(text: str) -> datetime:
    """A time of the command line; one without a zone is UTC."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time: write it like 2025-09-01 or 2025-09-01T12:30+09:00") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def request_of(options: Mapping[str, Any]) -> CandleRequest:
    """The request that the options stand for: `--to` is the end of a range or what a count comes before."""
    counted = options["count"] is not None and options["start"] is None
    return CandleRequest(
        market=options["market"],
        timeframe=options["timeframe"],
        count=options["count"],
        before=options["end"] if counted else None,
        start=options["start"],
        end=None if counted else options["end"],
        forming=not options.get("closed", False),
    )


class CandleScreen(Screen):
    """What a collection of candles shows."""

    def __init__(self, bar: ProgressBar, out: OutputWrapper, errors: OutputWrapper) -> None:
        super().__init__(bar, out)
        self._errors = errors

    def progress(self, told: Progress, chunk: ChunkState) -> None:
        """One chunk further."""
        if self._bar.is_visible:
            rate = f"{told.rows_per_second:,.0f} rows/s"
            notes = (f"{told.rows:,} rows", rate, time_left(told.remaining))
            self._bar.show(f"{told.calls:,} calls", told.ratio, *notes)
        else:
            self._errors.write(json.dumps(_event(told, chunk)))

    def summary(self, done: CollectionReport) -> None:
        """What was collected and how."""
        outcome, told, write = done.outcome, done.outcome.progress, self._out.write
        series, wanted = outcome.collection.series, outcome.collection.wanted
        start, end = (f"{as_datetime(each):%Y-%m-%d %H:%M:%S}" for each in wanted.interval)
        write(
            f"{series.market} {series.grid.timeframe.name} of {series.source}, {start} to {end} UTC: "
            f"{outcome.status}, {REASONS[outcome.reason]}"
        )
        write(
            f"  {told.slots_done:,} of {told.slots:,} slots, {told.slots_recorded:,} known before; {told.calls:,} "
            f"calls, {told.rows:,} rows in {told.elapsed:.1f} s; collection {outcome.collection.number}"
        )
        empty = ", ".join(f"{slots:,} {why.replace('_', ' ')}" for why, slots in sorted(done.empty_slots.items()))
        write(f"  pattern {outcome.pattern or 'none'}, {done.gaps:,} gaps: {empty or 'no slot is empty'}")
        labels = ", ".join(f"{label} {count:,}" for label, count in outcome.labels.items())
        foretold = "" if outcome.eta_error is None else f"; remaining time was wrong by {outcome.eta_error:.1%} at most"
        write(f"  chunks: {labels or 'none'}; cache hits {outcome.cache_hits:,}{foretold}")

    @staticmethod
    def failure(done: CollectionReport) -> tuple[str, int]:
        """A sentence and an exit status where the source did not bring everything, else nothing and 0."""
        outcome = done.outcome
        if outcome.status is CollectionStatus.DONE:
            return "", 0
        if outcome.status is CollectionStatus.STOPPED:
            later = f" in {duration(outcome.retry_after)}" if outcome.retry_after else ""
            return f"{outcome.error} Run this again{later}: it takes up where it stopped.", AWAY
        return f"{outcome.error} What came before is recorded.", 1


def _event(told: Progress, chunk: ChunkState) -> dict[str, Any]:
    remaining = None if told.remaining is None else round(told.remaining, 1)
    return {
        "event": "candle_chunk",
        "chunk": chunk.number,
        "start": as_datetime(chunk.start).isoformat(),
        "end": as_datetime(chunk.end).isoformat(),
        "label": chunk.label,
        "slots": chunk.slots_answered,
        "rows": chunk.rows,
        "calls": chunk.calls,
        "retries": chunk.retries,
        "bytes": chunk.bytes,
        "seconds": {
            "overlap": round(chunk.seconds_overlap, 6),
            "api": round(chunk.seconds_api, 6),
            "store": round(chunk.seconds_store, 6),
        },
        "done": round(told.ratio, 4),
        "rows_per_second": round(told.rows_per_second, 1),
        "remaining_seconds": remaining,
    }
