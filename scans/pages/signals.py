"""Signals: picks with a plan, waiting, open or closed, with how far the last close is from target and stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Max

from marketdata.markets import Market
from marketdata.queries.closes import CloseSeries, get_closes
from scans.models import Signal, SignalStatus
from scans.pages.base import MarketPage
from scans.pages.rows import OrderPrices, order_prices
from scans.pages.sparkline import sparkline
from scans.queries import results

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


@dataclass(frozen=True, slots=True)
class SignalRow:
    """A signal with its last close; `to_target` and `to_stop` are fractions of it, None without an order price."""

    signal: Signal
    order: OrderPrices
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
        found = every.filter(status__in=TABS[status]).select_related("rank", "version")
        shown = list(found.order_by("-exit_on", "-picked_on", "code")[:CLOSED_SHOWN])
        day = max((one.seen_until for one in shown), default=None)
        series = get_closes(self.market.name, {one.code for one in shown}, day, 60) if day else {}
        rows = [signal_row(one, series, self.market) for one in shown]
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


def signal_row(signal: Signal, series: dict[str, CloseSeries], market: Market) -> SignalRow:
    order = order_prices(signal.rank, market)
    found = series.get(signal.code)
    last = found.last if found else None

    def distance(price: Any) -> float | None:
        return float(price) / last - 1 if price is not None and last else None

    return SignalRow(
        signal=signal,
        order=order,
        last=last,
        change=found.change if found else None,
        to_target=distance(order.target),
        to_stop=distance(order.stop),
        spark=sparkline(found.adjusted if found else ()),
    )
