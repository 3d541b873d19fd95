"""Signals: picks with a plan, waiting, open or closed, with how far the last close is from target and stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db.models import Count, Max, QuerySet
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from marketdata.joint_queries import reuse_queries
from marketdata.pages.kept import Content
from marketdata.queries.closes import CloseSeries, get_closes
from marketdata.queries.market_calendar import get_overrides, make_calendars
from marketdata.record import Days
from marketdata.ticks import LEVELS
from scans.models import Signal, SignalStatus
from scans.pages.base import KeptPage
from scans.pages.row_cells import RowCells
from scans.pages.signal_rows import SignalRows
from scans.queries import results
from scans.queries.evening_summary import SPARK
from scans.queries.run_timing import count_computed_afterwards
from scans.queries.signal_distances import SignalDistance, signal_distance

TABS = {
    "open": (SignalStatus.OPEN,),
    "waiting": (SignalStatus.WAITING,),
    "closed": (SignalStatus.TARGET, SignalStatus.STOP, SignalStatus.EXPIRED, SignalStatus.LAPSED, SignalStatus.SUSPECT),
}
LISTED = 200
"""Rows of a tab."""
SHOWN = (
    *("market", "code", "status", "picked_on", "entered_on", "entry_price", "exit_on", "exit_price", "return_pct"),
    *("bound_pct", "sessions_held", "seen_until"),
    *(f"rank__{name}" for name in ("market", "code", "name", "segment", "date", "strategy", "close", *LEVELS)),
    *("rank__holding_max", "rank__scanner_version__slug", "rank__run__started_at"),
)
"""The fields that rows show: to read all of the four models took twice as long."""


class Signals(KeptPage):
    """`/{market}/signals?status=open|waiting|closed`: the latest closed ones, of the others those whose last close is
    nearest to their stop, the nearest first."""

    section = "signals"
    parameters = ("status",)

    def content(self) -> Content:
        status = self.request.GET.get("status", "open")
        status = status if status in TABS else "open"
        market = self.market.name
        queries = reuse_queries(("signals", market, status), lambda: _SignalQueries(market, status))
        self.evaluate(*queries.query_sets)
        counts: dict[str, Any] = dict.fromkeys(TABS, 0)
        for recorded, count, _last in queries.by_status:
            counts |= {name: counts[name] + count for name, group in TABS.items() if recorded in group}
        counts["day"] = max((day for *_, day in queries.by_status), default=None)
        (calendar,) = make_calendars([market], queries.overrides)
        signals = list(queries.of_status)
        if status != "closed" and counts[status] > LISTED:  # any of them may be the nearest to its stop
            signals = list(queries.all_of_status)
        series = self._closes(signals, calendar.sessions)
        rows = [(signal, _distance(signal, last), last) for signal in signals for last in [series.get(signal.code)]]
        if status != "closed":
            rows.sort(key=lambda row: (row[1].to_stop is None, -(row[1].to_stop or 0), row[0].code))
            rows = rows[:LISTED]
        table = SignalRows(RowCells(self.market), is_waiting=status == "waiting", is_closed=status == "closed")
        context = {
            "status": status,
            "counts": counts,
            "listed": len(rows),
            "rows": mark_safe(table.html(rows)),  # noqa: S308 - escaped there
            "total": counts[status],
            "afterwards": count_computed_afterwards(calendar, [(one.rank, one) for one, *_ in rows]),
        }
        html = self.render("pages/signals.html", context)
        return Content(
            _("Signals"),
            html,
            codes=sorted({one.code for one, *_ in rows}),
            frame={"live": status != "closed" and bool(rows)},
        )

    def _closes(self, signals: Sequence[Signal], calendar: Days) -> dict[str, CloseSeries]:
        """The closes of the signals' instruments over `SPARK` sessions, or from the first pick that has not ended."""
        if not signals:
            return {}
        day = max(signal.seen_until for signal in signals)
        picked = min((signal.picked_on for signal in signals if signal.status in results.OPEN), default=day)
        first, last = np.searchsorted(calendar, np.array([picked, day], dtype="datetime64[D]")).tolist()
        sessions = max(last - first + 1, SPARK)
        return get_closes(self.market.name, {signal.code for signal in signals}, day, sessions, calendar=calendar)


class _SignalQueries:
    """The queries of a tab: its signals, the numbers of signals by status with the last day followed, and the
    calendar."""

    def __init__(self, market: str, tab: str) -> None:
        every = results.market_signals(market)
        of_status = every.filter(status__in=TABS[tab]).select_related("rank__scanner_version", "rank__run")
        self.all_of_status = of_status.only(*SHOWN).order_by("-exit_on", "-picked_on", "code")
        self.of_status = self.all_of_status[:LISTED]
        self.by_status = every.order_by().values_list("status").annotate(count=Count("pk"), day=Max("seen_until"))
        self.overrides = get_overrides([market])

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        """All of them."""
        return [self.of_status, self.by_status, self.overrides]


def _distance(signal: Signal, series: CloseSeries | None) -> SignalDistance:
    """How far the last close is from the ends of a signal; `series` are the latest closes of its instrument."""
    vars(signal).update({name: getattr(signal.rank, name) for name in (*LEVELS, "segment")})
    return signal_distance(signal.market, signal, series)
