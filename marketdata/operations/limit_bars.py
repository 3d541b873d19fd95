"""Bars of a window that the daily limit of its market does not allow (`price_limits`), less those that are decided.

Of a bar with a base price a factor event is a person's word as well: 1 says that the move was real, another ratio that
the base price is wrong where the close fits it.
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
    """The suspected bars of the sessions that `window` asks for; `panel` was read of it with prices, raw closes and
    volume of all its sessions, `events` are its factor events of bars without a base price."""
    close, raw = panel["close"], panel["raw_close"]
    eventful, decided = (np.zeros(close.shape, dtype=bool) for _ in range(2))
    for row, column, ratio in events:
        eventful[row, column] = True
        decided[row, column] = ratio == REAL_MOVE
    leveraged = np.zeros(close.shape, dtype=bool)
    leveraged[window.start :] = (panel.flags & NOT_COMMON) > 0
    bars = LimitedBars(
        panel["open"], panel["high"], panel["low"], close, raw, panel["volume"],
        _based(window, panel), eventful, decided, leveraged,
    )  # fmt: skip
    cells = price_limits.beyond_limits(bars, market, window.start)
    said = _ratios(market.name, [(window.sessions[row], panel.codes[n]) for row, n, _ in cells])
    for row, column, kind in cells:
        before, now = float(raw[row - 1, column]), float(raw[row, column])
        base = float(close[row - 1, column] / close[row, column] * raw[row, column])
        session, code = str(window.sessions[row]), str(panel.codes[column])
        event = said.get((session, code))
        if event is None or not bars.based[row, column] or not _fits(event, now / before, market):
            yield Break(session, code, kind, before, now, base / before)


def _fits(ratio: float, move: float, market: Market) -> bool:
    """Whether an event with this ratio explains the move, close / close before."""
    return ratio == REAL_MOVE or abs(move / ratio - 1) <= (market.suspect_move or 0.0)


def _based(window: Window, panel: Panel) -> Bools:
    """Which bars have a base price, (T, N)."""
    seen = window.survey
    found = np.zeros((len(window.sessions), len(seen.codes)), dtype=bool)
    for part, roster in zip(seen.parts, seen.rosters, strict=True):
        month = np.datetime64(part.month)
        after = (month.astype("datetime64[M]") + 1).astype("datetime64[D]")
        low, high = np.searchsorted(window.sessions, [month, after])
        if low < high and len(roster.codes):
            days = (window.sessions[low:high] - month).astype(np.intp)
            bits = schema.unpack_masks(roster.based)[:, days]
            found[low:high, positions(seen.codes, roster.codes)] = bits.T
    return found[:, np.searchsorted(seen.codes, np.char.encode(panel.codes, "utf-8"))]


def _ratios(market: str, cells: Sequence[tuple[np.datetime64, np.str_]]) -> dict[tuple[str, str], float]:
    """Session (ISO) and code -> the ratio of the factor event there is."""
    if not cells:
        return {}
    days = sorted(date.fromisoformat(str(day)) for day, _ in cells)
    wanted = {(str(day), str(code)) for day, code in cells}
    rows = FactorEvent.objects.filter(market=market, date__gte=days[0], date__lte=days[-1])
    found = {(day.isoformat(), code): ratio for code, day, ratio in rows.values_list("stock_code", "date", "ratio")}
    return {key: ratio for key, ratio in found.items() if key in wanted}
