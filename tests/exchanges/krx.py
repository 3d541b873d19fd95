"""The recorded KRX data as a market for the imitation of KIS."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow.parquet as pq

from tests import realdata
from tests.exchanges.kis_market import Bar, Instrument

BARS = "krx_raw_2023_2026.parquet"
EVENTS = "krx_events_2023_2025.parquet"
FLOWS = "krx_investor_flow_2026.parquet"
SEGMENTS = {"KOSPI": "KOSPI", "KONEX": "KONEX"}  # every other one is in the file of KOSDAQ


def real_market(*, codes: int = 10_000, since: date = date(2023, 1, 1), flows: bool = True) -> dict[str, Instrument]:
    """The first so many instruments with their bars since a day; empty where the data is not here. The base price is
    the close before, or what a recorded event makes of it."""
    file = realdata.FOLDER / BARS
    if not file.is_file():
        return {}
    ratios = _ratios()
    earlier = since - timedelta(days=20)  # for the close before the first bar
    table = pq.read_table(file, filters=[("date", ">=", earlier)])
    table = table.sort_by([("code", "ascending"), ("date", "ascending")])
    names = ("code", "date", "name", "market", "open", "high", "low", "close", "volume")
    columns = [table.column(name) for name in names]
    market: dict[str, Instrument] = {}
    before: dict[str, int] = {}
    for code, day, name, segment, *numbers in zip(*(column.to_pylist() for column in columns), strict=True):
        if code not in market:
            if len(market) == codes:
                break
            market[code] = Instrument(name, [], SEGMENTS.get(segment, "KOSDAQ"))
        o, h, low, close, volume = (int(number) for number in numbers)
        base = round(before.get(code, close) * ratios.get((code, day), 1.0))
        before[code] = close
        if day >= since:
            market[code].bars.append(Bar(day, o, h, low, close, volume, base))
    for each in market.values():
        if each.bars:
            each.listed = each.bars[0].session
    if flows:
        _add_flows(market)
    return market


def _ratios() -> dict[tuple[str, date], float]:
    file = realdata.FOLDER / EVENTS
    if not file.is_file():
        return {}
    table = pq.read_table(file)
    columns: list[list[Any]] = [table.column(n).to_pylist() for n in ("code", "date", "ratio")]
    return {(code, day): ratio for code, day, ratio in zip(*columns, strict=True)}


def _add_flows(market: dict[str, Instrument]) -> None:
    """Nets in shares at the day's close from the recorded nets in won; individuals have no rows."""
    file = realdata.FOLDER / FLOWS
    if not file.is_file():
        return
    closes = {(code, bar.session): bar.close for code, each in market.items() for bar in each.bars}
    table = pq.read_table(file).sort_by("date")
    days = table.column("date").to_pylist()
    won = [table.column(name).to_pylist() for name in ("foreign_net_value", "institution_net_value")]
    for code, day, *nets in zip(table.column("code").to_pylist(), days, *won, strict=True):
        close = closes.get((code, day))
        if close:
            foreign, institution = (None if net is None else round(net / close) for net in nets)
            market[code].flows.append((day, None, foreign, institution))
