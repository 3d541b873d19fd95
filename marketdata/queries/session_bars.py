"""Bars of one session: which instruments have one, and why the others, and some that have one, are not scanned.

An instrument is expected while it is listed and has had a bar, or was listed, within `QUIET_SESSIONS`: one without a
bar for longer is not expected. Eligibility (suspected actions, administration and so on) is read from the panel,
as engines see it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from django.db.models import Count, Max, QuerySet

from caching.cached import leave_unstored
from marketdata.errors import DataProblem
from marketdata.joint_queries import evaluate_together
from marketdata.models import Instrument, InstrumentStatus, StockPrice
from marketdata.panel import CAUTION, MANAGED, NOT_COMMON, Bools, Panel
from marketdata.queries.window import open_window
from marketdata.record import Record

QUIET_SESSIONS = 20
"""Sessions without a bar after which an instrument is not expected any more."""
SUSPICION_REACH = 253
"""Sessions before the session: as far as a suspected corporate action reaches."""


@dataclass(frozen=True, slots=True)
class Omission:
    """Instruments that are not scanned for one reason, by code; `has_bar`: they have a bar on the session; `expected`:
    they are counted among the expected."""

    reason: str
    has_bar: bool
    expected: bool
    codes: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class SessionBars:
    """The bars of one session: instruments `expected`, those `present` among them, and the omissions by reason. `note`
    names what could not be read."""

    session: date
    expected: int
    present: int
    omissions: tuple[Omission, ...] = field(default=())
    note: str = ""


class _Listed(NamedTuple):
    code: str
    first_bar: date | None
    last_bar: date | None
    listed_on: date | None
    gone_on: date | None

    def is_recent(self, since: date) -> bool:
        """Whether it has a bar, a listing or a delisting since a session."""
        return any(day is not None and day >= since for day in (self.last_bar, self.listed_on, self.gone_on))


class SessionBarsQueries:
    """The queries of the bars of `session`: evaluated one by one, or with others in one statement by
    `evaluate_together(*query_sets)`. The database counts the instruments that have a bar; `without_bar` are the
    others."""

    def __init__(self, market: str, session: date) -> None:
        self.session = session
        bars = StockPrice.objects.filter(market=market, date=session).order_by()
        instruments = Instrument.objects.filter(market=market).order_by()
        self.present = bars.values("market").annotate(n=Count("stock_code", distinct=True)).values_list("n", flat=True)
        ended = instruments.filter(last_bar__lte=session).values("market").annotate(last=Max("last_bar"))
        self.end = ended.values_list("last", flat=True)
        # Whose last bar is of the session has one there: without them the database looks for few.
        others = instruments.exclude(last_bar=session)
        without_bar = others.exclude(code__in=bars.values("stock_code"))
        self.without_bar = without_bar.values_list("code", "first_bar", "last_bar", "listed_on", "gone_on")
        self.halts = (
            InstrumentStatus.objects.filter(instrument__market=market, halted__isnull=False, valid_from__lte=session)
            .order_by("valid_from")
            .values_list("instrument__code", "halted")
        )

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        """All of them."""
        return [self.present, self.end, self.without_bar, self.halts]


def get_session_bars(record: Record, session: date, *, eligibility: bool = True) -> SessionBars:
    """The bars of `session` of a market, which may have none. On a session after the record's end the instruments of
    its end are expected. Without `eligibility` those that have a bar and are not scanned are left out, which spares
    reading a panel."""
    queries = SessionBarsQueries(record.market.name, session)
    evaluate_together(*queries.query_sets)
    return make_session_bars(record, queries, eligibility=eligibility)


def make_session_bars(record: Record, queries: SessionBarsQueries, *, eligibility: bool) -> SessionBars:
    """The same from its queries."""
    market, session = record.market.name, queries.session
    end = next(iter(queries.end), session)
    at = int(np.searchsorted(record.calendar, np.datetime64(end)))
    since = record.calendar[max(at - QUIET_SESSIONS, 0)].item()
    present = next(iter(queries.present), 0)
    absent: list[str] = []
    delisted: list[str] = []
    for row in queries.without_bar:
        listed = _Listed(*row)
        if not listed.is_recent(since):
            continue
        if listed.gone_on and listed.gone_on <= session:
            delisted.append(listed.code)
        elif _is_expected(listed, session, since):
            absent.append(listed.code)
    is_halted = dict(queries.halts)  # by the last statement
    halted = {code for code in absent if is_halted.get(code)}
    omissions = [
        Omission("no_bar", False, True, tuple(sorted(set(absent) - halted))),
        Omission("halted", False, True, tuple(sorted(halted))),
        Omission("delisted", False, False, tuple(sorted(delisted))),
    ]
    note, wanted = "", eligibility and present > 0
    if wanted and any(month <= session for month in record.stale):
        leave_unstored()
        note = (
            f"The lake of market {market} is behind the record: which instruments are not eligible is unknown "
            "until the next scan, or `manage.py project_lake`."
        )
    elif wanted:
        try:
            omissions += _ineligible(record, session)
        except DataProblem as error:
            leave_unstored()
            note = f"Which instruments are not eligible is unknown: {error}"
    return SessionBars(
        session,
        present + len(absent),
        present,
        tuple(omission for omission in omissions if omission.codes),
        note,
    )


def _is_expected(listed: _Listed, session: date, since: date) -> bool:
    """Whether an instrument without a bar on `session` should have one."""
    if listed.listed_on and listed.listed_on > session:
        return False
    if listed.first_bar is None:
        return listed.listed_on is not None and listed.listed_on >= since
    return listed.first_bar < session and listed.last_bar is not None and listed.last_bar >= since


def _ineligible(record: Record, session: date) -> Iterator[Omission]:
    """The omissions of instruments with a bar that are not eligible, each under its first reason. DataProblem where the
    lake is behind the record."""
    sessions = record.between(session, session)
    panel = open_window(record, sessions, _history_before(record, sessions[0])).read({"volume": 0}, threads=1)
    still = StockPrice.objects.filter(market=record.market.name, date=session, volume=0, open=0)
    halted = np.isin(panel.codes, list(still.values_list("stock_code", flat=True)))
    left = panel.segment[-1] >= 0
    for reason, holds in _reasons(record, panel, halted):
        codes = tuple(map(str, panel.codes[left & holds]))
        left = left & ~holds
        yield Omission(reason, True, True, codes)


def _history_before(record: Record, session: np.datetime64) -> int:
    """Sessions that lie before `session` without a gap, `SUSPICION_REACH` at most."""
    block = record.block(session)
    return min(int(np.searchsorted(block, session)), SUSPICION_REACH)


def _reasons(record: Record, panel: Panel, halted: Bools) -> Iterator[tuple[str, Bools]]:
    """Reasons in their order of precedence; `halted`: a bar as an exchange writes a day without trade."""
    own = np.array([name in record.market.segments for name in panel.segments] + [False])
    flags = panel.flags[-1]
    yield "other_segment", ~own[panel.segment[-1]]
    yield "not_common_stock", (flags & NOT_COMMON) > 0
    yield "administration", (flags & MANAGED) > 0
    yield "caution", (flags & CAUTION) > 0
    yield "suspected", panel.suspect[-1]
    yield "halted", halted & ~panel.traded[-1]
    yield "untraded", ~panel.traded[-1]
