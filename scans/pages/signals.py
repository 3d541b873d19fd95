"""Signals: picks with a plan, waiting, open or closed, with how far the last close is from target and stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, Max
from django.utils.translation import gettext as _

from marketdata.pages.kept import Content
from marketdata.queries.closes import CloseSeries, get_closes
from marketdata.queries.market_calendar import get_overrides, make_calendars
from marketdata.record import Days
from marketdata.ticks import LEVELS
from scans.models import Signal, SignalStatus
from scans.pages.base import KeptPage
from scans.pages.rows import OrderPlan, order_plan, stock_address
from scans.pages.sparkline import sparkline
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
UNSHOWN = (
    *(f"rank__{name}" for name in ("signals", "components")),
    *(f"rank__scanner_version__{name}" for name in ("params", "segments", "limits")),
    *(f"rank__run__{name}" for name in ("params", "seconds")),
)
"""JSON that no row shows: to parse it took longer than to read the rows."""


@dataclass(frozen=True, slots=True)
class SignalRow:
    """A signal with the last close of its instrument, and how far its ends are from there."""

    signal: Signal
    address: str
    order: OrderPlan
    change: float | None
    distance: SignalDistance
    spark: str


class Signals(KeptPage):
    """`/{market}/signals?status=open|waiting|closed`; open ones by their distance to the stop, the nearest first."""

    section = "signals"
    parameters = ("status",)

    def content(self) -> Content:
        status = self.request.GET.get("status", "open")
        status = status if status in TABS else "open"
        every = results.market_signals(self.market.name)
        of_status = every.filter(status__in=TABS[status])
        of_status = of_status.select_related("rank__scanner_version", "rank__run").defer(*UNSHOWN)
        of_status = of_status.order_by("-exit_on", "-picked_on", "code")[:LISTED]
        by_status = every.order_by().values_list("status").annotate(count=Count("pk"), day=Max("seen_until"))
        overrides = get_overrides([self.market.name])
        self.evaluate(of_status, by_status, overrides)
        counts: dict[str, Any] = dict.fromkeys(TABS, 0)
        for recorded, count, _last in by_status:
            counts |= {name: counts[name] + count for name, group in TABS.items() if recorded in group}
        counts["day"] = max((day for *_, day in by_status), default=None)
        (calendar,) = make_calendars([self.market.name], overrides)
        signals = list(of_status)
        series = self._closes(signals, calendar.sessions)
        rows = [signal_row(signal, series.get(signal.code)) for signal in signals]
        if status != "closed":
            rows.sort(key=lambda row: (row.distance.to_stop is None, -(row.distance.to_stop or 0), row.signal.code))
        context = {
            "status": status,
            "counts": counts,
            "rows": rows,
            "total": counts[status],
            "afterwards": count_computed_afterwards(calendar, [(one.rank, one) for one in signals]),
        }
        html = self.render("pages/signals.html", context)
        return Content(_("Signals"), html, codes=sorted(series), frame={"live": status != "closed" and bool(rows)})

    def _closes(self, signals: Sequence[Signal], calendar: Days) -> dict[str, CloseSeries]:
        """The closes of the signals' instruments over `SPARK` sessions, or from the first pick that has not ended."""
        if not signals:
            return {}
        day = max(signal.seen_until for signal in signals)
        picked = min((signal.picked_on for signal in signals if signal.status in results.OPEN), default=day)
        first, last = np.searchsorted(calendar, np.array([picked, day], dtype="datetime64[D]")).tolist()
        sessions = max(last - first + 1, SPARK)
        return get_closes(self.market.name, {signal.code for signal in signals}, day, sessions, calendar=calendar)


def signal_row(signal: Signal, series: CloseSeries | None) -> SignalRow:
    """The row of a signal; `series` are the latest closes of its instrument."""
    vars(signal).update({name: getattr(signal.rank, name) for name in (*LEVELS, "segment")})
    signal.scanner_version = signal.rank.scanner_version
    return SignalRow(
        signal=signal,
        address=stock_address(signal.rank),
        order=order_plan(signal.rank),
        change=series.change if series else None,
        distance=signal_distance(signal.market, signal, series),
        spark=sparkline(series.adjusted[-SPARK:] if series else ()),
    )
