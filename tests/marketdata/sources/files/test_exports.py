"""Exports of the field, as their programs write them, become the same bars: five bars written down once, by hand."""

from __future__ import annotations

import csv
import gzip
import io
import unicodedata
import zipfile
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xlsxwriter

from marketdata.sources.batches import BarBatch
from marketdata.sources.files import PriceFileError, recognise
from tests.marketdata.sources.files.five_days import (
    BARS,
    DAYS,
    FIELDS,
    PLAIN,
    expected,
    grouped,
    of_one,
    written,
)

KOREAN = ("일자", "종목코드", "시가", "고가", "저가", "종가", "거래량")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "krx-portal.csv",
            written(
                KOREAN,
                ((day.replace("-", "/"), "005930", *map(grouped, bar)) for day, bar in zip(DAYS, BARS, strict=True)),
            ),
        ),
        (
            "pykrx_005930.csv",
            written(
                ("날짜", "시가", "고가", "저가", "종가", "거래량", "등락률"),
                ((day, *bar, 0.1) for day, bar in zip(DAYS, BARS, strict=True)),
            ),
        ),
        (
            "pykrx.csv",
            written(
                ("날짜", "티커", "시가", "고가", "저가", "종가", "거래량"),
                ((day, "005930", *bar) for day, bar in zip(DAYS, BARS, strict=True)),
            ),
        ),
        (
            "005930.csv",  # FinanceDataReader
            written(
                ("Date", "Open", "High", "Low", "Close", "Volume", "Change"),
                ((day, *bar, 0.01) for day, bar in zip(DAYS, BARS, strict=True)),
            ),
        ),
        (
            "005930 Historical Data.csv",  # investing.com, the newest first
            written(
                ("Date", "Price", "Open", "High", "Low", "Vol.", "Change %"),
                (
                    (
                        date.fromisoformat(day).strftime("%b %d, %Y"),
                        *(f"{value:,.2f}" for value in (bar[3], *bar[:3])),
                        f"{bar[4] / 1e3:,.3f}K",
                        "0.45%",
                    )
                    for day, bar in reversed(list(zip(DAYS, BARS, strict=True)))
                ),
            ),
        ),
        (
            "symbol.csv",
            written(
                ("Symbol", "Datetime", "OPEN", "HIGH", "LOW", "CLOSE", "VOLUME"),
                (("A005930", f"{day} 00:00:00+09:00", *bar) for day, bar in zip(DAYS, BARS, strict=True)),
            ),
        ),
        (
            "title.csv",
            "주식 시세\n\n" + PLAIN,
        ),
        ("semicolons.csv", PLAIN.replace(",", ";")),
        ("tabs.txt", PLAIN.replace(",", "\t")),
        ("lost-zeros.csv", PLAIN.replace("005930", "5930")),
        ("whole.csv", PLAIN.replace("005930", "5930.0")),
        ("excel.csv", PLAIN.replace("005930", '"=""005930"""')),
        (
            "index.csv",  # pandas without a name of its index
            written(
                ("", "code", *FIELDS),
                ((day, "005930", *bar) for day, bar in zip(DAYS, BARS, strict=True)),
            ),
        ),
    ],
)
def test_a_text_of_the_field(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert sorted(of_one(recognise(path))) == expected()


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("code", "종목코드").encode("cp949"),
        PLAIN.replace("code", "종목코드").encode("utf-16"),
        unicodedata.normalize("NFD", PLAIN.replace("code", "종목코드")).encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        gzip.compress(PLAIN.replace("code", "종목코드").encode("cp949")),
    ],
)
def test_an_encoding_or_a_container(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(content)
    assert of_one(recognise(path)) == expected()


def test_cp949_that_begins_late_in_a_long_file_is_read(tmp_path: Path) -> None:
    days = pd.bdate_range("1990-01-01", periods=9_000).strftime("%Y-%m-%d")
    lines = [f"{day},005930,1,1,1,1,1,Samsung Electronics {'x' * 60}" for day in days]
    lines[-1] = lines[-1].replace("Samsung Electronics", "삼성전자")
    path = tmp_path / "prices.csv"
    text = "\n".join(["date,code,open,high,low,close,volume,name", *lines])
    assert len(text) > 2 * (1 << 18)
    path.write_bytes(text.encode("cp949"))
    opened = recognise(path)
    names = [
        batch.names[batch.name[-1]] for batch in opened.batches(market="kr", rows=1000) if isinstance(batch, BarBatch)
    ]
    assert names[-1] == f"삼성전자 {'x' * 60}"
    assert "text in cp949" in opened.file.notes


def test_the_krx_portals_list_of_a_day_takes_its_day_from_a_person(tmp_path: Path) -> None:
    path = tmp_path / "data_0853_20240711.csv"
    header = "종목코드,종목명,시장구분,소속부,종가,대비,등락률,시가,고가,저가,거래량,거래대금,시가총액,상장주식수"
    row = '005930,삼성전자,KOSPI,,"68,400",-500,-0.73,"68,000","69,000","67,500","12,003,000",'
    row += '"820,000,000,000","408,000,000,000,000","5,969,782,550"'
    path.write_bytes(f"{header}\n{row}\n".encode("cp949"))
    with pytest.raises(PriceFileError, match=r"without a column for date .* say --date 2024-01-31"):
        recognise(path)
    (batch,) = recognise(path, day=date(2024, 1, 2)).batches(market="kr", rows=10)
    assert isinstance(batch, BarBatch)
    values = {name: column.tolist() for name, column in batch.values.items()}
    assert values["base_price"] == [68_900.0]
    assert values["amount"] == [820e9]
    assert values["market_cap"] == [408e12]
    assert values["shares"] == [5_969_782_550.0]
    assert str(batch.date[0]) == "2024-01-02"
    assert batch.statuses[batch.status[0]].segment == "KOSPI"


TWO = pd.DataFrame(
    {
        (field.capitalize(), ticker): [bar[n] * scale for bar in BARS]
        for ticker, scale in (("AAPL", 1), ("BRK-B", 2))
        for n, field in enumerate(FIELDS)
    },
    index=pd.DatetimeIndex(list(DAYS), name="Date"),
)
TWO.columns = TWO.columns.set_names(["Price", "Ticker"])
BOTH = sorted(
    [("AAPL", day, bar) for day, bar in zip(DAYS, BARS, strict=True)]
    + [("BRK.B", day, tuple(2 * value for value in bar)) for day, bar in zip(DAYS, BARS, strict=True)]
)


def swapped(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.swaplevel(axis=1).sort_index(axis=1)


def nameless(frame: pd.DataFrame) -> pd.DataFrame:
    result = frame.copy()
    result.columns = pd.MultiIndex.from_tuples([(str(one[0]), str(one[1])) for one in frame.columns])
    return result


@pytest.mark.parametrize(
    "frame",
    [
        TWO,
        swapped(TWO),
        nameless(TWO),
        nameless(swapped(TWO)),
        TWO.rename_axis(index=None),
        TWO.reset_index(),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet", "xlsx"])
def test_yfinances_download_of_several_tickers(frame: pd.DataFrame, kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"prices.{kind}"
    plain_index = "Date" in frame.columns.get_level_values(0)
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind == "xlsx":
        if plain_index:
            frame = frame.set_index("Date")
        workbook(path, io.StringIO(frame.to_csv()))
    else:
        frame.to_csv(path, index=not plain_index)
    assert sorted(of_one(recognise(path), "us")) == BOTH


def test_yfinances_download_of_one_ticker_with_adj_close(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    one = TWO[[column for column in TWO.columns if column[1] == "AAPL"]]
    adjusted = one[["Close"]].rename(columns={"Close": "Adj Close"}) / 2
    pd.concat([adjusted, one], axis=1).to_csv(path)
    opened = recognise(path)
    assert opened.market == "us"
    assert of_one(opened, "us") == expected("AAPL")


def test_a_ticker_without_a_value_on_a_day_has_no_bar(tmp_path: Path) -> None:
    frame = TWO.copy()
    frame.loc["2024-01-03", [(field, "BRK-B") for field in TWO.columns.unique(0)]] = np.nan
    path = tmp_path / "gap.csv"
    frame.to_csv(path)
    result = of_one(recognise(path), "us")
    assert len(result) == 9
    assert ("BRK.B", "2024-01-03") not in {(code, day) for code, day, _ in result}


def test_korean_tickers_of_yahoo_are_of_the_korean_market(tmp_path: Path) -> None:
    path = tmp_path / "kospi.csv"
    one = TWO[[column for column in TWO.columns if column[1] == "AAPL"]]
    one.rename(columns={"AAPL": "005930.KS"}).to_csv(path)
    opened = recognise(path)
    assert opened.market == "kr"
    assert of_one(opened) == expected()


def test_a_stacked_download_is_tidy(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    TWO.stack(level="Ticker", future_stack=True).to_csv(path)
    assert sorted(of_one(recognise(path), "us")) == BOTH


def workbook(path: Path, text: io.StringIO, *, typed: bool = False) -> None:
    """The cells of a CSV as an Excel sheet; numbers and days as Excel keeps them where `typed`."""
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("시세")
        text.seek(0)
        for row, cells in enumerate(csv.reader(text)):
            for column, cell in enumerate(cells):
                if typed and row and column == 0:
                    sheet.write_datetime(row, column, datetime.fromisoformat(cell))
                elif typed and row:
                    sheet.write_number(row, column, float(cell))
                else:
                    sheet.write_string(row, column, cell)


@pytest.mark.parametrize("typed", [False, True])
def test_a_workbook(typed: bool, tmp_path: Path) -> None:
    path = tmp_path / "prices.xlsx"
    workbook(path, io.StringIO(PLAIN), typed=typed)
    opened = recognise(path)
    assert of_one(opened) == expected()
    assert "an Excel workbook" in opened.file.notes


def test_a_zip_archive_with_one_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", "")
        archive.writestr("folder/prices.csv", PLAIN)
        archive.writestr("__MACOSX/folder/._prices.csv", b"\x00\x05\x16\x07")
        archive.writestr("folder/.DS_Store", b"\x00\x00")
    assert of_one(recognise(path)) == expected()


@pytest.mark.parametrize(("pattern", "order"), [("%m/%d/%Y", "month"), ("%d/%m/%Y", "day")])
def test_an_order_that_a_late_row_proves_holds_from_the_first(pattern: str, order: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    days = [*DAYS, "2024-01-31"]
    rows = (
        (date.fromisoformat(day).strftime(pattern), "005930", *bar)
        for day, bar in zip(days, [*BARS, BARS[0]], strict=True)
    )
    path.write_text(written(("date", "code", *FIELDS), rows))
    opened = recognise(path)
    assert [day for _, day, _ in of_one(opened)] == days
    assert any(f"are read {order} first" in note for note in opened.notes)


def test_zeros_are_not_restored_where_another_code_kept_its_own(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    codes = ("005930", "660", "373220")
    path.write_text(written(("date", "code", *FIELDS), ((DAYS[0], code, *BARS[0]) for code in codes)))
    opened = recognise(path)
    assert [code for code, _, _ in of_one(opened)] == ["005930", "660", "373220"]
    assert any("660 may have lost leading zeros (000660?), but 005930" in note for note in opened.notes)
