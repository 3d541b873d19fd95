"""Splits of US shares: the raw bars of KIS (MODP 0) compared with its adjusted ones (MODP 1).

The two answers are two readings of the same bars. adjusted / raw is one ratio for open, high, low and close of a
session, and it changes where the share is split:

    factor of a session = ratio of the session before / ratio of the session = base price / raw close before

A bar that only one of the answers has, or whose prices or volume do not agree, counts as unanswered. Whether KIS
adjusts for dividends, too, is not stated: factors within `SMALLEST` are none of a split. A factor that the bars
contradict (`breaks.contradicts`) leaves the bar without a base price.
"""

from __future__ import annotations

import math
from datetime import date, timedelta

from marketdata import breaks
from marketdata.sources.daily import BarAnswer, DailyBar

ROUNDING = 0.000_11
"""Dollars: both series have four decimals."""
SMALLEST = 1.19
"""A split of six for five is the smallest; dividends are less."""
NEAR_SPLIT = 0.005
"""Relative distance within which a factor is that of the simple split."""
DAY = timedelta(days=1)


def with_splits(raw: BarAnswer, adjusted: BarAnswer, start: date, end: date) -> BarAnswer:
    """The raw bars of [start, end], with base prices at splits; both answers begin before `start`, where there are
    bars."""
    adjusted_bars = {bar.session: bar for bar in adjusted.bars}
    raw_days = {bar.session for bar in raw.bars}
    bars = [bar for bar in raw.bars if _agree(bar, adjusted_bars.get(bar.session))]
    doubtful = (raw_days | adjusted_bars.keys()) - {bar.session for bar in bars}
    spoiled = [*raw.spoiled, *((day, day) for day in sorted(doubtful))]
    partial, based, before = set(raw.partial), [], None
    for bar in bars:
        if before is not None:
            ratios = (adjusted_bars[each.session].close / each.close for each in (before, bar))
            factor = _split(*ratios)
            # The close before is missing where a bar between the two is.
            follows = not any(first < bar.session and last > before.session for first, last in spoiled)
            base = _base_price(bar, before, factor) if follows or factor == 1.0 else None
            if base is None:
                partial.add(bar.session)
            bar = bar._replace(base_price=base)
        based.append(bar)
        before = bar
    return BarAnswer(
        [bar for bar in based if start <= bar.session <= end],
        tuple((max(first, start), min(last, end)) for first, last in spoiled if first <= end and last >= start),
        tuple(sorted(day for day in partial if start <= day <= end)),
        raw.read_at,
    )


def _agree(raw: DailyBar, adjusted: DailyBar | None) -> bool:
    """Whether the adjusted bar is the raw one at another scale; KIS may scale the volume or not."""
    if adjusted is None:
        return False
    ratio = adjusted.close / raw.close
    prices = zip((raw.open, raw.high, raw.low), (adjusted.open, adjusted.high, adjusted.low), strict=True)
    if any(abs(scaled - price * ratio) > ROUNDING * (1 + price / raw.close) for price, scaled in prices):
        return False
    return raw.volume == adjusted.volume or math.isclose(adjusted.volume * ratio, raw.volume, rel_tol=0.01, abs_tol=1)


def _split(before: float, ratio: float) -> float:
    """The factor of a session by the ratios of the two sessions, 1 where it is none of a split."""
    factor = before / ratio
    if max(factor, 1 / factor) < SMALLEST:
        return 1.0
    simple = breaks.nearest_split(factor)
    return simple if simple and abs(simple / factor - 1) <= NEAR_SPLIT else factor


def _base_price(bar: DailyBar, before: DailyBar, factor: float) -> float | None:
    """The close before times the factor of a split, else the base price of the row; None where the bars contradict the
    one that differs from the close before."""
    base = before.close * factor if factor != 1.0 else bar.base_price
    if base is None or breaks.contradicts(bar.close / before.close, base / before.close, None):
        return None
    return base
