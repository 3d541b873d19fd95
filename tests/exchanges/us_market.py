"""US instruments for the imitation of KIS: made up, or those of the recorded US file, with splits undone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date

import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests import realdata
from tests.exchanges.kis_overseas import UsBar, UsInstrument

FILE = "us_yahoo_2022_2024.parquet"
EXCHANGES = ("NAS", "NYS", "AMS")


def generated_bars(days: Sequence[date], seed: int, start: float = 50.0) -> list[UsBar]:
    """Bars made up for tests, with four decimals; one session in 60 is without a trade, another one for each seed."""
    draw, close, result = random.Random(seed), start, []
    for number, day in enumerate(days):
        base = close
        if (number + 7 * seed) % 60 == 59:
            result.append(UsBar(day, base, base, base, base, 0, base))
            continue
        open_ = round(base * draw.uniform(0.98, 1.02), 4)
        close = round(open_ * draw.uniform(0.96, 1.045), 4)
        high, low = round(max(open_, close) * 1.004, 4), round(min(open_, close) * 0.996, 4)
        result.append(UsBar(day, open_, high, low, close, draw.randint(50_000, 5_000_000), base))
    return result


def split(instrument: UsInstrument, day: date, factor: float) -> None:
    """Give an adjusted series its raw prices before a split on `day`: factor 0.5 is two shares for one. As in the worst
    case, the changes of the raw series are from the raw close before."""
    before = None
    for place, bar in enumerate(instrument.bars):
        if bar.session < day:
            open_, high, low, close = (round(price / factor, 4) for price in bar[1:5])
            bar = UsBar(bar.session, open_, high, low, close, round(bar.volume * factor), 0.0)
        instrument.bars[place] = bar._replace(base=bar.open if before is None else before)
        before = bar.close
    instrument.splits = {**instrument.splits, day: factor}


def real_market(codes: int) -> dict[str, UsInstrument]:
    """The first `codes` tickers of the recorded file that have a bar on each of its sessions and no open outside the
    range of its day; {} where it is missing."""
    file = realdata.FOLDER / FILE
    if not file.is_file():
        return {}
    table = pq.read_table(file, columns=["code", "date", "open", "high", "low", "close", "volume"])
    sessions = pc.count_distinct(table["date"]).as_py()
    outside = pc.or_(pc.less(table["open"], table["low"]), pc.greater(table["open"], table["high"]))
    damaged = set(table.filter(outside)["code"].to_pylist())
    counts = table.group_by("code").aggregate([("date", "count")]).to_pylist()
    whole = sorted(row["code"] for row in counts if row["date_count"] == sessions and row["code"] not in damaged)
    chosen = whole[:: max(len(whole) // codes, 1)][:codes]
    rows = table.filter(pc.field("code").isin(chosen)).sort_by([("code", "ascending"), ("date", "ascending")])
    market: dict[str, UsInstrument] = {}
    names = ("code", "date", "open", "high", "low", "close", "volume")
    for code, day, open_, high, low, close, volume in zip(*(rows[name].to_pylist() for name in names), strict=True):
        if code not in market:
            market[code] = UsInstrument(EXCHANGES[len(market) % len(EXCHANGES)], f"{code} Inc.", [])
        bars = market[code].bars
        bars.append(UsBar(day, open_, high, low, close, volume, bars[-1].close if bars else open_))
    return market
