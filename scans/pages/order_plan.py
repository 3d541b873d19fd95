"""The plan of a pick as orders, with its distances."""

from __future__ import annotations

from dataclasses import dataclass

from scans.models import ScanRank
from scans.queries import order_prices


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


def order_plan(rank: ScanRank) -> OrderPlan:
    """The plan of a pick as orders, with its distances from the entry (the close where the plan has no entry)."""
    prices = order_prices.pick_order_prices(rank) or {}
    entry, target, stop = (prices.get(level) for level in ("entry", "target", "stop"))
    base = rank.close if entry is None else entry
    gain = target / base - 1 if target is not None and base else None
    loss = stop / base - 1 if stop is not None and base else None
    reward = gain / -loss if gain is not None and loss is not None and loss < 0 else None
    return OrderPlan(entry, target, stop, gain, loss, reward)
