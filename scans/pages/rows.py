"""Rows of lists: a pick or a signal with its order prices, flow and sparkline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from marketdata.markets import Market
from marketdata.queries import flows as flow_queries
from scans.models import ScanRank, Signal
from scans.pages.sparkline import sparkline
from scans.queries.evening_summary import EveningSummary, Pick

Flows = Mapping[tuple[str, date], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class OrderPrices:
    """A plan on the exchange's tick grid; None where the plan has no such price or the market no grid. `target_pct` and
    `stop_pct` are fractions of the entry, `reward` what is won for each unit at risk."""

    entry: Decimal | None
    target: Decimal | None
    stop: Decimal | None
    target_pct: float | None
    stop_pct: float | None
    reward: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """A pick of a list."""

    rank: ScanRank
    moved_by: int | None
    exit_reason: str
    close: float
    change: float | None
    order: OrderPrices
    flow: Mapping[str, Any] | None
    spark: str


@dataclass(frozen=True, slots=True)
class EveningSignalRow:
    """A signal that was entered or that ended."""

    signal: Signal
    order: OrderPrices
    entered: bool
    spark: str


def evening_flows(market: str, found: EveningSummary) -> Flows:
    """(code, session) -> net buying, for every pick of the evening."""
    picks = {
        (pick.rank.code, found.session_date) for one in found.versions for pick in (*one.new, *one.stayed, *one.dropped)
    }
    return flow_queries.get_flow_figures(market, picks)


def pick_row(pick: Pick, found: EveningSummary, flows: Flows, market: Market) -> Row:
    """The row of one pick; a dropped one shows the evening's close, not that of its own session."""
    rank = pick.rank
    series = found.closes.get(rank.code)
    now = rank.date == found.session_date
    close, change = rank.close, None if rank.change_pct is None else rank.change_pct / 100
    if not now and series is not None:
        close, change = series.last, series.change
    return Row(
        rank=rank,
        moved_by=pick.moved_by if now else None,
        exit_reason=pick.exit_reason,
        close=close,
        change=change,
        order=order_prices(rank, market),
        flow=flows.get((rank.code, found.session_date)),
        spark=sparkline(series.adjusted if series else ()),
    )


def evening_signal_row(signal: Signal, found: EveningSummary, market: Market) -> EveningSignalRow:
    series = found.closes.get(signal.code)
    return EveningSignalRow(
        signal=signal,
        order=order_prices(signal.rank, market),
        entered=signal.entered_on == found.session_date and signal.exit_on != found.session_date,
        spark=sparkline(series.adjusted if series else ()),
    )


def order_prices(rank: ScanRank, market: Market) -> OrderPrices:
    """The plan of a pick as orders: target down, stop and entry up (`marketdata.ticks`)."""
    entry, target, stop = (
        market.order_price(price, side, rank.date, segment=rank.segment)
        for price, side in ((rank.entry, "entry"), (rank.target, "target"), (rank.stop, "stop"))
    )
    base = float(entry) if entry is not None else rank.close
    up = float(target) / base - 1 if target is not None and base else None
    down = float(stop) / base - 1 if stop is not None and base else None
    reward = up / -down if up is not None and down is not None and down < 0 else None
    return OrderPrices(entry, target, stop, up, down, reward)
