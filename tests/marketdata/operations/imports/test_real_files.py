"""The recorded KRX files through the import. Their content was counted with pandas; see each test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from django.db.models import Count
from pytest_django import Settings

from marketdata.markets import get_market
from marketdata.models import FactorEvent, Instrument, InstrumentStatus, StockPrice
from marketdata.operations.record.corrections import Counts
from marketdata.operations.record.validation import Validator
from marketdata.queries.market_calendar import get_sessions
from marketdata.sources.batches import BarBatch
from marketdata.sources.files import recognise
from tests import realdata
from tests.marketdata.operations.tidy_files import import_file

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

TODAY = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(autouse=True)
def reject_dir(tmp_path: Path, settings: Settings) -> None:
    settings.REJECT_DIR = tmp_path / "rejects"


def frame(path: Path) -> pd.DataFrame:
    """A marcap file as pandas reads it."""
    if path.suffix == ".parquet":
        source_frame = pd.read_parquet(path)
    else:
        source_frame = pd.read_csv(path, dtype={"Code": str}, parse_dates=["Date"])
    return source_frame


@pytest.mark.parametrize("name", ["marcap-2026.parquet", "marcap-2024.csv.gz", "marcap-2021.csv.gz"])
def test_marcap_is_recorded_as_pandas_reads_it(name: str) -> None:
    path = realdata.path(name)
    expected = frame(path)
    report = import_file(path, as_of=TODAY)
    assert (report.form, report.source, report.rejected) == ("marcap", "marcap", {})
    assert report.counts == Counts(new=len(expected))
    columns = ["stock_code", "date", "open", "high", "low", "close", "volume", "amount"]
    columns += ["base_price", "market_cap", "shares"]
    rows = pd.DataFrame(StockPrice.objects.values_list(*columns), columns=columns)
    rows = rows.sort_values(["stock_code", "date"], ignore_index=True)
    expected = expected.sort_values(["Code", "Date"], ignore_index=True)
    assert rows.stock_code.tolist() == expected.Code.tolist()
    assert rows.date.tolist() == expected.Date.dt.date.tolist()
    theirs = ["Open", "High", "Low", "Close", "Volume", "Amount", "Marcap", "Stocks"]
    ours = ["open", "high", "low", "close", "volume", "amount", "market_cap", "shares"]
    for column, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(rows[column], expected[other], err_msg=column)
    np.testing.assert_array_equal(rows.base_price, expected.Close - expected.Changes)

    # the department of every day, from runs and from the file
    values: dict[tuple[str, date], str] = {}
    runs = InstrumentStatus.objects.values_list("instrument__code", "valid_from", "valid_to", "department", "managed")
    days = sorted(set(rows.date))
    for code, first, last, department, managed in runs:
        assert department is not None
        assert managed == ("관리종목" in department)
        values |= {(code, day): department for day in days if first <= day <= last}
    departments = expected.Dept.fillna("").replace("nan", "")
    for code, day, department in zip(expected.Code, rows.date, departments, strict=True):
        assert values[code, day] == department


def test_a_part_of_marcap_again_changes_nothing_and_events_are_all_let_in() -> None:
    events = realdata.path("krx_events_2023_2025.parquet")
    report = import_file(events, as_of=TODAY)
    assert (report.form, report.counts, report.rejected) == ("events", Counts(new=520), {})
    assert FactorEvent.objects.values("stock_code").distinct().count() == 395
    path = realdata.path("marcap-2024.csv.gz")
    import_file(path, as_of=TODAY)
    before = InstrumentStatus.objects.count()
    report = import_file(path, as_of=TODAY)
    assert report.counts == Counts(unchanged=80_828)
    assert InstrumentStatus.objects.count() == before
    several = Instrument.objects.annotate(runs=Count("statuses")).filter(runs__gt=1).count()
    expected = frame(path)
    expected["Dept"] = expected.Dept.fillna("")
    changed = expected.groupby("Code")[["Dept", "Market"]].nunique().max(axis=1) > 1
    expected["Spac"] = ["스팩" in name for name in expected["Name"].tolist()]
    renamed = expected.groupby("Code")["Spac"].nunique() > 1
    assert several == (changed | renamed).sum()


@pytest.mark.parametrize(
    ("name", "market", "rows", "rejected"),
    [
        ("krx_raw_2023_2026.parquet", "kr", 1_846_029, 0),
        ("us_yahoo_2022_2024.parquet", "us", 3_057_524, 0),
    ],
)
def test_every_row_of_the_large_files_is_valid(name: str, market: str, rows: int, rejected: int) -> None:
    opened = recognise(realdata.path(name))
    check = Validator(get_market(market), get_sessions(market), TODAY)
    seen = bad = 0
    for batch in batches_of_bars(opened.batches(market=market, rows=250_000)):
        seen += len(batch)
        bad += int((check.bars(batch) >= 0).sum())
    assert (seen, bad) == (rows, rejected)


def batches_of_bars(batches: Iterator[object]) -> Iterator[BarBatch]:
    for batch in batches:
        assert isinstance(batch, BarBatch)
        yield batch
