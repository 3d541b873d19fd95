"""Bars of a window that the daily limit of its market does not allow (`price_limits`), less those with a decision.

A factor event on a bar with a base price is a decision as well: 1 declares the move real, another ratio the base price
wrong where the close fits the ratio.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np

from marketdata import price_limits
from marketdata.breaks import Break
from marketdata.lake import schema
from marketdata.lake.footers import positions
from marketdata.lake.reader import Window
from marketdata.markets import Market
from marketdata.models import FactorEvent
from marketdata.panel import NOT_COMMON, Bools, Panel
from marketdata.price_limits import LimitedBars

REAL_MOVE = 1.0
Event = tuple[int, int, float]
"""Row, column, ratio."""


def suspected_bars(market: Market, window: Window, panel: Panel, events: Sequence[Event]) -> Iterator[Break]:
    """The suspected bars of the sessions that `window` asks for; `panel` has its prices, raw closes and
    volume of all sessions, `events` are its factor events on bars without a base price."""
    close, raw = panel["close"], panel["raw_close"]
    eventful, decided = (np.zeros(close.shape, dtype=bool) for _ in range(2))
    for row, column, ratio in events:
        eventful[row, column] = True
        decided[row, column] = ratio == REAL_MOVE
    leveraged = np.zeros(close.shape, dtype=bool)
    leveraged[window.start :] = (panel.flags & NOT_COMMON) > 0
    bars = LimitedBars(
        panel["open"], panel["high"], panel["low"], close, raw, panel["volume"],
        _has_base_price(window, panel), eventful, decided, leveraged,
    )  # fmt: skip
    cells = price_limits.beyond_limits(bars, market, window.start)
    ratios = _ratios(market.name, [(window.sessions[row], panel.codes[n]) for row, n, _ in cells])
    for row, column, kind in cells:
        before, now = float(raw[row - 1, column]), float(raw[row, column])
        base = float(close[row - 1, column] / close[row, column] * raw[row, column])
        session, code = str(window.sessions[row]), str(panel.codes[column])
        event = ratios.get((session, code))
        if event is None or not bars.based[row, column] or not _fits(event, now / before, market):
            yield Break(session, code, kind, before, now, base / before)


def _fits(ratio: float, move: float, market: Market) -> bool:
    """Whether an event with this ratio explains the move, close / close before."""
    return ratio == REAL_MOVE or abs(move / ratio - 1) <= (market.suspect_move or 0.0)


def _has_base_price(window: Window, panel: Panel) -> Bools:
    """Which bars have a base price, (T, N)."""
    survey = window.survey
    has_base = np.zeros((len(window.sessions), len(survey.codes)), dtype=bool)
    for part, roster in zip(survey.parts, survey.rosters, strict=True):
        month = np.datetime64(part.month)
        after = (month.astype("datetime64[M]") + 1).astype("datetime64[D]")
        low, high = np.searchsorted(window.sessions, [month, after])
        if low < high and len(roster.codes):
            days = (window.sessions[low:high] - month).astype(np.intp)
            bits = schema.unpack_masks(roster.based)[:, days]
            has_base[low:high, positions(survey.codes, roster.codes)] = bits.T
    return has_base[:, np.searchsorted(survey.codes, np.char.encode(panel.codes, "utf-8"))]


def _ratios(market: str, cells: Sequence[tuple[np.datetime64, np.str_]]) -> dict[tuple[str, str], float]:
    """Session (ISO) and code -> the ratio of its factor event."""
    if not cells:
        return {}
    days = sorted(date.fromisoformat(str(day)) for day, _ in cells)
    keys = {(str(day), str(code)) for day, code in cells}
    rows = FactorEvent.objects.filter(market=market, date__gte=days[0], date__lte=days[-1])
    ratios = {(day.isoformat(), code): ratio for code, day, ratio in rows.values_list("stock_code", "date", "ratio")}
    return {key: ratio for key, ratio in ratios.items() if key in keys}
