"""Order prices and the end of a signal by counting prices one by one, from the written tables (KRX, won).

Price from which a tick holds -> tick. Before 2023-01-25 KOSDAQ has 100 above 100,000 where KOSPI has 500 and 1,000.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

NEW = {500_000: 1_000, 200_000: 500, 50_000: 100, 20_000: 50, 5_000: 10, 2_000: 5, 0: 1}
KOSPI = {500_000: 1_000, 100_000: 500, 50_000: 100, 10_000: 50, 5_000: 10, 1_000: 5, 0: 1}
KOSDAQ = {50_000: 100, 10_000: 50, 5_000: 10, 1_000: 5, 0: 1}

Bar = tuple[float, float, float, float]
"""open, high, low, close."""


def is_price(won: int, day: date, segment: str) -> bool:
    """Whether an order can be placed at `won`."""
    table = NEW if day >= date(2023, 1, 25) else KOSDAQ if "KOSDAQ" in segment else KOSPI
    tick = next(size for start, size in table.items() if won >= start)
    return won % tick == 0


def order(price: float, day: date, segment: str, step: int) -> int:
    """The nearest price of the grid at or below (`step` -1) or at or above (+1) `price`, won by won."""
    price = round(price, 6)
    won = math.floor(price) if step < 0 else math.ceil(price)
    while not is_price(won, day, segment):
        won += step
    return won


def exit_of(bars: Sequence[Bar], target: float, stop: float, limit: int) -> tuple[str, int, float] | None:
    """How a position entered at the first bar's open ends: why, the number of the bar, the price; None: it is held."""
    for number, (opened, high, low, close) in enumerate(bars):
        if opened <= stop:
            return "stop", number, opened
        if opened >= target:
            return "target", number, opened
        if low <= stop:
            return "stop", number, stop
        if high >= target:
            return "target", number, target
        if number + 1 >= limit:
            return "expired", number, close
    return None
