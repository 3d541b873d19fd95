"""Signals: opens one for every published pick with a plan, and updates those that have not ended.

A signal is a function of its pick and the bars, without state from day to day: missed days are caught up exactly, and a
backfill gives the same history. A signal that has ended changes only with `rebuild` (after a correction of old bars).

The rule that ends a signal has a revision, a field of its row:

1   the exact target and stop of the plan
2   their order prices (`scans.order_prices`) if the market has a tick grid: prices that can be traded

A new signal gets `REVISION`; a recorded one keeps its revision in every update. The entry, a buy stop, is exact in
both.
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
from scans.queries.versions import get_versions

UNFINISHED = (SignalStatus.WAITING, SignalStatus.OPEN)
BATCH = 1000
REVISION = 2


@dataclass(frozen=True, slots=True)
class SignalUpdate:
    """The update of the signals of one version: how many were opened and changed (`moved`), and `counts` by status."""

    version: str
    opened: int
    moved: int
    counts: dict[str, int]


def update_signals(
    *, market: str, versions: Sequence[str], as_of: datetime, rebuild: bool = False
) -> list[SignalUpdate]:
    """Update the signals of `versions` (none: all enabled ones) up to the last complete session."""
    get_market(market)
    version_rows = (
        get_versions(market, list(versions)) if versions else list(ScannerVersion.objects.filter(enabled=True))
    )
    record = project.current_record(market)
    last = np.datetime64(record.last_complete_session(as_of))
    done = [_update_version(record, version, last, rebuild) for version in version_rows]
    analyze_tables.analyze(sum(result.opened + result.moved for result in done), Signal)
    return done


def _update_version(record: Record, version: ScannerVersion, last: np.datetime64, rebuild: bool) -> SignalUpdate:
    planned = Q(target__isnull=False) | Q(stop__isnull=False)
    ranks = ScanRank.objects.filter(
        planned,
        scanner_version=version,
        market=record.market.name,
        published=True,
        date__lte=last.item(),
    )
    if not rebuild:
        ranks = ranks.filter(Q(signal__isnull=True) | Q(signal__status__in=UNFINISHED))
    block = record.block(last)
    pending = list(ranks.filter(date__gte=block[0].item()).select_related("signal").order_by("date", "rank"))
    opened = moved = 0
    if pending:
        days = block[(block >= np.datetime64(pending[0].date)) & (block <= last)]
        opened, moved = _follow(record, pending, days)
    version_signals = Signal.objects.filter(scanner_version=version, market=record.market.name)
    counts = {status: version_signals.filter(status=status).count() for status in SignalStatus.values}
    return SignalUpdate(version.slug, opened, moved, {name: n for name, n in counts.items() if n})


def _follow(record: Record, pending: Sequence[ScanRank], days: Any) -> tuple[int, int]:
    prices_of_days, raw = project.read_with_repair(record, lambda record: _prices(record, days))
    revisions = [rank.signal.revision if hasattr(rank, "signal") else REVISION for rank in pending]
    plans = _plans(pending, revisions, prices_of_days, raw)
    lives = trade_lifecycle.follow_plans(prices_of_days, plans)
    new_signals, changed = [], []
    for n, rank in enumerate(pending):
        recorded = getattr(rank, "signal", None)  # read first: a new Signal replaces it as its rank's
        signal = _signal(rank, n, lives, plans, prices_of_days, raw)
        signal.revision = revisions[n]
        if recorded is None:
            new_signals.append(signal)
        elif _changing_values(recorded) != _changing_values(signal):
            signal.pk = recorded.pk
            changed.append(signal)
    with transaction.atomic():
        Signal.objects.bulk_create(new_signals, batch_size=BATCH)
        Signal.objects.bulk_update(changed, CHANGING_FIELDS, batch_size=BATCH)
        generations.advance(record.market.name)
    return len(new_signals), len(changed)


def _prices(record: Record, days: Any) -> tuple[Prices, Floats]:
    """The prices of `days`, and the raw closes (T, N)."""
    window = open_window(record, days, 253)
    fields = dict.fromkeys(("open", "high", "low", "close", "volume", "raw_close", "market_cap"), 0)
    panel = window.read(fields, threads=2)
    return price_arrays(panel, window.suspects()), panel.tail("raw_close", 0)


CHANGING_FIELDS = (
    "status",
    "entered_on",
    "entry_price",
    "exit_on",
    "exit_price",
    "return_pct",
    "sessions_held",
    "seen_until",
)


def _changing_values(signal: Signal) -> tuple[Any, ...]:
    return tuple(getattr(signal, name) for name in CHANGING_FIELDS)


def _plans(pending: Sequence[ScanRank], revisions: Sequence[int], prices_of_days: Prices, raw: Floats) -> Plans:
    row = np.searchsorted(prices_of_days.sessions, np.array([rank.date for rank in pending], dtype="datetime64[D]"))
    column = prices_of_days.columns(np.array([rank.code for rank in pending]), row)
    scale = prices_of_days.close[row, column] / raw[row, column]

    orders = [
        pick_order_prices(rank) if revision > 1 else None for rank, revision in zip(pending, revisions, strict=True)
    ]

    def level(name: str, *, exact: bool = False) -> Floats:
        values = []
        for rank, order in zip(pending, orders, strict=True):
            price = getattr(rank, name) if order is None or exact else order[name]
            values.append(np.nan if price is None else price)
        levels: Floats = scale * np.array(values)
        return levels

    return Plans(
        row=row,
        column=column,
        entry=level("entry", exact=True),
        target=level("target"),
        stop=level("stop"),
        holding_max=np.array([rank.holding_max for rank in pending], dtype=np.int64),
    )


def _signal(rank: ScanRank, n: int, lives: Lifecycles, plans: Plans, prices_of_days: Prices, raw: Floats) -> Signal:
    column = plans.column[n]

    def day(row: int) -> Any:
        return prices_of_days.sessions[row].item() if row >= 0 else None

    def price(row: int, adjusted: float) -> float | None:
        if row < 0 or np.isnan(adjusted):
            return None
        return float(f"{adjusted * raw[row, column] / prices_of_days.close[row, column]:.10g}")

    entered, left = int(lives.entered[n]), int(lives.left[n])
    status = trade_lifecycle.STATUSES[lives.status[n]]
    end = lives.exit[n] if left >= 0 else prices_of_days.close[-1, column]
    gain = (end / lives.entry[n] - 1) * 100
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
        return_pct=float(f"{gain:.10g}") if np.isfinite(gain) else None,
        sessions_held=int(lives.holding[n]),
        seen_until=day(left if left >= 0 else len(prices_of_days.sessions) - 1),
    )
