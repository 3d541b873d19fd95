"""The generated market: the same for the same seed, and with everything a real one has."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from marketdata.sources.demo import market

SESSIONS = np.arange("2024-01-01", "2025-06-30", dtype="datetime64[D]")
SESSIONS = SESSIONS[np.is_busday(SESSIONS)][:300]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return market.generate(instruments=400, sessions=SESSIONS)


def column(table: pa.Table, name: str) -> NDArray[np.float64]:
    return table.column(name).to_numpy().astype(np.float64)


def test_a_seed_gives_one_market_and_another_gives_another(table: pa.Table) -> None:
    assert market.generate(instruments=400, sessions=SESSIONS).equals(table)
    assert not market.generate(instruments=400, sessions=SESSIONS, seed=1).equals(table)


def test_more_instruments_leave_the_first_as_they_are(table: pa.Table) -> None:
    few = market.generate(instruments=90, sessions=SESSIONS)
    codes = pa.array(few.column("code").unique().to_pylist())
    assert table.filter(pc.is_in(table.column("code"), codes)).equals(few)


def test_keys_are_unique_and_sorted(table: pa.Table) -> None:
    keys = list(zip(table["code"].to_pylist(), table["date"].to_pylist(), strict=True))
    assert keys == sorted(set(keys))
    assert len({code for code, _ in keys}) == 400
    assert set(table["date"].to_pylist()) == set(SESSIONS.tolist())


def test_bars_keep_the_exchanges_rules(table: pa.Table) -> None:
    o, h, low, c = (column(table, name) for name in ("open", "high", "low", "close"))
    volume, base = column(table, "volume"), column(table, "base_price")
    halted = volume == 0
    assert 0 < halted.sum() < len(c) / 20
    assert (o[halted] == 0).all()
    assert (h[halted] == 0).all()
    assert (low[halted] == 0).all()
    assert (c[halted] == base[halted]).all()
    traded = ~halted
    assert (low[traded] <= np.minimum(o, c)[traded]).all()
    assert (h[traded] >= np.maximum(o, c)[traded]).all()
    assert (low[traded] > 0).all()
    assert (np.abs(c / base - 1) < 0.30).all()  # the daily limit
    five_won = c >= 2000  # a tick is at least five won from here on
    assert (c[five_won] % 5 == 0).all()
    np.testing.assert_array_equal(column(table, "amount"), c * volume)


def test_base_prices_are_the_close_before_but_for_splits(table: pa.Table) -> None:
    code, c = np.array(table["code"].to_pylist()), column(table, "close")
    base = column(table, "base_price")
    follows = code[1:] == code[:-1]
    ratio = (base[1:] / c[:-1])[follows]
    split = np.abs(ratio - 1) > 0.2
    assert 5 <= split.sum() <= 60
    assert (ratio[~split] == 1).all()
    near = np.min(np.abs(ratio[split][:, None] / market.SPLITS - 1), axis=1)
    assert (near < 0.05).all()  # but for the tick


def test_membership_has_every_kind(table: pa.Table) -> None:
    segments = set(table["segment"].to_pylist())
    departments = set(table["department"].to_pylist())
    assert segments == {"KOSPI", "KOSDAQ", "KONEX"}
    assert {market.MANAGED, market.CAUTION, "SPAC(소속부없음)", ""} < departments
    assert any(str(code).endswith("5") for code in set(table["code"].to_pylist()))
    per_code = table.group_by("code").aggregate([("date", "min"), ("date", "max")])
    starts, ends = per_code["date_min"].to_pylist(), per_code["date_max"].to_pylist()
    assert sum(start > SESSIONS[0].item() for start in starts) > 20
    assert sum(end < SESSIONS[-1].item() for end in ends) > 5


def test_too_small_a_market_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 instrument and 2 sessions"):
        market.generate(instruments=0, sessions=SESSIONS)
