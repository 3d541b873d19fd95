"""How far the last close of a signal's instrument is from its target and its stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from marketdata.queries.closes import CloseSeries, get_closes
from marketdata.queries.instruments import get_last_day
from marketdata.queries.market_calendar import get_sessions
from marketdata.record import Days
from marketdata.ticks import LEVELS
from scans.models import Signal
from scans.queries.order_prices import order_prices
from scans.queries.results import OPEN

RECENT = 5
"""Sessions up to the latest bar in which a last close is looked for, where no plan reaches further back."""


@dataclass(frozen=True, slots=True)
class SignalDistance:
    """`close`, the last raw close, on `day`; from it to the plan's order prices, exact levels where the market has no
    tick grid: `to_target` and `to_stop`, fractions of the close, None for a signal that has ended or lacks the level.
    Levels are adjusted for corporate actions since the pick."""

    close: float | None = None
    day: date | None = None
    to_target: float | None = None
    to_stop: float | None = None

    @property
    def target(self) -> float | None:
        """The adjusted target."""
        return self._level(self.to_target)

    @property
    def stop(self) -> float | None:
        """The adjusted stop."""
        return self._level(self.to_stop)

    def _level(self, distance: float | None) -> float | None:
        return None if distance is None or self.close is None else float(f"{self.close * (1 + distance):.10g}")


def signal_distances(market: str, signals: Sequence[Signal], calendar: Days | None = None) -> dict[int, SignalDistance]:
    """Key of a signal -> its distances, in a fixed number of queries. `signals` are of one market and have `segment`,
    `entry`, `target` and `stop` of their picks. `calendar`: the market's sessions."""
    codes = {signal.code for signal in signals}
    latest = get_last_day(market, codes)
    series: dict[str, CloseSeries] = {}
    if latest is not None:
        calendar = get_sessions(market) if calendar is None else calendar
        since = min((signal.picked_on for signal in signals if signal.status in OPEN), default=latest)
        first, last = np.searchsorted(calendar, np.array([since, latest], dtype="datetime64[D]")).tolist()
        series = get_closes(market, codes, latest, max(last - first + 1, RECENT), calendar=calendar)
    return {signal.pk: signal_distance(market, signal, series.get(signal.code)) for signal in signals}


def signal_distance(market: str, signal: Signal, series: CloseSeries | None) -> SignalDistance:
    """The distances of a signal whose instrument has these closes, from the day of the pick on."""
    if series is None:
        return SignalDistance()
    factor = series.factor(signal.picked_on) if signal.status in OPEN else None
    if factor is None or not series.last:
        return SignalDistance(series.last, series.last_on)
    plan = {name: getattr(signal, name) for name in LEVELS}
    orders = order_prices(
        plan,
        market=market,
        session=signal.picked_on,
        segment=getattr(signal, "segment", ""),
        code=signal.code,
        close=plan["entry"],
    )
    prices = orders or plan
    to_target, to_stop = (
        None if price is None else price * factor / series.last - 1 for price in (prices["target"], prices["stop"])
    )
    return SignalDistance(series.last, series.last_on, to_target, to_stop)
