"""Opens a signal for every published pick that has a plan, and moves those that are not finished.

A signal follows from its pick and the bars alone: nothing is carried from one day to the next, so days that were missed
are caught up exactly and a backfill gives the same history. A finished signal is left alone unless `rebuild` says
otherwise (after a correction of old bars).

What ends a signal has a revision, kept in its row:

1   the exact target and stop of the plan
2   their order prices (`scans.order_prices`), where the market has a tick grid: a price that can be traded at

A new signal is of `REVISION`; one that is recorded keeps its own, also where it is followed again. The entry, a buy
stop, is exact in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Q

from marketdata.markets import get_market
from marketdata.operations import analyze_tables, generations
from marketdata.operations.projection import project
from marketdata.panel import Floats
from marketdata.queries.window import open_window
from marketdata.record import Record
from scans.evaluation import trade_lifecycle
from scans.evaluation.prices import Prices, price_arrays
from scans.evaluation.trade_lifecycle import Lifecycles, Plans
from scans.models import ScannerVersion, ScanRank, Signal, SignalStatus
from scans.order_prices import pick_order_prices
from scans.queries import versions as queries

UNFINISHED = (SignalStatus.WAITING, SignalStatus.OPEN)
BATCH = 1000
REVISION = 2


@dataclass(frozen=True, slots=True)
class SignalUpdate:
    """What an update did to the signals of one version: opened, moved (changed), and how all of its stand now."""

    version: str
    opened: int
    moved: int
    standing: dict[str, int]


def update_signals(
    *, market: str, versions: Sequence[str], as_of: datetime, rebuild: bool = False
) -> list[SignalUpdate]:
    """Bring the signals of `versions` (all enabled ones where none is named) up to the last complete session."""
    get_market(market)
    chosen = (
        queries.get_versions(market, list(versions)) if versions else list(ScannerVersion.objects.filter(enabled=True))
    )
    held = project.current_record(market)
    last = np.datetime64(held.last_complete_session(as_of))
    done = [_version(held, version, last, rebuild) for version in chosen]
    analyze_tables.analyze(sum(one.opened + one.moved for one in done), Signal)
    return done


def _version(held: Record, version: ScannerVersion, last: np.datetime64, rebuild: bool) -> SignalUpdate:
    planned = Q(target__isnull=False) | Q(stop__isnull=False)
    ranks = ScanRank.objects.filter(
        planned,
        scanner_version=version,
        market=held.market.name,
        published=True,
        date__lte=last.item(),
    )
    if not rebuild:
        ranks = ranks.filter(Q(signal__isnull=True) | Q(signal__status__in=UNFINISHED))
    block = held.block(last)
    todo = list(ranks.filter(date__gte=block[0].item()).select_related("signal").order_by("date", "rank"))
    opened = moved = 0
    if todo:
        days = block[(block >= np.datetime64(todo[0].date)) & (block <= last)]
        opened, moved = _follow(held, todo, days)
    mine = Signal.objects.filter(version=version, market=held.market.name)
    standing = {status: mine.filter(status=status).count() for status in SignalStatus.values}
    return SignalUpdate(version.slug, opened, moved, {name: n for name, n in standing.items() if n})


def _follow(held: Record, todo: Sequence[ScanRank], days: Any) -> tuple[int, int]:
    over, raw = project.read_with_repair(held, lambda held: _prices(held, days))
    revisions = [rank.signal.revision if hasattr(rank, "signal") else REVISION for rank in todo]
    plans = _plans(todo, revisions, over, raw)
    found = trade_lifecycle.follow_plans(over, plans)
    fresh, changed = [], []
    for n, rank in enumerate(todo):
        known = getattr(rank, "signal", None)  # asked before: a new Signal makes itself its rank's
        signal = _signal(rank, n, found, plans, over, raw)
        signal.revision = revisions[n]
        if known is None:
            fresh.append(signal)
        elif _told(known) != _told(signal):
            signal.pk = known.pk
            changed.append(signal)
    with transaction.atomic():
        Signal.objects.bulk_create(fresh, batch_size=BATCH)
        Signal.objects.bulk_update(changed, CHANGING, batch_size=BATCH)
        generations.advance(held.market.name)
    return len(fresh), len(changed)


def _prices(held: Record, days: Any) -> tuple[Prices, Floats]:
    """The prices of `days`, and the raw closes, (T, N)."""
    window = open_window(held, days, 253)
    fields = dict.fromkeys(("open", "high", "low", "close", "volume", "raw_close"), 0)
    panel = window.read(fields, threads=2, market_cap=True)
    return price_arrays(panel, window.suspects()), panel.tail("raw_close", 0)


CHANGING = (
    "status",
    "entered_on",
    "entry_price",
    "exit_on",
    "exit_price",
    "return_pct",
    "sessions_held",
    "seen_until",
)


def _told(signal: Signal) -> tuple[Any, ...]:
    return tuple(getattr(signal, name) for name in CHANGING)


def _plans(todo: Sequence[ScanRank], revisions: Sequence[int], over: Prices, raw: Floats) -> Plans:
    row = np.searchsorted(over.sessions, np.array([rank.date for rank in todo], dtype="datetime64[D]"))
    column = over.columns(np.array([rank.code for rank in todo]), row)
    scale = over.close[row, column] / raw[row, column]

    orders = [pick_order_prices(rank) if revision > 1 else None for rank, revision in zip(todo, revisions, strict=True)]

    def level(name: str, *, exact: bool = False) -> Floats:
        found = []
        for rank, order in zip(todo, orders, strict=True):
            price = getattr(rank, name) if order is None or exact else order[name]
            found.append(np.nan if price is None else price)
        levels: Floats = scale * np.array(found)
        return levels

    return Plans(
        row=row,
        column=column,
        entry=level("entry", exact=True),
        target=level("target"),
        stop=level("stop"),
        holding_max=np.array([rank.holding_max for rank in todo], dtype=np.int64),
    )


def _signal(rank: ScanRank, n: int, found: Lifecycles, plans: Plans, over: Prices, raw: Floats) -> Signal:
    column = plans.column[n]

    def day(row: int) -> Any:
        return over.sessions[row].item() if row >= 0 else None

    def price(row: int, adjusted: float) -> float | None:
        if row < 0 or np.isnan(adjusted):
            return None
        return float(f"{adjusted * raw[row, column] / over.close[row, column]:.10g}")

    entered, left = int(found.entered[n]), int(found.left[n])
    status = trade_lifecycle.STATUSES[found.status[n]]
    end = found.exit[n] if left >= 0 else over.close[-1, column]
    gain = (end / found.entry[n] - 1) * 100
    return Signal(
        rank=rank,
        version_id=rank.scanner_version_id,
        market=rank.market,
        code=rank.code,
        picked_on=rank.date,
        status=status,
        entered_on=day(entered),
        entry_price=price(entered, found.entry[n]),
        exit_on=day(left),
        exit_price=price(left, found.exit[n]),
        return_pct=float(f"{gain:.10g}") if np.isfinite(gain) else None,
        sessions_held=int(found.held[n]),
        seen_until=day(left if left >= 0 else len(over.sessions) - 1),
    )
