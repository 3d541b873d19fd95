"""Candlesticks as SVG shapes, drawn on the server: prices with round grid lines, volume, levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WIDTH, HEIGHT, VOLUME = 960, 320, 60
GAP, LABEL = 12, 14
"""Between prices and volume; the height of a label."""


@dataclass(frozen=True, slots=True)
class Candlestick:
    """x and y in the units of the drawing; `date` and `close` for its title."""

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
class Drawing:
    """The shapes of a chart of `width` x `height`: candlesticks, levels (name, y, price), grid lines (y, price)."""

    width: int
    height: int
    candles: Sequence[Candlestick]
    lines: Sequence[tuple[str, float, float]]
    grid: Sequence[tuple[float, float]]


def draw_candlesticks(
    labels: Sequence[str], columns: Mapping[str, Floats], levels: Sequence[tuple[str, float]] = ()
) -> Drawing:
    """The drawing of candles, `columns` open, high, low, close and volume of shape (n,). NaN leaves a place empty; at
    least one is a number. `levels` (name, price) within the range of the prices or near it are lines."""
    opens, high, low, close = (columns[name] for name in ("open", "high", "low", "close"))
    volume = columns["volume"]
    top, bottom = float(np.nanmax(high)), float(np.nanmin(low))
    reach = (top - bottom) * 0.6 or top * 0.1
    near = [(name, price) for name, price in levels if bottom - reach <= price <= top + reach]
    top = max([top, *(price for _, price in near)])
    bottom = min([bottom, *(price for _, price in near)])
    pad = (top - bottom) * 0.04 or 1.0
    top, bottom = top + pad, bottom - pad
    scale = HEIGHT / (top - bottom)
    step = WIDTH / len(labels)
    most = float(np.nanmax(volume)) or 1.0

    def y(price: float) -> float:
        return round((top - price) * scale, 1)

    def is_free(price: float) -> bool:
        """Whether the label of a price overlaps that of no level."""
        return all(abs(y(price) - y(level)) > LABEL for _, level in near)

    def heights(prices: Floats) -> Floats:
        """`y` of several prices."""
        return np.round((top - prices) * scale, 1)

    tops = heights(np.maximum(opens, close))
    values = {
        "high_y": heights(high),
        "low_y": heights(low),
        "top_y": tops,
        "bottom_y": np.maximum(heights(np.minimum(opens, close)), tops + 0.8),
        "volume_y": np.round(HEIGHT + GAP + VOLUME * (1 - volume / most), 1),
        "up": close >= opens,
        "close": close,
    }
    rows = zip(*(column.tolist() for column in values.values()), strict=True)
    width = round(step * 0.66, 1)
    candles = [
        Candlestick(x=round((n + 0.5) * step, 1), width=width, date=labels[n], **dict(zip(values, row, strict=True)))
        for n, row in enumerate(rows)
        if not np.isnan(close[n])
    ]
    return Drawing(
        width=WIDTH,
        height=HEIGHT + GAP + VOLUME,
        candles=candles,
        lines=[(name, y(price), price) for name, price in near],
        grid=[(y(price), price) for price in _round_prices(bottom, top) if is_free(price)],
    )


def _round_prices(low: float, high: float) -> list[float]:
    """Four to eight round prices between low and high."""
    raw = (high - low) / 5
    base = 10.0 ** np.floor(np.log10(raw))
    step = base * next(factor for factor in (1, 2, 5, 10) if raw <= factor * base)
    return [float(price) for price in np.arange(np.ceil(low / step) * step, high, step)]
