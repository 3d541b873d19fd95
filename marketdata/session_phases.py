"""Phases of a session: tables by calendar with the dates from which they hold.

KRX: opening auction from half an hour before the opening, continuous trading, closing auction in the last ten minutes,
trading at the day's close from ten to thirty minutes after it; afterwards auctions every ten minutes until 18:00, and
since 2026-09-14 the exchange's own after-market until 20:00 (notices of the exchange). On days with other hours all but
that end move with the opening or the close. New York: extended hours from 4:00 and for four hours after the close
(Nasdaq, NYSE Arca). Coins trade without a break.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple


class Phase(StrEnum):
    """A part of the day: before the first auction or trade; the opening auction; trading before the session; continuous
    trading; the closing auction; no trading; trading at the day's close; trading after the session."""

    PRE_OPEN = "pre_open"
    OPENING_AUCTION = "opening_auction"
    PRE_MARKET = "pre_market"
    CONTINUOUS = "continuous"
    CLOSING_AUCTION = "closing_auction"
    CLOSED = "closed"
    OFF_HOURS = "off_hours"
    AFTER_MARKET = "after_market"


class Bound(NamedTuple):
    """A moment of a session: `minutes` after its opening or its close, or after midnight."""

    anchor: str
    minutes: int


class PhaseRule(NamedTuple):
    """A phase from `begins` on, until the next rule's moment, on sessions from `since` to `until`."""

    phase: Phase
    begins: Bound
    since: date = date.min
    until: date = date.max


class SessionPhase(NamedTuple):
    """A phase of one session, on the market's clock."""

    phase: Phase
    begins: datetime
    ends: datetime


MIDNIGHT, OPEN, CLOSE = "midnight", "open", "close"
AFTER_MARKET_SINCE = date(2026, 9, 14)
LAST_AUCTIONS = date(2026, 9, 11)

PHASES: Mapping[str, Sequence[PhaseRule]] = {
    "XKRX": (
        PhaseRule(Phase.PRE_OPEN, Bound(MIDNIGHT, 0)),
        PhaseRule(Phase.OPENING_AUCTION, Bound(OPEN, -30)),
        PhaseRule(Phase.CONTINUOUS, Bound(OPEN, 0)),
        PhaseRule(Phase.CLOSING_AUCTION, Bound(CLOSE, -10)),
        PhaseRule(Phase.CLOSED, Bound(CLOSE, 0)),
        PhaseRule(Phase.OFF_HOURS, Bound(CLOSE, 10)),
        PhaseRule(Phase.AFTER_MARKET, Bound(CLOSE, 30)),
        PhaseRule(Phase.CLOSED, Bound(CLOSE, 150), until=LAST_AUCTIONS),
        PhaseRule(Phase.CLOSED, Bound(MIDNIGHT, 20 * 60), since=AFTER_MARKET_SINCE),
    ),
    "XNYS": (
        PhaseRule(Phase.PRE_OPEN, Bound(MIDNIGHT, 0)),
        PhaseRule(Phase.PRE_MARKET, Bound(MIDNIGHT, 4 * 60)),
        PhaseRule(Phase.CONTINUOUS, Bound(OPEN, 0)),
        PhaseRule(Phase.AFTER_MARKET, Bound(CLOSE, 0)),
        PhaseRule(Phase.CLOSED, Bound(CLOSE, 4 * 60)),
    ),
    "24/7": (PhaseRule(Phase.CONTINUOUS, Bound(MIDNIGHT, 0)),),
}
"""Calendar -> its phases in the order of the day."""


def phase_minutes(calendar: str, session: date, opens: int, closes: int) -> list[tuple[Phase, int]]:
    """The phases of a session and the minutes after midnight at which they begin, ascending; `opens` and `closes` in
    minutes after midnight."""
    anchors = {MIDNIGHT: 0, OPEN: opens, CLOSE: closes}
    rules = [rule for rule in PHASES[calendar] if rule.since <= session <= rule.until]
    return [(rule.phase, anchors[rule.begins.anchor] + rule.begins.minutes) for rule in rules]
