"""What a source has already answered for (`BarCoverage`), so that a session without a bar is asked for once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketdata.models import BarCoverage
from marketdata.sources.daily import BarRequest

Span = tuple[date, date]


class Answered(NamedTuple):
    """The spans of one instrument, ascending, and whether the source said that it has no such instrument."""

    spans: tuple[Span, ...] = ()
    unknown: bool = False


def answered(market: str, source: str, codes: Sequence[str] = ()) -> dict[str, Answered]:
    """What `source` has answered for, by code; of all instruments where no `codes` are named."""
    rows = BarCoverage.objects.filter(market=market, source=source)
    if codes:
        rows = rows.filter(stock_code__in=codes)
    found: dict[str, list[Span]] = defaultdict(list)
    unknown = set()
    for code, first, last, is_unknown in rows.order_by("stock_code", "first").values_list(
        "stock_code", "first", "last", "unknown"
    ):
        if is_unknown:
            unknown.add(code)
        else:
            found[code].append((first, last))
    return {
        code: Answered(tuple(found.get(code, ())), code in unknown) for code in unknown | set(found)
    }


def add(
    market: str,
    source: str,
    requests: Iterable[BarRequest],
    *,
    unknown: Iterable[str],
    calendar: NDArray[np.datetime64],
    at: datetime,
) -> None:
    """Record that `requests` were answered, and that the codes `unknown` are none of the source's. Call it inside the
    transaction that records their bars."""
    by_code: dict[str, list[Span]] = defaultdict(list)
    for request in requests:
        by_code[request.code].append((request.start, request.end))
    strangers = set(unknown)
    codes = [*by_code, *strangers]
    known = answered(market, source, codes)
    rows = []
    for code, spans in by_code.items():
        before = known.get(code, Answered()).spans
        rows += [(code, *span, False) for span in joined([*before, *spans], calendar)]
    rows += [(code, at.date(), at.date(), True) for code in strangers - by_code.keys()]
    BarCoverage.objects.filter(market=market, source=source, stock_code__in=codes).delete()
    BarCoverage.objects.bulk_create(
        BarCoverage(
            market=market,
            source=source,
            stock_code=code,
            first=first,
            last=last,
            unknown=is_unknown,
            asked_at=at,
        )
        for code, first, last, is_unknown in rows
    )


def joined(spans: Iterable[Span], calendar: NDArray[np.datetime64]) -> list[Span]:
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
