"""Coverage of a source (`BarCoverage`): the sessions it has answered for, so that a session without a bar is requested
once.

A session whose answer lacked values is open: a spoiled span contains it, with the number of answers without values. The
next plan requests it again, up to `TRIES` times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketdata.models import BarCoverage
from marketdata.sources.daily import BarRequest

Span = tuple[date, date]
DAY = timedelta(days=1)
TRIES = 20
"""Answers without values after which a session is no longer requested by itself; `--refetch` still requests it."""


class OpenSpan(NamedTuple):
    """Sessions that were answered without values, `tries` times."""

    first: date
    last: date
    tries: int


class Coverage(NamedTuple):
    """Coverage of one instrument: `spans` answered for, ascending; `unknown`: the source has no such instrument; `open`
    spans; `settled`: the last session whose bar was read after it was settled."""

    spans: tuple[Span, ...] = ()
    unknown: bool = False
    open: tuple[OpenSpan, ...] = ()
    settled: date | None = None


@dataclass(slots=True)
class BatchAnswers:
    """Coverage of a batch: `requests` with values, `spoiled` spans without, `settled` sessions by code."""

    requests: list[BarRequest] = field(default_factory=list)
    spoiled: list[BarRequest] = field(default_factory=list)
    settled: dict[str, date] = field(default_factory=dict)


def read(market: str, source: str, codes: Sequence[str] = ()) -> dict[str, Coverage]:
    """The coverage of `source` by code, of `codes` or else of all instruments."""
    rows = BarCoverage.objects.filter(market=market, source=source)
    if codes:
        rows = rows.filter(stock_code__in=codes)
    spans: dict[str, list[Span]] = defaultdict(list)
    still_open: dict[str, list[OpenSpan]] = defaultdict(list)
    settled: dict[str, date] = {}
    unknown = set()
    for code, first, last, is_unknown, is_spoiled, tries, until in rows.order_by("stock_code", "first").values_list(
        "stock_code", "first", "last", "unknown", "spoiled", "tries", "settled"
    ):
        if is_unknown:
            unknown.add(code)
        elif is_spoiled:
            still_open[code].append(OpenSpan(first, last, tries))
        else:
            spans[code].append((first, last))
        if until is not None:
            settled[code] = until
    return {
        code: Coverage(tuple(spans.get(code, ())), code in unknown, tuple(still_open.get(code, ())), settled.get(code))
        for code in unknown | set(spans) | set(still_open)
    }


def add(
    market: str,
    source: str,
    answers: BatchAnswers,
    *,
    unknown: Iterable[str],
    calendar: NDArray[np.datetime64],
    at: datetime,
    reopens: bool = False,
) -> None:
    """Record the coverage of a batch, and the codes `unknown` to the source. A session that was answered before stays
    answered when a later answer lacks its values, unless `reopens`. Call it inside the transaction that records the
    bars."""
    by_code: dict[str, list[Span]] = defaultdict(list)
    spoiled: dict[str, list[Span]] = defaultdict(list)
    for spans, requests in ((by_code, answers.requests), (spoiled, answers.spoiled)):
        for request in requests:
            spans[request.code].append((request.start, request.end))
    unknown_codes = set(unknown)
    codes = list({**by_code, **spoiled, **dict.fromkeys(unknown_codes)})
    recorded = read(market, source, codes)
    rows = []
    for code in codes:
        before = recorded.get(code, Coverage())
        spans_of_code = [*before.spans, *by_code.get(code, ())]
        open_sessions: dict[int, int] = {}
        if before.open or code in spoiled:
            new = _positions(spoiled.get(code, ()), calendar)
            if not reopens:
                new -= _positions(before.spans, calendar)
            open_sessions = _still_open(before.open, by_code.get(code, ()), new, calendar)
            holes = [(day, day) for day in (calendar[place].item() for place in sorted(open_sessions))]
            spans_of_code = [piece for span in spans_of_code for piece in subtract(span, holes)]
        settled = max((session for session in (before.settled, answers.settled.get(code)) if session), default=None)
        rows += [(code, *span, False, False, 0, settled) for span in merge_spans(spans_of_code, calendar)]
        rows += [
            (code, first, last, False, True, number, settled)
            for first, last, number in _open_spans(open_sessions, calendar)
        ]
        if code in unknown_codes and code not in by_code:
            rows.append((code, at.date(), at.date(), True, False, 0, settled))
    BarCoverage.objects.filter(market=market, source=source, stock_code__in=codes).delete()
    BarCoverage.objects.bulk_create(
        BarCoverage(
            market=market,
            source=source,
            stock_code=code,
            first=first,
            last=last,
            unknown=is_unknown,
            spoiled=is_spoiled,
            tries=number,
            settled=settled,
            asked_at=at,
        )
        for code, first, last, is_unknown, is_spoiled, number, settled in rows
    )


def _still_open(
    before: Iterable[OpenSpan], answered: Iterable[Span], new: Iterable[int], calendar: NDArray[np.datetime64]
) -> dict[int, int]:
    """Position of each open session in the calendar -> its number of answers without values."""
    tries, closed = _tries(before, calendar), _positions(answered, calendar)
    tries_by_position = {position: number for position, number in tries.items() if position not in closed}
    return tries_by_position | {position: tries.get(position, 0) + 1 for position in new}


def subtract(span: Span, holes: Sequence[Span]) -> list[Span]:
    """The pieces of `span` that no hole covers; holes ascending."""
    pieces, (first, last) = [], span
    for start, end in holes:
        if end < first or start > last:
            continue
        if start > first:
            pieces.append((first, start - DAY))
        first = end + DAY
    return [*pieces, (first, last)] if first <= last else pieces


def merge_spans(spans: Iterable[Span], calendar: NDArray[np.datetime64]) -> list[Span]:
    """The fewest spans with the same sessions, ascending: those that overlap or have no session between them become
    one."""
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and _touch(merged[-1][1], first, calendar):
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def _touch(end: date, start: date, calendar: NDArray[np.datetime64]) -> bool:
    """Whether no session lies after `end` and before `start`."""
    after = np.searchsorted(calendar, np.datetime64(end), side="right")
    return bool(after >= np.searchsorted(calendar, np.datetime64(start)))


def span_positions(span: Span, calendar: NDArray[np.datetime64]) -> range:
    """The positions of a span's sessions in the calendar."""
    first, last = np.array(span, dtype="datetime64[D]")
    low = int(np.searchsorted(calendar, first))
    return range(low, int(np.searchsorted(calendar, last, side="right")))


def _positions(spans: Iterable[Span], calendar: NDArray[np.datetime64]) -> set[int]:
    return {position for span in spans for position in span_positions(span, calendar)}


def _tries(spans: Iterable[OpenSpan], calendar: NDArray[np.datetime64]) -> dict[int, int]:
    return {position: span.tries for span in spans for position in span_positions((span.first, span.last), calendar)}


def _open_spans(tries: Mapping[int, int], calendar: NDArray[np.datetime64]) -> list[tuple[date, date, int]]:
    """Neighbouring sessions with the same number of tries as one span."""
    groups: list[tuple[int, int, int]] = []
    for position in sorted(tries):
        if groups and groups[-1][1] == position - 1 and groups[-1][2] == tries[position]:
            groups[-1] = (groups[-1][0], position, tries[position])
        else:
            groups.append((position, position, tries[position]))
    return [(calendar[low].item(), calendar[high].item(), number) for low, high, number in groups]
