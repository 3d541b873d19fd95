"""A candlestick chart as SVG shapes, drawn on the server: bars, volume, marks of picks and lines of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marketdata.queries.history import History
from scans.models import ScanRank
from scans.pages.rows import OrderPlan

WIDTH, HEIGHT, VOLUME = 960, 320, 60
GAP, LABEL = 12, 14
"""Between prices and volume; the height of a label."""


@dataclass(frozen=True, slots=True)
class Candle:
    """x and y in the units of the drawing; `date` and the four prices for its title."""

    x: float
    width: float
    high_y: float
    low_y: float
    top_y: float
    bottom_y: float
    volume_y: float
    up: bool
    date: str
    close: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The shapes of a chart of `width` x `height`; prices are adjusted for what happened up to the last bar."""

    width: int
    height: int
    candles: Sequence[Candle]
    lines: Sequence[tuple[str, float, float]]
    marks: Sequence[tuple[float, float, str]]
    grid: Sequence[tuple[float, float]]
    first: str
    last: str


def candlestick_chart(series: History, bars: int, order: OrderPlan | None, picks: Sequence[ScanRank]) -> Chart:
    """The chart of the last `bars` sessions with a bar, with the levels of a plan within its range or near it."""
    whole = series.adjusted()
    at = np.flatnonzero(whole.has_bar)[-bars:]
    high, low = whole.fields["high"][at], whole.fields["low"][at]
    opened, close, volume = (whole.fields[name][at] for name in ("open", "close", "volume"))
    days = whole.days[at]
    levels = (("target", order.target), ("entry", order.entry), ("stop", order.stop)) if order else ()
    planned = [(name, price) for name, price in levels if price is not None]
    top, bottom = float(np.max(high)), float(np.min(low))
    reach = (top - bottom) * 0.6 or top * 0.1
    planned = [(name, price) for name, price in planned if bottom - reach <= price <= top + reach]
    top = max([top, *(price for _, price in planned)])
    bottom = min([bottom, *(price for _, price in planned)])
    pad = (top - bottom) * 0.04 or 1.0
    top, bottom = top + pad, bottom - pad
    scale = HEIGHT / (top - bottom)
    step = WIDTH / max(len(at), 1)
    most = float(np.max(volume)) or 1.0

    def y(price: float) -> float:
        return round((top - price) * scale, 1)

    def is_free(price: float) -> bool:
        """Whether the label of a price overlaps that of no level."""
        return all(abs(y(price) - y(level)) > LABEL for _, level in planned)

    candles = [
        Candle(
            x=round((n + 0.5) * step, 1),
            width=round(step * 0.66, 1),
            high_y=y(high[n]),
            low_y=y(low[n]),
            top_y=y(max(opened[n], close[n])),
            bottom_y=max(y(min(opened[n], close[n])), y(max(opened[n], close[n])) + 0.8),
            volume_y=round(HEIGHT + GAP + VOLUME * (1 - volume[n] / most), 1),
            up=bool(close[n] >= opened[n]),
            date=str(days[n]),
            close=float(close[n]),
        )
        for n in range(len(at))
    ]
    place = {str(day): n for n, day in enumerate(days)}
    marked: dict[str, list[str]] = {}
    for pick in picks:
        if pick.date.isoformat() in place:
            marked.setdefault(pick.date.isoformat(), []).append(f"{pick.scanner_version.slug} #{pick.rank}")
    marks = [
        (candles[place[day]].x, min(candles[place[day]].low_y + 14, HEIGHT - 2), ", ".join(slugs))
        for day, slugs in marked.items()
    ]
    return Chart(
        width=WIDTH,
        height=HEIGHT + GAP + VOLUME,
        candles=candles,
        lines=[(name, y(price), price) for name, price in planned],
        marks=marks,
        grid=[(y(price), price) for price in _round_prices(bottom, top) if is_free(price)],
        first=str(days[0]),
        last=str(days[-1]),
    )


def _round_prices(low: float, high: float) -> list[float]:
    """Four to eight round prices between low and high."""
    raw = (high - low) / 5
    base = 10.0 ** np.floor(np.log10(raw))
    step = base * next(factor for factor in (1, 2, 5, 10) if raw <= factor * base)
    return [float(price) for price in np.arange(np.ceil(low / step) * step, high, step)]
