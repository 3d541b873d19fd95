"""Signals: picks with a plan, waiting, open or closed, with how far the last close is from target and stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Max

from marketdata.queries.closes import CloseSeries, get_closes
from scans.models import Signal, SignalStatus
from scans.pages.base import MarketPage
from scans.pages.rows import OrderPlan, order_plan
from scans.pages.sparkline import sparkline
from scans.queries import results
from scans.queries.evening_summary import SPARK

TABS = {
    "open": (SignalStatus.OPEN,),
    "waiting": (SignalStatus.WAITING,),
    "closed": (
        SignalStatus.TARGET,
        SignalStatus.STOP,
        SignalStatus.EXPIRED,
        SignalStatus.LAPSED,
        SignalStatus.SUSPECT,
    ),
}
CLOSED_SHOWN = 200
"""Rows of a tab."""


@dataclass(frozen=True, slots=True)
class SignalRow:
    """A signal with its last close; `to_target` and `to_stop` are fractions of it, None without an order price."""

    signal: Signal
    order: OrderPlan
    last: float | None
    change: float | None
    to_target: float | None
    to_stop: float | None
    spark: str


class Signals(MarketPage):
    """`/{market}/signals?status=open|waiting|closed`; open ones by their distance to the stop, the nearest first."""

    template_name = "pages/signals.html"
    section = "signals"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        status = self.request.GET.get("status", "open")
        status = status if status in TABS else "open"
        every = results.market_signals(self.market.name)
        of_status = every.filter(status__in=TABS[status]).select_related("rank", "scanner_version")
        signals = list(of_status.order_by("-exit_on", "-picked_on", "code")[:CLOSED_SHOWN])
        day = max((signal.seen_until for signal in signals), default=None)
        series = get_closes(self.market.name, {signal.code for signal in signals}, day, SPARK) if day else {}
        rows = [signal_row(signal, series.get(signal.code)) for signal in signals]
        if status != "closed":
            rows.sort(key=lambda row: (row.to_stop is None, -(row.to_stop or 0), row.signal.code))
        counts = {name: every.filter(status__in=group).count() for name, group in TABS.items()}
        return context | {
            "status": status,
            "counts": counts,
            "rows": rows,
            "total": counts[status],
            "seen_until": every.aggregate(day=Max("seen_until"))["day"],
        }


def signal_row(signal: Signal, series: CloseSeries | None) -> SignalRow:
    """The row of a signal; `series` are the latest closes of its instrument."""
    order = order_plan(signal.rank)
    last = series.last if series else None

    def distance(price: float | None) -> float | None:
        return price / last - 1 if price is not None and last else None

    return SignalRow(
        signal=signal,
        order=order,
        last=last,
        change=series.change if series else None,
        to_target=distance(order.target),
        to_stop=distance(order.stop),
        spark=sparkline(series.adjusted if series else ()),
    )
