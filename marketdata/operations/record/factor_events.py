"""Records factor events: they stand in where no source gives a base price."""

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
"""The ratio that says of a suspicious move that it was a real one."""


class EventRefused(DataProblem):
    """An event that cannot be; the message says why and what to do."""


def record_decision(
    *,
    market: str,
    code: str,
    day: date,
    ratio: float,
    source: str,
    at: datetime,
    reason: str = "",
) -> Counts:
    """Record what a person says of one move: its `ratio`, or `REAL_MOVE`, and why. EventRefused where it cannot be."""
    batch = _one(_recorded_code(market, code), day, ratio)
    _refuse(market, batch, at)
    counts = record_events(batch, np.array([0]), market=market, source=source, at=at, reason=reason)
    if reason and counts.unchanged:  # the same ratio, for another reason
        FactorEvent.objects.filter(market=market, stock_code=str(batch.codes[0]), date=day).update(reason=reason)
    return counts


def check_decision(*, market: str, code: str, day: date, ratio: float, at: datetime) -> None:
    """EventRefused where `record_decision` would refuse; nothing is recorded."""
    _refuse(market, _one(_recorded_code(market, code), day, ratio), at)


def _recorded_code(market: str, code: str) -> str:
    """The code as it is recorded, however a person spells it."""
    found = instruments.get_instrument(market, code)
    return found.code if found else code


def _one(code: str, day: date, ratio: float) -> EventBatch:
    return EventBatch(
        row=np.array([1]),
        codes=np.array([code]),
        code=np.array([0], dtype=np.int32),
        date=np.array([day], dtype="datetime64[D]"),
        ratio=np.array([ratio if np.isfinite(ratio) else np.nan]),
        raw=pa.table({}),
    )


def _refuse(market: str, batch: EventBatch, at: datetime) -> None:
    named = get_market(market)
    code, day = batch.codes[0], batch.date[0]
    if not Instrument.objects.filter(market=market, code=code).exists():
        raise EventRefused(f"Market {market} has no instrument {code}: look its code up under Instruments.")
    found = Validator(named, get_sessions(market), at).events(batch)[0]
    if found != FINE:
        raise EventRefused(f"An event of {code} on {day} cannot be recorded: {REASONS[found]}.")
    _refuse_contradiction(named, str(code), day.item(), float(batch.ratio[0]))


def _refuse_contradiction(market: Market, code: str, day: date, ratio: float) -> None:
    """EventRefused where the bars say that the event was another (`breaks.contradicts`)."""
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
    batch: EventBatch,
    rows: NDArray[np.intp],
    *,
    market: str,
    source: str,
    at: datetime,
    reason: str = "",
) -> Counts:
    """Record the events at these rows of a batch, in one transaction: a known event with another ratio is corrected.
    The lake's months in which something changed are marked."""
    if not len(rows):
        return Counts()
    given = {
        (code, day): ratio
        for code, day, ratio in zip(
            batch.codes[batch.code[rows]].tolist(),
            batch.date[rows].tolist(),
            batch.ratio[rows].tolist(),
            strict=True,
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
        written = {key: ratio for key, ratio in given.items() if recorded.get(key) != ratio}
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
                for (code, day), ratio in written.items()
            ],
            batch_size=ROWS_AT_A_TIME,
            update_conflicts=True,
            unique_fields=["market", "stock_code", "date"],
            update_fields=["ratio", "source", "reason", "updated_at"],
        )
        dirty_months.mark(market, months_of(np.array([day for _, day in written], dtype="datetime64[D]")))
        generations.advance(market)
    new = sum(key not in recorded for key in written)
    return Counts(new, len(written) - new, len(given) - len(written))
