"""Signals: opens one for every published pick with a plan, and updates those that have not ended.

A signal is a function of its pick and the bars, without state from day to day: missed days are caught up exactly, and a
backfill gives the same history. A signal that has ended changes only with `rebuild` (after a correction of old bars).

The evening's list comes with its signals: `follow_list` reads the bars, and its update runs in the transaction that
publishes the list, so that no reader sees one without the other, and answers on both end once.

The rule that ends a signal has a revision, a field of its row:

1   the exact target and stop of the plan
2   their order prices (`scans.order_prices`) if the market has a tick grid: prices that can be traded; the entry, a buy
    stop, is exact in both
3   order prices of all three; entries and exits within the market's daily limits, a lapse where the open of the entry
    lies at or through a level, an exit at the close of the bar that filled a buy stop (`evaluation.trade_lifecycle`)

A new signal gets `REVISION`; a recorded one keeps its revision in every update.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Min, Q, QuerySet

from marketdata.markets import get_market
from marketdata.operations import analyze_tables, generations
from marketdata.operations.projection import current_lake
from marketdata.record import Days, Record
from scans.evaluation import trade_lifecycle
from scans.evaluation.trade_lifecycle import Lifecycles, Plans
from scans.models import ScannerVersion, ScanRank, Signal, SignalStatus
from scans.operations.plan_bars import PlanBars, pick_plans, read_plan_bars
from scans.queries.versions import get_versions

LOGGER = logging.getLogger(__name__)
UNFINISHED = (SignalStatus.WAITING, SignalStatus.OPEN)
BATCH = 1000
REVISION = 3


@dataclass(frozen=True, slots=True)
class SignalUpdate:
    """The update of the signals of one version: how many were opened and changed (`moved`), and `counts` by status."""

    version: str
    opened: int
    moved: int
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class ListUpdate:
    """The update of the signals of one version with a list: how many were opened and changed (`moved`), on which
    instruments."""

    opened: int
    moved: int
    codes: frozenset[str]


def update_signals(
    *, market: str, versions: Sequence[str], as_of: datetime, rebuild: bool = False
) -> list[SignalUpdate]:
    """Update the signals of `versions` (none: all enabled ones) up to the last complete session."""
    get_market(market)
    version_rows = (
        get_versions(market, list(versions)) if versions else list(ScannerVersion.objects.filter(enabled=True))
    )
    record = current_lake.current_record(market)
    last = np.datetime64(record.last_complete_session(as_of))
    done = [_update_version(record, version, last, rebuild) for version in version_rows]
    analyze_tables.analyze(sum(result.opened + result.moved for result in done), Signal)
    return done


def follow_list(
    record: Record, version: ScannerVersion, first: date, as_of: datetime
) -> Callable[[], ListUpdate | None] | None:
    """The update of the signals of `version` for a list of `first` or later: a function to call in the transaction that
    publishes the list and begins the new generation. The bars are read here, before that transaction. None, and None
    of the function, where it failed: `update_signals` is called afterwards, and has the reason."""
    try:
        last = np.datetime64(record.last_complete_session(as_of))
        block = record.block(last)
        waiting = _waiting(record, version, block, last).aggregate(first=Min("date"))["first"]
        days = block[(block >= np.datetime64(min(first, waiting or first))) & (block <= last)]
        if not len(days):  # a list of a session that is not complete
            return None
        bars = _read_bars(record, days)
    except Exception:
        LOGGER.exception("The signals of %s are not published with its list", version.slug)
        return None

    def update() -> ListUpdate | None:
        try:
            with transaction.atomic():
                pending = list(_waiting(record, version, days, last))
                return _follow(pending, bars) if pending else None
        except Exception:
            LOGGER.exception("The signals of %s were not published with its list", version.slug)
            return None

    return update


def _waiting(record: Record, version: ScannerVersion, days: Days, last: np.datetime64) -> QuerySet[ScanRank]:
    """The published ranks of these days with a plan and no finished signal, in order."""
    unfinished = Q(signal__isnull=True) | Q(signal__status__in=UNFINISHED)
    return _planned(record, version, days, last).filter(unfinished)


def _planned(record: Record, version: ScannerVersion, days: Days, last: np.datetime64) -> QuerySet[ScanRank]:
    """The published ranks with a plan from the first of `days` to `last`, in order."""
    planned = Q(target__isnull=False) | Q(stop__isnull=False)
    span = (days[0].item(), last.item())
    ranks = ScanRank.objects.filter(
        planned, scanner_version=version, market=record.market.name, published=True, date__range=span
    )
    return ranks.select_related("signal").order_by("date", "rank")


def _update_version(record: Record, version: ScannerVersion, last: np.datetime64, rebuild: bool) -> SignalUpdate:
    block = record.block(last)
    pending = list((_planned if rebuild else _waiting)(record, version, block, last))
    opened = moved = 0
    if pending:
        days = block[(block >= np.datetime64(pending[0].date)) & (block <= last)]
        bars = _read_bars(record, days)
        with transaction.atomic():
            done = _follow(pending, bars)
            opened, moved = done.opened, done.moved
            if done.codes:
                generations.advance_instruments(record.market.name, done.codes)
    version_signals = Signal.objects.filter(scanner_version=version, market=record.market.name)
    counts = {status: version_signals.filter(status=status).count() for status in SignalStatus.values}
    return SignalUpdate(version.slug, opened, moved, {name: n for name, n in counts.items() if n})


def _read_bars(record: Record, days: Days) -> PlanBars:
    return current_lake.read_with_repair(record, lambda record: read_plan_bars(record, days))


def _follow(pending: Sequence[ScanRank], bars: PlanBars) -> ListUpdate:
    """Open or update the signals of these ranks."""
    revisions = [rank.signal.revision if hasattr(rank, "signal") else REVISION for rank in pending]
    new_signals, changed = [], []
    for revision in sorted(set(revisions)):
        ranks = [rank for rank, own in zip(pending, revisions, strict=True) if own == revision]
        plans = pick_plans(ranks, revision, bars)
        lives = trade_lifecycle.follow_plans(bars.prices, plans, bars.fills if revision > 2 else None)
        for n, rank in enumerate(ranks):
            recorded = getattr(rank, "signal", None)  # read first: a new Signal replaces it as its rank's
            signal = _signal(rank, n, lives, plans, bars)
            signal.revision = revision
            if recorded is None:
                new_signals.append(signal)
            elif _changing_values(recorded) != _changing_values(signal):
                signal.pk = recorded.pk
                changed.append(signal)
    Signal.objects.bulk_create(new_signals, batch_size=BATCH)
    Signal.objects.bulk_update(changed, CHANGING_FIELDS, batch_size=BATCH)
    return ListUpdate(len(new_signals), len(changed), frozenset(one.code for one in (*new_signals, *changed)))


CHANGING_FIELDS = (
    "status",
    "entered_on",
    "entry_price",
    "exit_on",
    "exit_price",
    "return_pct",
    "bound_pct",
    "sessions_held",
    "seen_until",
)


def _changing_values(signal: Signal) -> tuple[Any, ...]:
    return tuple(getattr(signal, name) for name in CHANGING_FIELDS)


def _signal(rank: ScanRank, n: int, lives: Lifecycles, plans: Plans, bars: PlanBars) -> Signal:
    column, prices = plans.column[n], bars.prices

    def day(row: int) -> Any:
        return prices.sessions[row].item() if row >= 0 else None

    def price(row: int, adjusted: float) -> float | None:
        if row < 0 or np.isnan(adjusted):
            return None
        return float(f"{adjusted * bars.raw[row, column] / prices.close[row, column]:.10g}")

    def percent(end: float) -> float | None:
        gain = (end / lives.entry[n] - 1) * 100
        return float(f"{gain:.10g}") if np.isfinite(gain) else None

    entered, left = int(lives.entered[n]), int(lives.left[n])
    status = trade_lifecycle.STATUSES[lives.status[n]]
    return Signal(
        rank=rank,
        scanner_version_id=rank.scanner_version_id,
        market=rank.market,
        code=rank.code,
        picked_on=rank.date,
        status=status,
        entered_on=day(entered),
        entry_price=price(entered, lives.entry[n]),
        exit_on=day(left),
        exit_price=price(left, lives.exit[n]),
        return_pct=percent(lives.exit[n] if left >= 0 else prices.close[-1, column]),
        bound_pct=percent(lives.bound[n]),
        sessions_held=int(lives.holding[n]),
        seen_until=day(left if left >= 0 else len(prices.sessions) - 1),
    )
