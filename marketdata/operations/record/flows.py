"""Records investor flow: the one operation by which net buying enters the record.

Before it, `Validator.flows` checks each row by itself, and `against_bars` compares with the traded bars:

1. A row with more net buying than the session's turnover, or with a value far from close x quantity, cannot be right:
   `Reason.BEYOND_TRADED`, `Reason.OTHER_UNIT`.
2. A batch whose values as a whole are in another unit than the market's currency is refused (`WrongUnit`).

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

MOST_TURNOVERS = 3.0
"""Net buying of more than so many times the turnover cannot be right; once is the limit, and sources differ in how they
count trades off the order book."""
UNIT = 100.0
"""Values further than this from close x quantity are in another unit."""
SMALL = 1e-5
"""A median value below this share of the turnover is in another unit; KRX's is a few percent."""
MEANINGFUL = 0.05
"""Net buying below this share of the volume does not show the unit: bought dear and sold cheap, its value can have any
ratio to its quantity."""
FEWEST_VALUES = 20
"""Values needed for a check of their median."""


class WrongUnit(DataProblem):
    """Values that are not in the market's currency, or quantities that are not shares; nothing was recorded."""


class BarValues(NamedTuple):
    """Close, volume and turnover of some rows' bars, (R,) each; NaN where there is no bar."""

    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    turnover: NDArray[np.float64]


def against_bars(batch: FlowBatch, reasons: NDArray[np.int8], *, market: str) -> NDArray[np.int8]:
    """`reasons` (R,) with the rows flagged whose net buying is beyond their bar; rows without a recorded bar pass.
    Raises `WrongUnit` where the batch as a whole is in another unit."""
    valid = np.flatnonzero(reasons == FINE)
    if not len(valid):
        return reasons
    bars = _bar_values(batch, valid, market)
    of_quantity, of_turnover = _ratios(batch, valid, bars)
    _check_units(of_quantity, of_turnover)
    other_unit = ((of_quantity < 1 / UNIT) | (of_quantity > UNIT)).any(axis=0)
    beyond = np.zeros(len(valid), dtype=bool)
    for name in FLOW_FIELDS:
        most = bars.volume if name.endswith("_quantity") else bars.turnover
        beyond |= np.abs(batch.values[name][valid]) > MOST_TURNOVERS * most
    result = reasons.copy()
    result[valid[other_unit]] = REASONS.index(Reason.OTHER_UNIT)
    result[valid[beyond]] = REASONS.index(Reason.BEYOND_TRADED)
    return result


def record_flows(batch: FlowBatch, *, market: str, source: str, at: datetime) -> Counts:
    """Record a validated batch (no key twice) in one transaction; `at` becomes its time of record. Rows without values
    count as unchanged."""
    batch = batch.take(np.lexsort((batch.date, batch.code)))
    has_values = ~np.all([np.isnan(batch.values[name]) for name in FLOW_FIELDS], axis=0)
    whole = bulk.WriteBatch(batch.codes, batch.code, batch.date, batch.values)
    rows = whole.take(np.flatnonzero(has_values))
    if not len(rows):
        return Counts(unchanged=len(batch))
    with transaction.atomic():
        bulk.lock(market)
        comparison = corrections.compare(rows, _recorded(rows, market, source), FLOW_TABLE)
        bulk.insert(rows.take(comparison.new), market=market, source=source, at=at, table=FLOW_TABLE)
        corrections.replace_rows(rows, comparison, FLOW_TABLE, FlowCorrection, market=market, source=source, at=at)
        changed = np.concatenate([comparison.new, comparison.corrected])
        if len(changed):
            dirty_months.mark(market, months_of(rows.date[changed]), kind=FlowPartition)
            generations.advance_instruments(market, set(np.unique(rows.codes[rows.code[changed]]).tolist()))
    return Counts(len(comparison.new), len(comparison.corrected), len(batch) - len(changed))


def _recorded(rows: bulk.WriteBatch, market: str, source: str) -> bulk.Rows | None:
    """The recorded rows under the keys of `rows`, and perhaps more; None where there can be none."""
    months = FlowPartition.objects.filter(market=market).aggregate(Min("month"), Max("month"))
    first, last = months["month__min"], months["month__max"]
    if first is None:
        return None
    codes, days = _span(rows.codes, rows.code, rows.date)
    if _is_smaller_by_code(market, codes, days, (last - first).days + 31):
        return bulk.source_rows(market, source, codes=codes, table=FLOW_TABLE)
    return bulk.source_rows(market, source, days=days, table=FLOW_TABLE)


def _bar_values(batch: FlowBatch, valid: NDArray[np.intp], market: str) -> BarValues:
    """The bars of the rows `valid`; of several sources' the one with the largest turnover."""
    codes, days = _span(batch.codes, batch.code[valid], batch.date[valid])
    extent = Instrument.objects.filter(market=market).aggregate(Min("first_bar"), Max("last_bar"))
    first, last = extent["first_bar__min"], extent["last_bar__max"]
    if first is None or first > days[1] or last < days[0]:
        nothing = np.full(len(valid), np.nan)
        return BarValues(nothing, nothing, nothing)
    if _is_smaller_by_code(market, codes, days, (last - first).days + 1):
        bars = bulk.code_rows(market, codes, days)
    else:
        bars = bulk.month_rows(market, *days)
    words = np.append(bars.codes, "")
    place = np.searchsorted(bars.codes, batch.codes)
    place = np.where(words[place] == batch.codes, place, -1)
    turnover = np.fmax(bars["close"] * bars["volume"], bars["amount"])
    order = np.lexsort((turnover, bars.date, bars.code))
    bar_keys = np.append(-1, _keys(bars.code[order], bars.date[order]))
    keys = _keys(place[batch.code[valid]], batch.date[valid])
    at = np.searchsorted(bar_keys, keys, side="right") - 1
    bar_rows = np.where((bar_keys[at] == keys) & (at > 0), np.append(-1, order)[at], len(order))
    return BarValues(*(np.append(column, np.nan)[bar_rows] for column in (bars["close"], bars["volume"], turnover)))


def _ratios(
    batch: FlowBatch, valid: NDArray[np.intp], bars: BarValues
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each kind of investor and each of the rows `valid`: the value over close x quantity, where the quantity is
    meaningful, and the value over the turnover; (investors, rows) each, NaN where there is nothing to compare."""
    quantities, values = (
        np.abs([batch.values[f"{investor}_net_{measure}"][valid] for investor in INVESTORS])
        for measure in ("quantity", "value")
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        telling = (quantities >= MEANINGFUL * bars.volume) & (quantities > 0) & (values > 0)
        of_quantity = np.where(telling, values / (bars.close * quantities), np.nan)
        of_turnover = np.where((values > 0) & (bars.turnover > 0), values / bars.turnover, np.nan)
    return of_quantity, of_turnover


def _check_units(of_quantity: NDArray[np.float64], of_turnover: NDArray[np.float64]) -> None:
    """WrongUnit where the values as a whole are far from those expected by the quantities or the turnover."""
    ratio, share = of_quantity[~np.isnan(of_quantity)], of_turnover[~np.isnan(of_turnover)]
    if len(ratio) and not 1 / UNIT < np.median(ratio) < UNIT:
        raise WrongUnit(
            f"Net values are {format_number(float(np.median(ratio)), 3)} times close x net quantity: values must be "
            "in the market's currency and quantities in shares. Nothing was recorded."
        )
    if len(share) >= FEWEST_VALUES and not SMALL < np.median(share) < MOST_TURNOVERS:
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


def _is_smaller_by_code(market: str, codes: tuple[str, str], days: tuple[date, date], history: int) -> bool:
    """Whether the whole recorded history (`history` days) of the instruments between two codes has fewer rows than all
    instruments between two days."""
    every = Instrument.objects.filter(market=market)
    some = every.filter(code__range=codes).count()
    return max(some, 1) * history < every.count() * ((days[1] - days[0]).days + 1)


def _keys(code: NDArray[np.integer], day: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return code.astype(np.int64) * corrections.DAY_BITS + day.astype(np.int64)
