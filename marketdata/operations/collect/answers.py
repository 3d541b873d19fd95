"""Coverage of the sessions in a batch of answers: answered, open or settled.

A session is open where its values are missing from the answer, or were rejected by validation for a reason that another
answer may not have; a bar without its amount or base price is recorded and its session stays open.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from marketdata.market_time import market_date
from marketdata.models import StockPrice
from marketdata.operations.collect.coverage import BatchAnswers
from marketdata.operations.collect.plan import READ_AGAIN, CollectionPlan
from marketdata.operations.record.validation import FINE, REASONS, Reason
from marketdata.sources.batches import BarBatch
from marketdata.sources.daily import BarAnswer, BarRequest

Pairs = Sequence[tuple[BarRequest, BarAnswer]]
Keys = set[tuple[str, date]]

FINAL = (Reason.NON_SESSION, Reason.FUTURE, Reason.NO_CODE, Reason.OTHER_MARKET)
"""Reasons of rejected rows that no other answer can change."""


def rejected_keys(rows: BarBatch, reasons: NDArray[np.int8]) -> Keys:
    """The (code, session) of rows rejected for a reason that another answer may not have."""
    final = [REASONS.index(reason) for reason in FINAL]
    places = np.flatnonzero((reasons != FINE) & ~np.isin(reasons, final))
    codes, days = rows.codes[rows.code[places]].tolist(), rows.date[places].tolist()
    return set(zip(codes, days, strict=True))


def coverage_of(plan: CollectionPlan, pairs: Pairs, rejects: Keys, at: datetime) -> BatchAnswers:
    """The coverage of a batch. The last session without a bar is not covered on the day itself: it may still come."""
    last, before = plan.last, plan.before_last(1)
    today, settled = market_date(at, plan.market), _settled_sessions(plan, at)
    coverage = BatchAnswers()
    for request, answer in pairs:
        bars = answer.bars
        if request.end < last or today > last or (bars and bars[-1].session == last):
            coverage.requests.append(request)
        elif request.start <= before:
            coverage.requests.append(request._replace(end=before))
        coverage.spoiled += [BarRequest(request.code, *span) for span in missing_spans(request, answer, rejects)]
        coverage.spoiled += [BarRequest(request.code, day, day) for day in answer.partial]
        if settled is not None and request.start <= settled[0] and request.end >= settled[1]:
            coverage.settled[request.code] = settled[1]
    return coverage


def missing_spans(request: BarRequest, answer: BarAnswer, rejects: Keys) -> list[tuple[date, date]]:
    """The spans of days without a bar, since the answer lacked its values or these were rejected."""
    if not rejects:
        return list(answer.spoiled)
    days = [bar.session for bar in answer.bars if (request.code, bar.session) in rejects]
    return [*answer.spoiled, *((day, day) for day in days)]


def repeat_request(request: BarRequest, answer: BarAnswer) -> tuple[BarRequest, str] | None:
    """The second request for an answer's missing values, and the sentence to report where they stay missing: "" where
    only an amount or a base price is missing. None where nothing is. Rejected rows are left to the next run."""
    missing = answer.spoiled
    spans = [*missing, *((day, day) for day in answer.partial)]
    if not spans:
        return None
    again = BarRequest(request.code, min(spans)[0], max(last for _, last in spans))
    if not missing:
        return again, ""
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return again, f"The answer lacks values of {min(missing)[0]}{more}: nothing is recorded of it."


def absent_bars(plan: CollectionPlan, pairs: Pairs) -> list[tuple[str, date]]:
    """The recorded bars of the source that its answers lack, (code, session)."""
    bars = []
    for request, answer in pairs:
        rows = StockPrice.objects.filter(
            market=plan.market.name,
            source=plan.source,
            stock_code=request.code,
            date__range=(request.start, request.end),
        ).values_list("date", flat=True)
        days = set(rows) - {bar.session for bar in answer.bars}
        bars += [
            (request.code, day)
            for day in sorted(days)
            if not any(first <= day <= last for first, last in answer.spoiled)
        ]
    return bars


def _settled_sessions(plan: CollectionPlan, at: datetime) -> tuple[date, date] | None:
    """The last session of the plan whose bars no longer change, and before it the first of those that are read again
    with it; None where bars of the day do not change afterwards."""
    rule, calendar = plan.reading.same_day, plan.calendar
    if rule is None:
        return None
    end = int(np.searchsorted(calendar, np.datetime64(plan.last)))
    for position in range(end, max(end - READ_AGAIN, 0), -1):
        session: date = calendar[position].item()
        if session < rule.since:
            return None
        if plan.reading.settles(session) <= at:
            return calendar[max(position - READ_AGAIN + 1, 0)].item(), session
    return None
