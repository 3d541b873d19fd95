"""Bars by the column come back from either database bit for bit."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from marketdata.models import LakePartition, StockPrice
from marketdata.operations import bulk
from marketdata.operations.projection import dirty_months

pytestmark = pytest.mark.django_db

AT = datetime(2026, 8, 21, 9, 30, 15, 250_000, tzinfo=UTC)
LATER = datetime(2026, 8, 22, 9, 30, tzinfo=UTC)
DAYS = np.array(["2026-08-19", "2026-08-20", "2026-08-21"], dtype="datetime64[D]")


def bars(count: int, *, seed: int = 1) -> bulk.WriteBatch:
    """`count` instruments on three days, every other optional value unknown; awkward float64 values."""
    rng = np.random.default_rng(seed)
    size = count * len(DAYS)
    values = {name: rng.lognormal(10, 3, size) for name in bulk.COLUMNS}
    values["amount"][::2] = np.nan
    values["market_cap"][:] = np.nan
    codes = np.array([f"{n:05d}A" for n in range(count)])
    code = np.repeat(np.arange(count, dtype=np.int32), len(DAYS))
    return bulk.WriteBatch(codes, code, np.tile(DAYS, count), values)


def write(batch: bulk.WriteBatch, *, market: str = "kr", source: str = "marcap") -> None:
    with transaction.atomic():
        bulk.insert(batch, market=market, source=source, at=AT)


def as_dict(rows: bulk.Rows) -> dict[tuple[str, str, str], tuple[float, ...]]:
    columns = [rows[name].tolist() for name in ("code", "date", "source", *bulk.COLUMNS)]
    return {(code, str(day), source): tuple(values) for code, day, source, *values in zip(*columns, strict=True)}


def same(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return np.array_equal(np.array(a), np.array(b), equal_nan=True)


@pytest.mark.parametrize("count", [1, 33, 700])
def test_what_was_written_is_read_bit_for_bit(count: int) -> None:
    batch = bars(count)
    write(batch)
    read = as_dict(bulk.month_rows("kr", date(2026, 8, 1), date(2026, 8, 31)))
    assert len(read) == len(batch)
    for place, (code, day) in enumerate(zip(batch.codes[batch.code].tolist(), batch.date, strict=True)):
        expected = tuple(float(batch.values[name][place]) for name in bulk.COLUMNS)
        assert same(read[code, str(day), "marcap"], expected)


def test_codes_of_any_length_and_script() -> None:
    codes = np.array(sorted(["A", "BRK.B", "KRW-BTC", "가나", "0001A0", "X" * 24]))
    code = np.arange(len(codes), dtype=np.int32)
    values = {name: np.arange(len(codes), dtype=np.float64) for name in bulk.COLUMNS}
    values["shares"][1::2] = np.nan
    write(bulk.WriteBatch(codes, code, np.repeat(DAYS[:1], len(codes)), values), market="us")
    read = as_dict(bulk.month_rows("us", date(2026, 8, 1), date(2026, 8, 31)))
    assert [key[0] for key in sorted(read)] == codes.tolist()
    for place, name in enumerate(codes.tolist()):
        expected = tuple(float(values[column][place]) for column in bulk.COLUMNS)
        assert same(read[name, "2026-08-19", "marcap"], expected)


def test_django_reads_the_same_row() -> None:
    batch = bars(2)
    write(batch)
    row = StockPrice.objects.get(stock_code="00001A", date=date(2026, 8, 20))
    assert (row.market, row.source) == ("kr", "marcap")
    assert row.created_at == row.updated_at == AT
    assert row.close == batch.values["close"][4]
    assert row.amount is None
    assert row.base_price == batch.values["base_price"][4]


def test_reads_select_market_days_source_and_codes() -> None:
    write(bars(3))
    write(bars(2, seed=2), source="kis")
    write(bars(2, seed=3), market="us")
    month = bulk.month_rows("kr", date(2026, 8, 20), date(2026, 8, 20))
    assert sorted(zip(month["code"].tolist(), month["source"].tolist(), strict=True)) == [
        ("00000A", "kis"),
        ("00000A", "marcap"),
        ("00001A", "kis"),
        ("00001A", "marcap"),
        ("00002A", "marcap"),
    ]
    by_day = bulk.source_rows("kr", "kis", days=(date(2026, 8, 21), date(2026, 8, 30)))
    assert sorted(by_day["code"].tolist()) == ["00000A", "00001A"]
    by_code = bulk.source_rows("kr", "marcap", codes=("00001A", "00002A"))
    assert len(by_code) == 6
    assert len(bulk.month_rows("kr", date(2025, 1, 1), date(2025, 12, 31))) == 0


def test_an_update_replaces_values_and_says_when() -> None:
    batch = bars(2)
    write(batch)
    changed = batch.slice(1, 3)
    changed.values["close"][:] = [1.5, 2.5]
    changed.values["amount"][:] = [np.nan, 7.25]
    with transaction.atomic():
        bulk.update(changed, market="kr", source="marcap", at=LATER)
    rows = StockPrice.objects.order_by("stock_code", "date")
    assert [row.updated_at for row in rows] == [AT, LATER, LATER, AT, AT, AT]
    assert {row.created_at for row in rows} == {AT}
    assert [(row.close, row.amount) for row in rows[1:3]] == [(1.5, None), (2.5, 7.25)]


def test_a_recorded_bar_is_not_inserted_twice() -> None:
    write(bars(2))
    with pytest.raises(IntegrityError):
        write(bars(2))
    assert StockPrice.objects.count() == 6


def test_marks_count_up_from_one_and_keep_what_was_written() -> None:
    LakePartition.objects.create(market="kr", month=date(2026, 7, 1), wanted=4, written=4)
    dirty_months.mark("kr", [date(2026, 7, 15), date(2026, 7, 31), date(2026, 8, 3)])
    dirty_months.mark("kr", [date(2026, 8, 31)])
    dirty_months.mark("us", [])
    assert list(LakePartition.objects.order_by("month").values_list("market", "month", "wanted", "written")) == [
        ("kr", date(2026, 7, 1), 5, 4),
        ("kr", date(2026, 8, 1), 2, 0),
    ]
