"""Signals that reach target or stop while their session trades: seen in live quotes, and messaged once.

1. Followed are open signals, and those that are entered at today's open, of the versions' published picks; those that
   had a message never again.
2. Quotes come from `live_quotes`, in continuous trading alone. A level that one reading reached (`touches`) is kept as
   an unconfirmed `IntradayTouch`; a later reading of the same session confirms it, or deletes it where the price of the
   first has gone, as that of a bad tick.
3. Confirmed levels become one notification in the same transaction; its deliveries, to readers' channels that want
   them alone, follow the rules of all others (`evening.notify`). A process that dies before the commit has done
   nothing, one that dies after it leaves deliveries to a task worker.

The record and the signals stay as they are: the evening decides by the bars of the session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Q

from marketdata.market_time import market_date
from marketdata.operations.lease import Lease
from marketdata.operations.live_quotes import MOST_CODES, LiveQuote, live_quotes, quoted_hours
from marketdata.queries.market_calendar import get_sessions
from marketdata.ticks import LEVELS
from scans.models import IntradayTouch, Signal, SignalStatus, Status
from scans.operations.evening import notify
from scans.operations.intraday.touches import Levels, touched_level
from scans.queries.message_channels import intraday_markets
from scans.queries.results import market_signals
from scans.queries.signal_distances import signal_distances


@dataclass(frozen=True, slots=True)
class WatchReport:
    """A check of a market: signals `followed`, levels `seen` for the first time and `confirmed`, which have the
    notification `number`. `reason`: why nothing was checked."""

    market: str
    followed: int = 0
    seen: int = 0
    confirmed: int = 0
    number: int | None = None
    reason: str = ""

    def __str__(self) -> str:
        counts = f"{self.followed} signals followed, {self.seen} levels reached, {self.confirmed} confirmed"
        return f"{self.market}: {self.reason or counts}"


@dataclass(frozen=True, slots=True)
class Touch:
    """A level that a quote reached; `level` "": none."""

    signal: Signal
    level: str
    price: float | None
    quote: LiveQuote


def watch_signals(market: str, *, clock: Callable[[], datetime]) -> WatchReport:
    """Check the market's signals once and send what is new. UnknownMarket; DataProblem where quotes fail; LeaseTaken
    where another process checks."""
    now = clock()
    hours = quoted_hours(market, as_of=now)
    if hours is None or now < hours[0]:
        return WatchReport(market, reason="the market does not trade now, or no source has its quotes")
    wanted = intraday_markets()
    if wanted is not None and market not in wanted:
        return WatchReport(market, reason="no reader wants messages while it trades")
    with Lease(f"intraday checks of market {market}"):
        session = market_date(now, market)
        levels = _levels(market, session)
        quotes = _quotes(market, [signal.code for signal, _ in levels], clock)
        report = _record(market, session, _touches(levels, quotes, session), clock())
    if report.number is not None:
        notify.send_waiting(report.number, clock=clock)
    return report


def _levels(market: str, session: date) -> list[tuple[Signal, Levels]]:
    """The followed signals, and their levels where the session before is the last of the record."""
    at_open = Q(status=SignalStatus.WAITING, rank__entry=None, picked_on__lt=session)
    rows = market_signals(market).filter(Q(status=SignalStatus.OPEN) | at_open)
    signals = list(rows.exclude(touch__confirmed=True).select_related("rank", "scanner_version").order_by("pk"))
    for signal in signals:
        vars(signal).update({name: getattr(signal.rank, name) for name in (*LEVELS, "segment")})
    calendar = get_sessions(market)
    before = calendar[np.searchsorted(calendar, np.datetime64(session)) - 1].item()
    distances = signal_distances(market, signals, calendar) if signals else {}
    return [
        (signal, Levels(place.close, place.target, place.stop, signal.status == SignalStatus.WAITING))
        for signal in signals
        if (place := distances[signal.pk]).day == before and place.close
    ]


def _quotes(market: str, codes: Sequence[str], clock: Callable[[], datetime]) -> dict[str, LiveQuote]:
    names = sorted(set(codes))
    parts = [names[at : at + MOST_CODES] for at in range(0, len(names), MOST_CODES)]
    return {quote.code: quote for part in parts for quote in live_quotes(market, part, clock=clock).quotes}


def _touches(levels: Sequence[tuple[Signal, Levels]], quotes: Mapping[str, LiveQuote], session: date) -> list[Touch]:
    """A touch for each signal of which a quote says something; the others are left out."""
    touches = []
    for signal, plan in levels:
        quote = quotes.get(signal.code)
        if quote is None:
            continue
        level = touched_level(plan, quote, signal.market, session, signal.rank.segment)
        if level is not None:
            touches.append(Touch(signal, level, getattr(plan, level) if level else None, quote))
    return touches


def _record(market: str, session: date, touches: Sequence[Touch], at: datetime) -> WatchReport:
    """Keep levels that are new, delete those that were not reached again, and notify of confirmed ones."""
    confirmed: list[Touch] = []
    seen, number = 0, None
    with transaction.atomic():
        unconfirmed = IntradayTouch.objects.filter(signal__market=market, confirmed=False)
        unconfirmed.exclude(session=session).delete()
        rows = {row.signal_id: row for row in unconfirmed.select_for_update()}
        for touch in touches:
            row = rows.get(touch.signal.pk)
            if row is not None and row.level != touch.level:
                row.delete()
                row = None
            if row is None and touch.level:
                read_at = touch.quote.read_at
                IntradayTouch.objects.create(signal=touch.signal, session=session, level=touch.level, read_at=read_at)
                seen += 1
            elif row is not None and touch.quote.read_at > row.read_at:
                confirmed.append(touch)
        if confirmed:
            number = notify.record_intraday(market, session, _content(confirmed), at=at)
            unconfirmed.filter(signal__in=[touch.signal for touch in confirmed]).update(confirmed=True)
    return WatchReport(market, len(touches), seen, len(confirmed), number)


def _content(touches: Sequence[Touch]) -> dict[str, Any]:
    """The content of a notification: of each version the levels that were reached, in the order of signals."""
    versions: dict[str, list[dict[str, Any]]] = {}
    for touch in touches:
        row = {
            "code": touch.signal.code,
            "name": touch.signal.rank.name,
            "level": touch.level,
            "price": touch.price,
            "last": touch.quote.price,
            "read_at": touch.quote.read_at.isoformat(),
        }
        versions.setdefault(touch.signal.scanner_version.slug, []).append(row)
    empty = {"status": Status.PUBLISHED, "reason": "", "matched": 0, "ranked": 0, "picks": []}
    return {
        **notify.EMPTY_CONTENT,
        "versions": [{"scanner_version": slug, **empty, "touches": rows} for slug, rows in sorted(versions.items())],
    }
