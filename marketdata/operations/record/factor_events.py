"""Records factor events: adjustments for sessions without a base price of any source."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pyarrow as pa
from django.db import transaction
from numpy.typing import NDArray

from marketdata import breaks
from marketdata.errors import DataProblem
from marketdata.markets import Market, get_market
from marketdata.models import FactorEvent, Instrument, StockPrice
from marketdata.operations import bulk, generations
from marketdata.operations.projection import dirty_months
from marketdata.operations.record.corrections import Counts, months_of
from marketdata.operations.record.validation import FINE, REASONS, Validator
from marketdata.queries import instruments
from marketdata.queries.market_calendar import get_sessions
from marketdata.sources.batches import EventBatch

ROWS_AT_A_TIME = 2_000
REAL_MOVE = 1.0
"""The ratio that declares a suspicious move to be a real one."""


class EventRefused(DataProblem):
    """An impossible event; the message says why and what to do."""


def record_decision(
    *, market: str, code: str, day: date, ratio: float, source: str, at: datetime, reason: str = ""
) -> Counts:
    """Record a person's decision on one move: its `ratio`, or `REAL_MOVE`, and the reason. EventRefused where it is
    impossible."""
    batch = _event_batch(_recorded_code(market, code), day, ratio)
    _check_event(market, batch, at)
    counts = record_events(batch, np.array([0]), market=market, source=source, at=at, reason=reason)
    if reason and counts.unchanged:  # the same ratio, for another reason
        FactorEvent.objects.filter(market=market, stock_code=str(batch.codes[0]), date=day).update(reason=reason)
    return counts


def check_decision(*, market: str, code: str, day: date, ratio: float, at: datetime) -> None:
    """EventRefused where `record_decision` would refuse; nothing is recorded."""
    _check_event(market, _event_batch(_recorded_code(market, code), day, ratio), at)


def _recorded_code(market: str, code: str) -> str:
    """The recorded code for a person's spelling."""
    row = instruments.get_instrument(market, code)
    return row.code if row else code


def _event_batch(code: str, day: date, ratio: float) -> EventBatch:
    return EventBatch(
        row=np.array([1]),
        codes=np.array([code]),
        code=np.array([0], dtype=np.int32),
        date=np.array([day], dtype="datetime64[D]"),
        ratio=np.array([ratio if np.isfinite(ratio) else np.nan]),
        raw=pa.table({}),
    )


def _check_event(market: str, batch: EventBatch, at: datetime) -> None:
    rules = get_market(market)
    code, day = batch.codes[0], batch.date[0]
    if not Instrument.objects.filter(market=market, code=code).exists():
        raise EventRefused(f"Market {market} has no instrument {code}: look its code up under Instruments.")
    reason = Validator(rules, get_sessions(market), at).events(batch)[0]
    if reason != FINE:
        raise EventRefused(f"An event of {code} on {day} cannot be recorded: {REASONS[reason]}.")
    _check_contradiction(rules, str(code), day.item(), float(batch.ratio[0]))


def _check_contradiction(market: Market, code: str, day: date, ratio: float) -> None:
    """EventRefused where the bars contradict the event (`breaks.contradicts`)."""
    bars = StockPrice.objects.filter(market=market.name, stock_code=code)
    on = bars.filter(date=day, volume__gt=0, base_price=None).first()
    earlier = bars.filter(date__lt=day).exclude(volume=0, base_price=None).order_by("-date").first()
    if on is None or earlier is None:
        return
    before = earlier.close
    if not earlier.volume and earlier.base_price:
        before = earlier.base_price
    if breaks.contradicts(on.close / before, ratio, market.suspect_move):
        wrong = breaks.Break(str(day), code, breaks.EVENT, before, on.close, ratio)
        raise EventRefused(
            f"An event of {code} on {day} cannot be recorded: {wrong.sentence()} A ratio of 1 says that the move was "
            "a real one."
        )


def record_events(
    batch: EventBatch, rows: NDArray[np.intp], *, market: str, source: str, at: datetime, reason: str = ""
) -> Counts:
    """Record the events at these rows of a batch, in one transaction: a recorded event with another ratio is corrected.
    The lake's months with a change are marked."""
    if not len(rows):
        return Counts()
    ratios = {
        (code, day): ratio
        for code, day, ratio in zip(
            batch.codes[batch.code[rows]].tolist(), batch.date[rows].tolist(), batch.ratio[rows].tolist(), strict=True
        )
    }
    days = batch.date[rows]
    with transaction.atomic():
        bulk.lock(market)
        recorded = {
            (code, day): ratio
            for code, day, ratio in FactorEvent.objects.filter(
                market=market, date__gte=days.min().item(), date__lte=days.max().item()
            ).values_list("stock_code", "date", "ratio")
        }
        changes = {key: ratio for key, ratio in ratios.items() if recorded.get(key) != ratio}
        FactorEvent.objects.bulk_create(
            [
                FactorEvent(
                    market=market,
                    stock_code=code,
                    date=day,
                    ratio=ratio,
                    source=source,
                    reason=reason,
                    created_at=at,
                    updated_at=None if (code, day) not in recorded else at,
                )
                for (code, day), ratio in changes.items()
            ],
            batch_size=ROWS_AT_A_TIME,
            update_conflicts=True,
            unique_fields=["market", "stock_code", "date"],
            update_fields=["ratio", "source", "reason", "updated_at"],
        )
        dirty_months.mark(market, months_of(np.array([day for _, day in changes], dtype="datetime64[D]")))
        generations.advance_instruments(market, {code for code, _ in changes})
    new = sum(key not in recorded for key in changes)
    return Counts(new, len(changes) - new, len(ratios) - len(changes))
