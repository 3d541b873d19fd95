"""Rows of a whole session that another answer may complete: their instruments' session stays open (`BarCoverage`)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from marketdata.models import BarCoverage, Instrument
from marketdata.operations.collect import coverage
from marketdata.operations.collect.answers import rejected_keys
from marketdata.operations.collect.coverage import BatchAnswers
from marketdata.operations.record.validation import FINE
from marketdata.sources.batches import OPTIONAL
from marketdata.sources.daily import BarRequest
from marketdata.sources.sessions import SessionAnswer

TRIES = 3
"""Answers with rows that are not whole after which a session is no longer requested again."""


def open_sessions(market: str, source: str, calendar: NDArray[np.datetime64]) -> set[date]:
    """The sessions to request again. A code without any recorded bar opens none: rows without a price are all that its
    instrument has."""
    traded = Instrument.objects.filter(market=market, last_bar__isnull=False)
    spans = BarCoverage.objects.filter(
        market=market, source=source, spoiled=True, tries__lt=TRIES, stock_code__in=traded.values("code")
    )
    return {
        calendar[place].item()
        for span in spans.values_list("first", "last").distinct()
        for place in coverage.span_positions(span, calendar)
    }


def open_codes(market: str, source: str, session: date) -> set[str]:
    """The codes whose `session` is open."""
    spans = BarCoverage.objects.filter(
        market=market, source=source, spoiled=True, first__lte=session, last__gte=session
    )
    return set(spans.values_list("stock_code", flat=True))


def usable_rows(
    answer: SessionAnswer, reasons: NDArray[np.int8], open_before: Collection[str]
) -> tuple[NDArray[np.bool_], set[str]]:
    """Mask of the rows to record, (R,), and the codes whose session is open afterwards. `reasons`: those of the
    validation; `open_before`: codes that were open, whose prices of 0 beside a volume are confirmed now."""
    batch = answer.batch
    codes, values = batch.codes[batch.code], batch.values
    fine = reasons == FINE
    unconfirmed = (values["open"] == 0) & (values["volume"] > 0) & ~np.isin(codes, sorted(open_before))
    partial = np.any([np.isnan(values[name]) for name in OPTIONAL], axis=0)
    usable = fine & ~unconfirmed
    still_open = {code for code, _ in rejected_keys(batch, reasons)} | answer.unpriced
    still_open.update(codes[fine & (unconfirmed | partial)].tolist())
    return usable, still_open - {""}


def record_coverage(
    market: str,
    source: str,
    session: date,
    *,
    open_before: Collection[str],
    still_open: Collection[str],
    calendar: NDArray[np.datetime64],
    at: datetime,
) -> None:
    """Record which instruments' `session` is open, and which no longer is."""
    answers = BatchAnswers(
        requests=[BarRequest(code, session, session) for code in sorted(set(open_before) - set(still_open))],
        spoiled=[BarRequest(code, session, session) for code in sorted(still_open)],
    )
    if answers.requests or answers.spoiled:
        coverage.add(market, source, answers, unknown=(), calendar=calendar, at=at)
