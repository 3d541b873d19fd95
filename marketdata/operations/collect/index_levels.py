"""Collection of index series from a source of whole sessions: the published days of which a series has no bar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from django.conf import settings

from marketdata.markets import get_market
from marketdata.models import IndexBar
from marketdata.operations.collect.collection import collection_lease
from marketdata.operations.collect.whole_sessions import published_sessions
from marketdata.operations.imports.index_series import check_levels, record_levels
from marketdata.operations.record.corrections import Counts
from marketdata.operations.record.rejects import RejectFile
from marketdata.operations.record.validation import FINE
from marketdata.operations.source_calls import calls_left, count_calls
from marketdata.sources.base import AccessRefused, SourceError, SourceGone
from marketdata.sources.files.series import LEVELS, SeriesBatch
from marketdata.sources.sessions import IndexSource


@dataclass(slots=True)
class IndexCollection:
    """Outcome: series -> counts; `later`: days that the calls of today leave to another run; `failures`: day -> why;
    `stopped`: why the remaining days were not requested; `refused`: why services were refused while others
    answered."""

    counts: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    rejected: int = 0
    later: int = 0
    failures: dict[date, str] = field(default_factory=dict)
    stopped: str = ""
    refused: tuple[str, ...] = ()


def collect_index_levels(
    source: IndexSource,
    market: str,
    *,
    since: date | None,
    clock: Callable[[], datetime],
) -> IndexCollection:
    """Record the levels of every published session from `since` (None: the last SEISMO_COLLECT_HISTORY ones) that some
    series of the source lacks, at most as many as the calls left of the day allow."""
    report, values = IndexCollection(), defaultdict[str, dict[date, dict[str, float]]](dict)
    with collection_lease("index levels", market, source.name):
        sessions = published_sessions(source, market, as_of=clock())
        begin = since or sessions[max(len(sessions) - settings.COLLECT_HISTORY, 0)].item()
        recorded = defaultdict[date, int](int)
        for day in IndexBar.objects.filter(market=market, name__in=source.indices).values_list("date", flat=True):
            recorded[day] += 1
        days = [day for day in sessions.tolist() if day >= begin and recorded[day] < len(source.indices)]
        rules = get_market(market)
        most = calls_left(source, rules, clock()) // source.index_calls_a_session
        report.later = max(len(days) - most, 0)
        counted = source.calls_made
        for day, answer in source.index_levels_of(days[:most]):
            made = source.calls_made
            count_calls(source, rules, made - counted, clock())
            counted = made
            if isinstance(answer, SourceError):
                report.failures[day] = str(answer)
                if isinstance(answer, AccessRefused | SourceGone):
                    report.stopped = str(answer)
                    break
                continue
            for series, levels in answer.items():
                values[series][day] = levels
            if not answer:
                report.failures[day] = "no row of any series"
        report.refused = tuple(source.refusals.values())
        for series, rows in values.items():
            _record(report, market, series, rows, sessions, clock())
    return report


def _record(
    report: IndexCollection,
    market: str,
    series: str,
    rows: dict[date, dict[str, float]],
    sessions: np.ndarray[tuple[int, ...], np.dtype[np.datetime64]],
    at: datetime,
) -> None:
    days = sorted(rows)
    columns = {level: np.array([rows[day][level] for day in days]) for level in LEVELS}
    batch = SeriesBatch(
        row=np.arange(1, len(days) + 1),
        date=np.array(days, dtype="datetime64[D]"),
        values=columns,
        unreadable=np.zeros(len(days), dtype=bool),
        raw=pa.table({"date": pa.array(days), **{level: pa.array(column) for level, column in columns.items()}}),
    )
    reasons = check_levels(batch, sessions, at.date())
    with RejectFile(Path(settings.REJECT_DIR), f"index-{series}", at, batch.raw.column_names) as rejects:
        rejects.add(batch.raw, batch.row, reasons)
    report.rejected += int((reasons != FINE).sum())
    report.counts[series] += record_levels(batch, np.flatnonzero(reasons == FINE), market=market, name=series, at=at)
