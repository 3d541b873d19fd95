"""Whether a live quote reached the target or the stop of a plan.

1. A price counts where the daily limits allow it and the rest of the quote does not contradict it: the high and the low
   of the day where they enclose the open and the last price, else the last price alone.
2. The plan's levels belong to the last close. Where the base price of the day is another, a corporate action lies
   between them, or a bar is missing: nothing is compared.
3. A plan that is entered at today's open is compared where that lies between stop and target, as by the record's rule.
4. Of two levels on one day the stop counts, since their order is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from marketdata import ticks
from marketdata.markets import get_market
from marketdata.operations.live_quotes import LiveQuote

TARGET, STOP = "target", "stop"
SAME_BASE = 0.0005
"""The greatest difference of a base price from the last close, as a fraction, that is rounding."""


@dataclass(frozen=True, slots=True)
class Levels:
    """`target` and `stop` of a plan, adjusted to the last `close` before the session; None where it has none. `enters`:
    the plan is entered at the open of the session."""

    close: float
    target: float | None
    stop: float | None
    enters: bool = False


def touched_level(levels: Levels, quote: LiveQuote, market: str, session: date, segment: str) -> str | None:
    """TARGET, STOP, "" where neither was reached; None where the quote says nothing of it."""
    if quote.open is None or quote.high is None or quote.low is None or not quote.base_price:
        return None
    if abs(quote.base_price / levels.close - 1) > SAME_BASE:
        return None
    limits = _limits(quote.base_price, market, session, segment)
    if not _allowed(quote.price, limits):
        return None
    high, low = quote.high, quote.low
    if not (_allowed(high, limits) and high >= max(quote.open, quote.price)):
        high = quote.price
    if not (_allowed(low, limits) and low <= min(quote.open, quote.price)):
        low = quote.price
    stop = -float("inf") if levels.stop is None else levels.stop
    target = float("inf") if levels.target is None else levels.target
    if levels.enters and not stop < quote.open < target:
        return None
    return STOP if low <= stop else TARGET if high >= target else ""


def _limits(base: float, market: str, session: date, segment: str) -> ticks.PriceLimits | None:
    """The daily limits; None where the market has none."""
    has_limits = get_market(market).suspect_move is not None
    return ticks.get_price_limits(base, session, segment) if has_limits else None


def _allowed(price: float, limits: ticks.PriceLimits | None) -> bool:
    return limits is None or limits.lower <= Decimal(repr(price)) <= limits.upper
