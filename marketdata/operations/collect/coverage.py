"""What a source has already answered for (`BarCoverage`), so that a session without a bar is asked for once.

A session whose answer lacked values is open: no span covers it, and a spoiled one says so, with the number of answers
in vain. The next plan asks for it again, until there were `TRIES` of them.
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
"""Answers without values after which a session is no longer asked for by itself; `--refetch` still does."""


class OpenSpan(NamedTuple):
    """Sessions that were asked for and answered without values, `tries` times."""

    first: date
    last: date
    tries: int


class Coverage(NamedTuple):
    """The spans of one instrument, ascending, and whether the source said that it has no such instrument; what is open,
    and the last session whose bar was read once it was settled."""

    spans: tuple[Span, ...] = ()
    unknown: bool = False
    open: tuple[OpenSpan, ...] = ()
    settled: date | None = None


@dataclass(slots=True)
class BatchAnswers:
    """What a batch answered: `requests` with values, `spoiled` spans without, `settled` sessions by code."""

    requests: list[BarRequest] = field(default_factory=list)
    spoiled: list[BarRequest] = field(default_factory=list)
    settled: dict[str, date] = field(default_factory=dict)


def read(market: str, source: str, codes: Sequence[str] = ()) -> dict[str, Coverage]:
    """What `source` has answered for, by code; of all instruments where no `codes` are named."""
    rows = BarCoverage.objects.filter(market=market, source=source)
    if codes:
        rows = rows.filter(stock_code__in=codes)
    found: dict[str, list[Span]] = defaultdict(list)
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
            found[code].append((first, last))
        if until is not None:
            settled[code] = until
    return {
        code: Coverage(
            tuple(found.get(code, ())),
            code in unknown,
            tuple(still_open.get(code, ())),
            settled.get(code),
        )
        for code in unknown | set(found) | set(still_open)
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
    """Record what was answered, and that the codes `unknown` are none of the source's. A session that was answered
    before stays so when a later answer lacks its values, unless this `reopens` it. Call it inside the transaction that
    records their bars."""
    by_code: dict[str, list[Span]] = defaultdict(list)
    spoiled: dict[str, list[Span]] = defaultdict(list)
    for spans, requests in ((by_code, answers.requests), (spoiled, answers.spoiled)):
        for request in requests:
            spans[request.code].append((request.start, request.end))
    strangers = set(unknown)
    codes = list({**by_code, **spoiled, **dict.fromkeys(strangers)})
    known = read(market, source, codes)
    rows = []
    for code in codes:
        before = known.get(code, Coverage())
        whole = [*before.spans, *by_code.get(code, ())]
        still: dict[int, int] = {}
        if before.open or code in spoiled:
            new = _marks(spoiled.get(code, ()), calendar)
            if not reopens:
                new -= _marks(before.spans, calendar)
            still = _still_open(before.open, by_code.get(code, ()), new, calendar)
            holes = [(day, day) for day in (calendar[place].item() for place in sorted(still))]
            whole = [piece for span in whole for piece in subtract(span, holes)]
        settled = max((one for one in (before.settled, answers.settled.get(code)) if one), default=None)
        rows += [(code, *span, False, False, 0, settled) for span in merge_spans(whole, calendar)]
        rows += [(code, first, last, False, True, number, settled) for first, last, number in _runs(still, calendar)]
        if code in strangers and code not in by_code:
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
    before: Iterable[OpenSpan],
    answered: Iterable[Span],
    new: Iterable[int],
    calendar: NDArray[np.datetime64],
) -> dict[int, int]:
    """The place of each open session in the calendar -> its answers in vain."""
    tries, closed = _tries(before, calendar), _marks(answered, calendar)
    still = {place: number for place, number in tries.items() if place not in closed}
    return still | {place: tries.get(place, 0) + 1 for place in new}


def subtract(span: Span, holes: Sequence[Span]) -> list[Span]:
    """The pieces of `span` that no hole covers; holes ascending."""
    found, (first, last) = [], span
    for start, end in holes:
        if end < first or start > last:
            continue
        if start > first:
            found.append((first, start - DAY))
        first = end + DAY
    return [*found, (first, last)] if first <= last else found


def merge_spans(spans: Iterable[Span], calendar: NDArray[np.datetime64]) -> list[Span]:
    """Spans as few as can be, ascending: those that overlap or have no session between them become one."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and _touch(found[-1][1], first, calendar):
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def _touch(end: date, start: date, calendar: NDArray[np.datetime64]) -> bool:
    """Whether no session lies after `end` and before `start`."""
    after = np.searchsorted(calendar, np.datetime64(end), side="right")
    return bool(after >= np.searchsorted(calendar, np.datetime64(start)))


def places(span: Span, calendar: NDArray[np.datetime64]) -> range:
    """Where the sessions of a span are in the calendar."""
    first, last = np.array(span, dtype="datetime64[D]")
    low = int(np.searchsorted(calendar, first))
    return range(low, int(np.searchsorted(calendar, last, side="right")))


def _marks(spans: Iterable[Span], calendar: NDArray[np.datetime64]) -> set[int]:
    return {place for span in spans for place in places(span, calendar)}


def _tries(spans: Iterable[OpenSpan], calendar: NDArray[np.datetime64]) -> dict[int, int]:
    return {place: span.tries for span in spans for place in places((span.first, span.last), calendar)}


def _runs(tries: Mapping[int, int], calendar: NDArray[np.datetime64]) -> list[tuple[date, date, int]]:
    """Neighbouring sessions with the same number of tries as one span."""
    found: list[tuple[int, int, int]] = []
    for place in sorted(tries):
        if found and found[-1][1] == place - 1 and found[-1][2] == tries[place]:
            found[-1] = (found[-1][0], place, tries[place])
        else:
            found.append((place, place, tries[place]))
    return [(calendar[low].item(), calendar[high].item(), number) for low, high, number in found]
