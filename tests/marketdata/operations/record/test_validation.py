"""Every reason for which a row is kept out, and rows that look odd and are let in."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from pytest_django import Settings

from marketdata.models import BarCorrection, Instrument, LakePartition, StockPrice
from tests.marketdata.operations.tidy_files import COLUMNS, import_file, write_tidy

pytestmark = pytest.mark.django_db

GOOD = "2026-08-20,000010,100,110,90,105,1000"


@pytest.fixture(autouse=True)
def reject_dir(tmp_path: Path, settings: Settings) -> Path:
    folder: Path = tmp_path / "rejects"
    settings.REJECT_DIR = folder
    return folder


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-08-20,10,100,110,90,105,1000", "not a code of this market"),
        ("2026-08-20,,100,110,90,105,1000", "not a code of this market"),
        ("2026-08-20,0000/a,100,110,90,105,1000", "not a code of this market"),
        ("2026-08-20,TICKER,100,110,90,105,1000", "not a code of this market"),
        ("2026-08-20,None,100,110,90,105,1000", "not a code of this market"),
        (",000020,100,110,90,105,1000", "no date"),
        ("2026.20.08,000020,100,110,90,105,1000", "no date"),
        ("2026-08-22,000020,100,110,90,105,1000", "not a session"),  # a Saturday
        (
            "2026-06-03,000020,100,110,90,105,1000",
            "not a session",
        ),  # closed, says the override table
        ("2026-08-24,000020,100,110,90,105,1000", "date in the future"),
        ("2026-08-20,000020,abc,110,90,105,1000", "not a number"),
        ("2026-08-20,000020,100,inf,90,105,1000", "not a number"),
        ("2026-08-20,000020,100,110,90,,1000", "negative or missing price"),
        ("2026-08-20,000020,100,110,90,nan,1000", "negative or missing price"),
        ("2026-08-20,000020,100,110,90,-105,1000", "negative or missing price"),
        ("2026-08-20,000020,-1,110,90,105,1000", "negative or missing price"),
        ("2026-08-20,000020,0,0,0,0,0", "negative or missing price"),
        ("2026-08-20,000020,100,90,110,105,1000", "high below low"),
        ("2026-08-20,000020,100,110,90,112,1000", "close outside low..high"),
        ("2026-08-20,000020,100,110,90,88,1000", "close outside low..high"),
        ("2026-08-20,000020,60000,60000,60000,60101,1000", "close outside low..high"),
        ("2026-08-20,000020,100,110,90,105,-1", "negative or missing volume"),
        ("2026-08-20,000020,100,110,90,105,", "negative or missing volume"),
        ("2026-08-20,000020,100,110,90,105,9007199254740994", "volume overflow"),
        ("2026-08-20,000010,100,110,90,105,999", "duplicate key in the file"),
        ("2026-08-20,000020,100,110,90,105", "wrong number of fields"),
        ("2026-08-20,000020,100,110,90,105,1,000", "wrong number of fields"),
    ],
)
def test_bad_row_is_rejected_with_its_reason(row: str, reason: str, tmp_path: Path, reject_dir: Path) -> None:
    report = import_file(write_tidy(tmp_path / "prices.csv", [GOOD, row]))
    assert report.error == ""
    assert report.rejected == {reason: 1}
    assert report.counts.new == 1
    assert list(StockPrice.objects.values_list("stock_code", "close", "volume")) == [("000010", 105.0, 1000.0)]
    assert report.reject_file is not None
    assert report.reject_file.parent == reject_dir
    with report.reject_file.open(encoding="utf-8", newline="") as stream:
        (kept,) = csv.DictReader(stream)
    assert (kept["reason"], kept["row"]) == (reason, "2")
    if reason == "wrong number of fields":
        assert kept["line"] == row
    else:
        columns = COLUMNS.split(",")
        assert [kept[name] for name in columns] == row.split(",")


@pytest.mark.parametrize(
    ("columns", "row", "reason"),
    [
        ("market", "NASDAQ", "unknown market or segment"),
        ("segment", "kr", "unknown market or segment"),
        ("amount", "-1", "negative amount, base price, market cap or shares"),
        ("base_price", "-1", "negative amount, base price, market cap or shares"),
        ("market_cap", "-1", "negative amount, base price, market cap or shares"),
        ("shares", "-1", "negative amount, base price, market cap or shares"),
        ("shares", "many", "not a number"),
    ],
)
def test_optional_columns_are_checked_too(columns: str, row: str, reason: str, tmp_path: Path) -> None:
    bad = f"{GOOD.replace('000010', '000020')},{row}"
    report = import_file(write_tidy(tmp_path / "prices.csv", [f"{GOOD},", bad], columns=f"{COLUMNS},{columns}"))
    assert report.rejected == {reason: 1}
    assert report.counts.new == 1


@pytest.mark.parametrize(
    "row",
    [
        "2026-08-20,000020,0,0,0,105,0",  # halted: the exchange writes zeros
        "2026-08-20,000020,0,0,0,105,17",  # traded outside hours only
        "2026-08-20,000020,0,110,0,105,17",
        "2026-08-20,000020,100,110,90,111,1000",  # one tick above the high: adjusted prices round so
        "2026-08-20,000020,60000,60000,60000,60100,1000",  # a tick is 100 won here
        "2026-08-20,000020,100,110,90,105,9007199254740992",
        "2026-08-21,0001A0,100,110,90,105,1000",
    ],
)
def test_an_odd_row_is_let_in(row: str, tmp_path: Path) -> None:
    report = import_file(write_tidy(tmp_path / "prices.csv", [GOOD, row]))
    assert report.rejected == {}
    assert report.reject_file is None
    assert report.counts.new == 2


def test_a_duplicate_in_another_batch_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketdata.operations.imports.files.BATCH_ROWS", 2)
    monkeypatch.setattr("marketdata.sources.files.price_file.CSV_BLOCK", 100)
    rows = [f"2026-08-{day},{code},1,1,1,1,1" for day in (19, 20) for code in ("000010", "0001A0")]
    report = import_file(write_tidy(tmp_path / "prices.csv", [*rows, rows[0], "2024-01-02,000010,1,1,1,1,1"]))
    assert report.rejected == {"duplicate key in the file": 1}
    assert report.counts.new == 5


def test_reasons_are_counted_and_the_first_one_counts(tmp_path: Path) -> None:
    report = import_file(
        write_tidy(
            tmp_path / "prices.csv",
            [
                GOOD,
                "2026-08-22,000020,100,90,110,105,-1",  # not a session, high below low, bad volume
                "2026-08-22,000030,1,1,1,1,1",
                "2026-08-20,000030,1,1,1,1,-1",
            ],
        )
    )
    assert report.rejected == {"not a session": 2, "negative or missing volume": 1}


def test_strict_refuses_the_whole_file_before_anything_is_written(tmp_path: Path) -> None:
    path = write_tidy(tmp_path / "prices.csv", [GOOD, "2026-08-22,000020,100,110,90,105,1000"])
    report = import_file(path, strict=True)
    assert "prices.csv was refused whole, as --strict asks: 1 of its 2 rows" in report.error
    assert report.rejected == {"not a session": 1}
    assert report.counts.new == 0
    for model in (StockPrice, Instrument, LakePartition, BarCorrection):
        assert not model.objects.exists()
    assert import_file(write_tidy(path, [GOOD]), strict=True).counts.new == 1


def test_a_file_of_another_market_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = write_tidy(tmp_path / "us.csv", ["2026-08-20,AA,1,1,1,1,1", "2026-08-20,BRK.B,1,1,1,1,1"])
    report = import_file(path)
    assert "us.csv does not look like market kr" in report.error
    assert "--market" in report.error
    assert report.reject_file is None
    assert not StockPrice.objects.exists()
    assert import_file(path, market="us").counts.new == 2


def test_each_market_has_its_own_calendar(tmp_path: Path) -> None:
    path = write_tidy(tmp_path / "us.csv", ["2026-07-17,AA,1,1,1,1,1", "2026-07-03,AA,1,1,1,1,1"])
    report = import_file(path, market="us")
    assert report.rejected == {"not a session": 1}  # the eve of Independence Day, kept on a Friday
    assert report.counts.new == 1
