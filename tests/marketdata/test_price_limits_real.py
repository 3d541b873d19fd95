"""How much of KRX is suspected by its daily limit: every instrument over 33, 29 and 33 sessions with base prices, and
2,537 over 760 sessions without."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from marketdata.markets import get_market
from marketdata.price_limits import LimitedBars, beyond_limits
from tests import realdata

pytestmark = pytest.mark.slow

SIDES = ("Open", "High", "Low")


def suspected(table: pd.DataFrame) -> set[tuple[str, str, str]]:
    """Session, code and kind of what is suspected of a table of Code, Date, prices, Volume and Base (NaN: unknown)."""
    wide = {name: table.pivot(index="Date", columns="Code", values=name) for name in table.columns[2:]}
    raw = wide["Close"].ffill()
    traded = wide["Volume"].fillna(0) > 0
    factor = (wide["Base"] / raw.shift()).where(traded).fillna(1.0).to_numpy()
    later = np.ones(factor.shape)
    later[:-1] = np.cumprod(factor[:0:-1], axis=0)[::-1]
    sides = {}
    for name in SIDES:
        side = wide[name].where(traded & (wide[name] > 0), raw)
        sides[name.lower()] = side.to_numpy() * later
    nothing = np.zeros(factor.shape, dtype=bool)
    bars = LimitedBars(
        **sides,
        close=raw.to_numpy() * later,
        raw_close=raw.to_numpy(),
        volume=wide["Volume"].fillna(0).to_numpy(),
        based=wide["Base"].notna().to_numpy(),
        eventful=nothing,
        decided=nothing,
        leveraged=nothing,
    )
    return {
        (f"{raw.index[t]:%Y-%m-%d}", str(raw.columns[i]), kind)
        for t, i, kind in beyond_limits(bars, get_market("kr"), 1)
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # traded at 300 times the base price after a halt: a consolidation that the base price does not have
        ("marcap-2026.parquet", {("2026-02-09", "052670", "base")}),
        ("marcap-2024.csv.gz", set()),
        ("marcap-2021.csv.gz", set()),
    ],
)
def test_of_bars_with_a_base_price(name: str, expected: set[tuple[str, str, str]]) -> None:
    path = realdata.path(name)
    read = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={"Code": str})
    table = read.assign(Date=pd.to_datetime(read["Date"]), Base=read["Close"] - read["Changes"])
    if name == "marcap-2021.csv.gz":  # a session is missing before it, and base prices are of that one
        table = table[table["Date"] >= "2021-01-25"]
    columns = ["Code", "Date", "Open", "High", "Low", "Close", "Volume", "Base"]
    assert suspected(table[columns]) == expected


def test_of_bars_without_a_base_price() -> None:
    read = pd.read_parquet(realdata.path("krx_raw_2023_2026.parquet"))
    read.columns = [str(name).capitalize() for name in read.columns]
    table = read.assign(Date=pd.to_datetime(read["Date"]), Base=np.nan)
    columns = ["Code", "Date", "Open", "High", "Low", "Close", "Volume", "Base"]
    assert len(suspected(table[columns])) == 0  # of 1.85 million bars
