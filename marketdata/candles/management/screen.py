"""The output of a collection of candles: progress on a terminal, one event a chunk elsewhere, and a summary."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import OutputWrapper

from marketdata.candles.collector.collections import ChunkState, CollectionStatus, StopReason
from marketdata.candles.collector.fill import EmptySlots
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.progress import Progress
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.operations.collect import CollectionReport
from marketdata.candles.operations.events import chunk_event
from marketdata.management.arguments import positive
from marketdata.management.import_progress import Screen
from marketdata.management.progress_bar import ProgressBar, duration, time_left

TEMPORARY_FAILURE = 75  # EX_TEMPFAIL of sysexits.h: a later run may succeed
INTERRUPTED = "Interrupted: whole chunks are recorded and nothing else; the same command collects the rest."

REASONS = {
    StopReason.COUNT: "the whole count",
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
    """The options that select candles."""
    parser.add_argument("--count", type=positive, help="so many slots: the last, or those before --to")
    form = "an ISO date or time, in UTC without a zone"
    parser.add_argument("--from", dest="start", type=time, metavar="TIME", help=form)
    parser.add_argument("--to", dest="end", type=time, metavar="TIME", help="exclusive; likewise")


def add_reading(parser: ArgumentParser) -> None:
    """The options of what is shown of recorded candles."""
    parser.add_argument(
        "--empty",
        choices=[str(option) for option in EmptySlots],
        default=str(EmptySlots.FORWARD),
        help="slots without trades: filled with the close before (default), null, or dropped",
    )
    parser.add_argument(
        "--advise", action="store_true", help="how efficiently each series was collected, and what would be cheaper"
    )


def time(text: str) -> datetime:
    """A time of the command line; one without a zone is UTC."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time: write it like 2025-09-01 or 2025-09-01T12:30+09:00") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def request_of(options: Mapping[str, Any]) -> CandleRequest:
    """The request of the options: `--to` is the end of a range, or of a count."""
    has_count = options["count"] is not None and options["start"] is None
    return CandleRequest(
        market=options["market"],
        timeframe=options["timeframe"],
        count=options["count"],
        before=options["end"] if has_count else None,
        start=options["start"],
        end=None if has_count else options["end"],
        forming=not options.get("closed", False),
    )


class CandleScreen(Screen):
    """The output of one collection."""

    def __init__(self, bar: ProgressBar, out: OutputWrapper, errors: OutputWrapper) -> None:
        super().__init__(bar, out)
        self._errors = errors

    def progress(self, progress: Progress, chunk: ChunkState) -> None:
        """Show the progress after a chunk."""
        if self._bar.is_visible:
            rate = f"{progress.rows_per_second:,.0f} rows/s"
            notes = (f"{progress.rows:,} rows", rate, time_left(progress.remaining))
            self._bar.show(f"{progress.calls:,} calls", progress.ratio, *notes)
        else:
            self._errors.write(json.dumps(chunk_event(progress, chunk)))

    def summary(self, report: CollectionReport) -> None:
        """Write a summary of the collection."""
        outcome, progress, write = report.outcome, report.outcome.progress, self._out.write
        series, request = outcome.collection.series, outcome.collection.request
        start, end = (f"{as_datetime(each):%Y-%m-%d %H:%M:%S}" for each in request.interval)
        write(
            f"{series.market} {series.grid.timeframe.name} of {series.source}, {start} to {end} UTC: "
            f"{outcome.status}, {REASONS[outcome.reason]}"
        )
        write(
            f"  {progress.slots_done:,} of {progress.slots:,} slots, {progress.slots_recorded:,} recorded before; "
            f"{progress.calls:,} calls, {progress.rows:,} rows in {progress.elapsed:.1f} s; "
            f"collection {outcome.collection.number}"
        )
        reasons = sorted(report.empty_slots.items())
        empty = ", ".join(f"{slots:,} {reason.replace('_', ' ')}" for reason, slots in reasons)
        write(f"  pattern {outcome.pattern or 'none'}, {report.gaps:,} gaps: {empty or 'no slot is empty'}")
        labels = ", ".join(f"{label} {count:,}" for label, count in outcome.labels.items())
        error = outcome.eta_error
        estimate = "" if error is None else f"; remaining time was wrong by {error:.1%} at most"
        write(f"  chunks: {labels or 'none'}; cache hits {outcome.cache_hits:,}{estimate}")

    @staticmethod
    def failure(report: CollectionReport) -> tuple[str, int]:
        """A sentence and an exit status where the collection is incomplete, else "" and 0."""
        outcome = report.outcome
        if outcome.status is CollectionStatus.DONE:
            return "", 0
        if outcome.status is CollectionStatus.STOPPED:
            later = f" in {duration(outcome.retry_after)}" if outcome.retry_after else ""
            return f"{outcome.error} Run this again{later}: it resumes where it stopped.", TEMPORARY_FAILURE
        return f"{outcome.error} The chunks before are recorded.", 1
