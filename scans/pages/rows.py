"""Rows of lists: a pick or a signal with its order plan, investor flow and sparkline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from marketdata.web.templatetags.numbers import plain_price
from scans.models import ScanRank, Signal
from scans.pages.sparkline import sparkline
from scans.queries import order_prices
from scans.queries.evening_summary import EveningSummary, Pick


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """The order prices of a plan (`scans.order_prices`), None where the plan has no such level or the market no tick
    grid. `target_pct` and `stop_pct` are fractions of the entry, `reward` the gain for each unit at risk."""

    entry: float | None
    target: float | None
    stop: float | None
    target_pct: float | None
    stop_pct: float | None
    reward: float | None


@dataclass(frozen=True, slots=True)
class PickRow:
    """A pick of a list; `address` of its page, `copied`: the text for an order form."""

    rank: ScanRank
    address: str
    copied: str
    moved_by: int | None
    exit_reason: str
    close: float
    change: float | None
    order: OrderPlan
    flow: Mapping[str, Any] | None
    spark: str


@dataclass(frozen=True, slots=True)
class EveningSignalRow:
    """A signal that was entered or that ended on the session."""

    signal: Signal
    address: str
    entered: bool
    spark: str

    @property
    def status(self) -> str:
        """ "entered", or the status with which it ended."""
        return "entered" if self.entered else self.signal.status


def pick_row(pick: Pick, evening: EveningSummary) -> PickRow:
    """The row of one pick; a dropped one shows the evening's close, not that of its own session."""
    rank = pick.rank
    series = evening.closes.get(rank.code)
    is_current = rank.date == evening.session_date
    close, change = rank.close, None if rank.change_pct is None else rank.change_pct / 100
    if not is_current and series is not None:
        close, change = series.last, series.change
    order = order_plan(rank)
    prices = "/".join(plain_price(price) for price in (order.entry, order.target, order.stop))
    return PickRow(
        rank=rank,
        address=stock_address(rank),
        copied=f"{rank.code} {rank.name} {prices}",
        moved_by=pick.moved_by if is_current else None,
        exit_reason=pick.exit_reason,
        close=close,
        change=change,
        order=order,
        flow=evening.flows.get((rank.code, evening.session_date)),
        spark=sparkline(series.adjusted if series else ()),
    )


def evening_signal_row(signal: Signal, evening: EveningSummary) -> EveningSignalRow:
    """The row of a signal that moved on the evening's session."""
    series = evening.closes.get(signal.code)
    return EveningSignalRow(
        signal=signal,
        address=stock_address(signal.rank),
        entered=signal.entered_on == evening.session_date and signal.exit_on != evening.session_date,
        spark=sparkline(series.adjusted if series else ()),
    )


def stock_address(rank: ScanRank) -> str:
    """The page of a pick's instrument, with that pick chosen."""
    path = reverse("pages:stock", args=[rank.market, rank.code])
    return f"{path}?scanner_version={rank.scanner_version.slug}&date={rank.date}"


def order_plan(rank: ScanRank) -> OrderPlan:
    """The plan of a pick as orders, with its distances from the entry (the close where the plan has no entry)."""
    prices = order_prices.pick_order_prices(rank) or {}
    entry, target, stop = (prices.get(level) for level in ("entry", "target", "stop"))
    base = rank.close if entry is None else entry
    gain = target / base - 1 if target is not None and base else None
    loss = stop / base - 1 if stop is not None and base else None
    reward = gain / -loss if gain is not None and loss is not None and loss < 0 else None
    return OrderPlan(entry, target, stop, gain, loss, reward)
