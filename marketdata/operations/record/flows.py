"""The door for investor flow: the one way by which net buying enters the record.

Before it, `validation.Check.flows` looks at each row by itself, and `against_bars` at what was traded:

1. A row whose net buying is larger than what changed hands that session, or whose value is far from close x quantity,
   cannot be right: `Reason.BEYOND_TRADED`, `Reason.OTHER_UNIT`.
2. Where that holds for a batch as a whole, its values are in another unit than the market's currency: it is refused
   (`WrongUnit`), since no row of it can be trusted.

Then, in one transaction, `record_flows` compares with the recorded rows of the same source (`corrections`): a value
that differs replaces the recorded one, which is kept (`FlowCorrection`); a blank changes nothing; a row without values
is not written. The months touched are marked (`FlowPartition`), and a new generation of the market begins.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

import numpy as np
from django.db import transaction
from django.db.models import Max, Min
from numpy.typing import NDArray

from marketdata.errors import DataProblem
from marketdata.models import FlowCorrection, FlowPartition, Instrument
from marketdata.number_format import format_number
from marketdata.operations import bulk, generations
from marketdata.operations.bulk import FLOW_TABLE
from marketdata.operations.projection import dirty_months
from marketdata.operations.record import corrections
from marketdata.operations.record.corrections import Counts, months_of
from marketdata.operations.record.validation import FINE, REASONS, Reason
from marketdata.panel import FLOW_FIELDS, INVESTORS
from marketdata.sources.batches import FlowBatch

BEYOND = 3.0
"""Net buying of more than so many times what was traded cannot be; once is the limit, and sources count differently
what is dealt off the order book."""
UNIT = 100.0
"""Values further than this from close x quantity are in another unit."""
SMALL = 1e-5
"""A median value below this share of the turnover is in another unit; KRX's is a few percent."""
TELLING = 0.05
"""Net buying below this share of the volume says nothing of the unit: bought dear and sold cheap, its value can have
any ratio to its quantity."""
ENOUGH = 20
"""Values needed before their smallness says anything."""


class WrongUnit(DataProblem):
    """Values that are not in the market's currency, or quantities that are not shares; nothing was recorded."""


class Traded(NamedTuple):
    """Close, volume and turnover of some rows' bars, (R,) each; NaN where there is no bar."""

    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    turnover: NDArray[np.float64]


def against_bars(batch: FlowBatch, reasons: NDArray[np.int8], *, market: str) -> NDArray[np.int8]:
    """`reasons` (R,) with those rows flagged that net more than their bar traded; rows without a recorded bar pass.
    Raises `WrongUnit` where the batch as a whole is in another unit."""
    fine = np.flatnonzero(reasons == FINE)
    if not len(fine):
        return reasons
    bars = _traded(batch, fine, market)
    of_quantity, of_turnover = _ratios(batch, fine, bars)
    _refuse_units(of_quantity, of_turnover)
    odd = ((of_quantity < 1 / UNIT) | (of_quantity > UNIT)).any(axis=0)
    beyond = np.zeros(len(fine), dtype=bool)
    for name in FLOW_FIELDS:
        most = bars.volume if name.endswith("_quantity") else bars.turnover
        beyond |= np.abs(batch.values[name][fine]) > BEYOND * most
    found = reasons.copy()
    found[fine[odd]] = REASONS.index(Reason.OTHER_UNIT)
    found[fine[beyond]] = REASONS.index(Reason.BEYOND_TRADED)
    return found


def record_flows(batch: FlowBatch, *, market: str, source: str, at: datetime) -> Counts:
    """Record a validated batch (no key twice) in one transaction of its own; `at` becomes its time of record. Rows that
    say nothing are counted as unchanged."""
    batch = batch.take(np.lexsort((batch.date, batch.code)))
    said = ~np.all([np.isnan(batch.values[name]) for name in FLOW_FIELDS], axis=0)
    whole = bulk.WriteBatch(batch.codes, batch.code, batch.date, batch.values)
    rows = whole.take(np.flatnonzero(said))
    if not len(rows):
        return Counts(unchanged=len(batch))
    with transaction.atomic():
        bulk.lock(market)
        found = corrections.compare(rows, _recorded(rows, market, source), FLOW_TABLE)
        bulk.insert(rows.take(found.new), market=market, source=source, at=at, table=FLOW_TABLE)
        corrections.replace_rows(rows, found, FLOW_TABLE, FlowCorrection, market=market, source=source, at=at)
        changed = np.concatenate([found.new, found.corrected])
        if len(changed):
            dirty_months.mark(market, months_of(rows.date[changed]), kind=FlowPartition)
            generations.advance(market)
    return Counts(len(found.new), len(found.corrected), len(batch) - len(changed))


def _recorded(rows: bulk.WriteBatch, market: str, source: str) -> bulk.Rows | None:
    """What is recorded under the keys of `rows`, and perhaps more; None where nothing can be."""
    months = FlowPartition.objects.filter(market=market).aggregate(Min("month"), Max("month"))
    first, last = months["month__min"], months["month__max"]
    if first is None:
        return None
    codes, days = _span(rows.codes, rows.code, rows.date)
    if _few(market, codes, days, (last - first).days + 31):
        return bulk.source_rows(market, source, codes=codes, table=FLOW_TABLE)
    return bulk.source_rows(market, source, days=days, table=FLOW_TABLE)


def _traded(batch: FlowBatch, fine: NDArray[np.intp], market: str) -> Traded:
    """The bars of the rows `fine`; of several sources' the one with the largest turnover."""
    codes, days = _span(batch.codes, batch.code[fine], batch.date[fine])
    known = Instrument.objects.filter(market=market).aggregate(Min("first_bar"), Max("last_bar"))
    first, last = known["first_bar__min"], known["last_bar__max"]
    if first is None or first > days[1] or last < days[0]:
        nothing = np.full(len(fine), np.nan)
        return Traded(nothing, nothing, nothing)
    if _few(market, codes, days, (last - first).days + 1):
        bars = bulk.code_rows(market, codes, days)
    else:
        bars = bulk.month_rows(market, *days)
    words = np.append(bars.codes, "")
    place = np.searchsorted(bars.codes, batch.codes)
    place = np.where(words[place] == batch.codes, place, -1)
    turnover = np.fmax(bars["close"] * bars["volume"], bars["amount"])
    order = np.lexsort((turnover, bars.date, bars.code))
    theirs = np.append(-1, _keys(bars.code[order], bars.date[order]))
    mine = _keys(place[batch.code[fine]], batch.date[fine])
    at = np.searchsorted(theirs, mine, side="right") - 1
    found = np.where((theirs[at] == mine) & (at > 0), np.append(-1, order)[at], len(order))
    return Traded(*(np.append(column, np.nan)[found] for column in (bars["close"], bars["volume"], turnover)))


def _ratios(batch: FlowBatch, fine: NDArray[np.intp], bars: Traded) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each kind of investor and each of the rows `fine`: the value over close x quantity, where the quantity is
    telling, and the value over the turnover; (investors, rows) each, NaN where there is nothing to compare."""
    quantities, values = (
        np.abs([batch.values[f"{who}_net_{what}"][fine] for who in INVESTORS]) for what in ("quantity", "value")
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        telling = (quantities >= TELLING * bars.volume) & (quantities > 0) & (values > 0)
        of_quantity = np.where(telling, values / (bars.close * quantities), np.nan)
        of_turnover = np.where((values > 0) & (bars.turnover > 0), values / bars.turnover, np.nan)
    return of_quantity, of_turnover


def _refuse_units(of_quantity: NDArray[np.float64], of_turnover: NDArray[np.float64]) -> None:
    """WrongUnit where the values as a whole are far from what the quantities, or the turnover, make likely."""
    ratio, share = of_quantity[~np.isnan(of_quantity)], of_turnover[~np.isnan(of_turnover)]
    if len(ratio) and not 1 / UNIT < np.median(ratio) < UNIT:
        raise WrongUnit(
            f"Net values are {format_number(float(np.median(ratio)), 3)} times close x net quantity: values must be "
            "in the market's currency and quantities in shares. Nothing was recorded."
        )
    if len(share) >= ENOUGH and not SMALL < np.median(share) < BEYOND:
        raise WrongUnit(
            f"Net values are {format_number(float(np.median(share)), 3)} times the turnover: they must be in the "
            "market's currency, not in thousands or millions of it. Nothing was recorded."
        )


def _span(
    codes: NDArray[np.str_], code: NDArray[np.int32], days: NDArray[np.datetime64]
) -> tuple[tuple[str, str], tuple[date, date]]:
    """The lowest and highest of the codes that `code` refers to, the first and the last day."""
    low, high = str(codes[code.min()]), str(codes[code.max()])
    return (low, high), (days.min().item(), days.max().item())


def _few(market: str, codes: tuple[str, str], days: tuple[date, date], history: int) -> bool:
    """Whether all that is recorded of the instruments between two codes, `history` days long, is less than all
    instruments between two days."""
    every = Instrument.objects.filter(market=market)
    some = every.filter(code__range=codes).count()
    return max(some, 1) * history < every.count() * ((days[1] - days[0]).days + 1)


def _keys(code: NDArray[np.integer], day: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return code.astype(np.int64) * corrections.DAY_BITS + day.astype(np.int64)
