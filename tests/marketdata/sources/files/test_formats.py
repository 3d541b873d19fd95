"""A file is what its columns say; both forms of marcap, tidy files and factor events become the same columns."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marketdata.sources.batches import BarBatch, EventBatch, RowStatus
from marketdata.sources.files import PriceFileError, recognise

# Handmade rows in the two forms that marcap has had: text in the old one, an empty misspelt column in the new one.
OLD_MARCAP = """\
"Code","Name","Market","Dept","Close","ChangeCode","Changes","ChagesRatio","Open","High","Low","Volume","Amount",\
"Marcap","Stocks","MarketId","Rank","Date"
"000010","가나","KOSPI","",83000.0,"1",2000.0,2.47,81000.0,84400.0,80200.0,38655276.0,3185356823460.0,49549165.0,597,"STK",1,"2021-01-04"
"000015","가나우","KOSPI","",1365.0,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,100.0,7,"STK",2,"2021-01-04"
"0001A0","다라","KOSDAQ","벤처기업부",500.0,2,,-1.0,505.0,510.0,495.0,10.0,5000.0,,,"KSQ",3,"2021-01-04"
"""
STATUS = {
    "000010": RowStatus("KOSPI", "", "common", False, False),
    "000015": RowStatus("KOSPI", "", "preferred", False, False),
    "0001A0": RowStatus("KOSDAQ", "벤처기업부", "common", False, False),
}


def new_marcap() -> pa.Table:
    day = np.array(["2026-01-02"] * 3, dtype="datetime64[ns]")
    return pa.table(
        {
            "Code": ["000010", "000015", "0001A0"],
            "Name": ["가나", "가나우", "다라"],
            "Close": [83000.0, 1365.0, 500.0],
            "Dept": ["nan", "nan", "벤처기업부"],
            "ChangeCode": ["1", "0", "2"],
            "Changes": [2000.0, 0.0, None],
            "ChagesRatio": pa.array([None] * 3, pa.float64()),
            "Volume": [38655276.0, 0.0, 10.0],
            "Amount": [3185356823460.0, 0.0, 5000.0],
            "Open": [81000.0, 0.0, 505.0],
            "High": [84400.0, 0.0, 510.0],
            "Low": [80200.0, 0.0, 495.0],
            "Marcap": [49549165.0, 100.0, None],
            "Stocks": pa.array([597, 7, None], pa.int64()),
            "Market": ["KOSPI", "KOSPI", "KOSDAQ"],
            "Date": pa.array(day),
            "ChangesRatio": [2.47, 0.0, -1.0],
        }
    )


def one_batch(path: Path, market: str = "kr") -> BarBatch:
    (batch,) = recognise(path).batches(market=market, rows=100)
    assert isinstance(batch, BarBatch)
    return batch


@pytest.mark.parametrize("form", ["csv.gz", "csv", "parquet"])
def test_both_forms_of_marcap_become_the_same_bars(tmp_path: Path, form: str) -> None:
    path = tmp_path / "anything.dat"
    year = 2021
    if form == "csv.gz":
        path.write_bytes(gzip.compress(OLD_MARCAP.encode()))
    elif form == "csv":
        path.write_text(OLD_MARCAP, encoding="utf-8")
    else:
        year = 2026
        pq.write_table(new_marcap(), path)
    assert recognise(path).form.name == "marcap"
    batch = one_batch(path)
    codes = batch.codes[batch.code].tolist()
    assert codes == ["000010", "000015", "0001A0"]
    assert batch.names[batch.name].tolist() == ["가나", "가나우", "다라"]
    assert batch.date.astype("datetime64[Y]").astype(int).tolist() == [year - 1970] * 3
    expected = {
        "open": [81000, 0, 505],
        "high": [84400, 0, 510],
        "low": [80200, 0, 495],
        "close": [83000, 1365, 500],
        "volume": [38655276, 0, 10],
        "amount": [3185356823460, 0, 5000],
        "base_price": [81000, 1365, np.nan],  # close - change; unknown where the change is blank
        "market_cap": [49549165, 100, np.nan],
        "shares": [597, 7, np.nan],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(batch.values[name], values, err_msg=name)
    assert {code: batch.statuses[n] for code, n in zip(codes, batch.status, strict=True)} == STATUS
    assert not batch.unreadable.any()
    assert not batch.foreign.any()


@pytest.mark.parametrize("header", ["date,code,open,high,low,close,volume", "Date,Code,O,H,L,C,V"])
def test_a_tidy_file_by_either_names(tmp_path: Path, header: str) -> None:
    path = tmp_path / "prices.txt"
    path.write_text(f"{header}\n2026-08-21,0001A0,505,510,495,500,10\n", encoding="utf-8")
    assert recognise(path).form.name == "tidy"
    batch = one_batch(path)
    assert batch.codes.tolist() == ["0001A0"]
    assert batch.date.tolist() == [np.datetime64("2026-08-21", "D").item()]
    values = {name: column.tolist()[0] for name, column in batch.values.items()}
    assert [values[name] for name in ("open", "high", "low", "close", "volume")] == [
        505,
        510,
        495,
        500,
        10,
    ]
    assert np.isnan([values[name] for name in ("amount", "base_price", "market_cap", "shares")]).all()
    assert batch.statuses[batch.status[0]] == RowStatus(None, None, "common", None, None)


def test_a_tidy_file_with_everything(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    pq.write_table(
        pa.table(
            {
                "date": ["20260820", "2026/08/21"],
                "code": ["000010", "000020"],
                "o": ["1", "2.5"],
                "h": [3, 3],
                "l": [1, 1],
                "c": [2, 2],
                "v": pa.array([10, 20], pa.int64()),
                "name": ["가나", "다라스팩"],
                "market": ["KR", "kr"],
                "segment": ["KOSPI", "kosdaq global"],
                "amount": [1.5, None],
                "base_price": [2.0, 0.0],
                "market_cap": [7.0, 8.0],
                "shares": [9, 10],
                "adj_close": [1.9, 1.9],
            }
        ),
        path,
    )
    opened = recognise(path)
    assert opened.ignored == ("adj_close",)
    batch = one_batch(path)
    assert [str(day) for day in batch.date] == ["2026-08-20", "2026-08-21"]
    assert batch.values["open"].tolist() == [1.0, 2.5]
    np.testing.assert_array_equal(batch.values["base_price"], [2.0, np.nan])
    np.testing.assert_array_equal(batch.values["amount"], [1.5, np.nan])
    assert [batch.statuses[n] for n in batch.status] == [
        RowStatus("KOSPI", None, "common", None, None),
        RowStatus("KOSDAQ GLOBAL", None, "spac", None, None),
    ]


def test_the_market_column_of_a_tidy_file_may_be_the_segment(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(
        "date,code,open,high,low,close,volume,market\n"
        "2026-08-21,000010,1,1,1,1,1,KONEX\n"
        "2026-08-21,000020,1,1,1,1,1,\n"
        "2026-08-21,000030,1,1,1,1,1,NASDAQ\n",
        encoding="utf-8",
    )
    batch = one_batch(path)
    segments = [batch.statuses[n].segment for n in batch.status]
    assert segments[:2] == ["KONEX", None]
    assert batch.foreign.tolist() == [False, False, True]


def test_a_market_of_one_segment_need_not_name_it(tmp_path: Path) -> None:
    path = tmp_path / "us.csv"
    path.write_text(
        "date,code,open,high,low,close,adj_close,volume\n2026-08-21,AA,1.5,1.6,1.4,1.5,1.2,1\n",
        encoding="utf-8",
    )
    batch = one_batch(path, "us")
    assert batch.statuses[batch.status[0]] == RowStatus("US", None, "common", None, None)
    assert batch.values["close"].tolist() == [1.5]


def test_factor_events(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("date,code,name,ratio\n2026-08-20,0001A0,x,0.2\n2026-08-21,000010,y,\n")
    opened = recognise(path)
    assert opened.form.name == "events"
    assert opened.ignored == ("name",)
    (batch,) = opened.batches(market="kr", rows=10)
    assert isinstance(batch, EventBatch)
    assert batch.codes[batch.code].tolist() == ["0001A0", "000010"]
    np.testing.assert_array_equal(batch.ratio, [0.2, np.nan])


def test_a_file_is_read_in_batches_that_join_to_the_whole(tmp_path: Path) -> None:
    count = 1000
    lines = [f"2026-08-21,{n:06d},1,1,1,1,{n}" for n in range(count)]
    csv, parquet = tmp_path / "a.csv", tmp_path / "a.parquet"
    csv.write_text("date,code,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
    columns = [list(column) for column in zip(*(line.split(",") for line in lines), strict=True)]
    names = ["date", "code", "open", "high", "low", "close", "volume"]
    pq.write_table(pa.table(dict(zip(names, columns, strict=True))), parquet, row_group_size=300)
    for path in (csv, parquet):
        batches = list(recognise(path).batches(market="kr", rows=250))
        volumes = [
            value for batch in batches if isinstance(batch, BarBatch) for value in batch.values["volume"].tolist()
        ]
        assert volumes == list(range(count))
        assert np.concatenate([batch.row for batch in batches]).tolist() == list(range(1, 1001))


def test_a_row_keeps_its_number_behind_broken_lines(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(
        "date,code,o,h,l,c,v\n"
        "2026-08-21,000010,1,1,1,1,1\n"
        "2026-08-21,000020,1,1,1\n"
        "2026-08-21,000030,1,1,1,1,1\n"
        "2026-08-21,000040,1,1,1,1,1,9,9\n"
        "2026-08-21,000050,1,1,1,1,1\n"
    )
    opened = recognise(path)
    (batch,) = opened.batches(market="kr", rows=10)
    assert batch.row.tolist() == [1, 3, 5]
    assert [number for number, _ in opened.file.broken] == [2, 4]


@pytest.mark.parametrize(
    ("columns", "lacks"),
    [
        ("date,code,open,high,low,close", "tidy is the nearest and lacks volume"),
        ("date,code", "events is the nearest and lacks ratio"),
        ("Code,Date,Open,High,Low,Close,Marcap", "lacks volume"),
        ("a,b", "no known form of file. Known forms"),
    ],
)
def test_wrong_columns_say_what_is_missing(tmp_path: Path, columns: str, lacks: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(f"{columns}\n{','.join('1' * len(columns.split(',')))}\n")
    with pytest.raises(PriceFileError) as caught:
        recognise(path)
    assert lacks in str(caught.value)
    assert "Known forms: marcap (" in str(caught.value)


def test_a_column_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("date,code,open,high,low,close,close,volume\n2026-08-21,000010,1,1,1,1,2,1\n")
    with pytest.raises(PriceFileError, match="has the column close twice"):
        recognise(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match=r"There is no file .*nowhere\.parquet"):
        recognise(tmp_path / "nowhere.parquet")
    with pytest.raises(PriceFileError, match="is a folder"):
        recognise(tmp_path)
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(PriceFileError, match="is empty"):
        recognise(empty)
    whole = tmp_path / "whole.parquet"
    pq.write_table(new_marcap(), whole)
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(PriceFileError, match=r"cut\.parquet is not a whole Parquet file"):
        recognise(cut)
    page = tmp_path / "page.parquet"
    page.write_text("<html>not found</html>")
    with pytest.raises(PriceFileError, match="is not a whole Parquet file"):
        recognise(page)
    pq.write_table(new_marcap().slice(0, 0), whole)
    with pytest.raises(PriceFileError, match="has columns but no rows"):
        recognise(whole)
    (tmp_path / "head.csv").write_text("date,code,open,high,low,close,volume\n")
    with pytest.raises(PriceFileError, match="has columns but no rows"):
        recognise(tmp_path / "head.csv")
    (tmp_path / "latin.csv").write_bytes("date,code,name\n2026-08-21,1,Sociét\n".encode("latin-1"))
    with pytest.raises(PriceFileError, match="neither UTF-8 nor cp949 at byte 32: save it as UTF-8"):
        recognise(tmp_path / "latin.csv")


def test_a_gzip_file_that_breaks_off_says_where(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    lines = "".join(f"2026-08-21,{n:06d},1,1,1,1,{rng.integers(1 << 50)}\n" for n in range(200_000))
    packed = gzip.compress(("date,code,open,high,low,close,volume\n" + lines).encode(), 1)
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(packed[: len(packed) * 9 // 10])
    opened = recognise(path)
    batches = opened.batches(market="kr", rows=20_000)
    assert len(next(batches)) >= 20_000
    with pytest.raises(PriceFileError, match=r"cut\.csv\.gz cannot be read beyond row ([\d,]+)"):
        list(batches)


def test_codes_as_numbers_get_their_zeros_back_in_korea_and_are_refused_elsewhere(
    tmp_path: Path,
) -> None:
    path = tmp_path / "prices.parquet"
    names = ("open", "high", "low", "close", "volume")
    table: dict[str, Any] = {"date": ["2026-08-21"], "code": [5930]}
    pq.write_table(pa.table(table | {name: [1] for name in names}), path)
    assert one_batch(path).codes.tolist() == ["005930"]
    with pytest.raises(PriceFileError, match="as numbers they are no codes of market us"):
        list(recognise(path).batches(market="us", rows=10))


def test_marcap_is_not_of_another_market(tmp_path: Path) -> None:
    path = tmp_path / "marcap.parquet"
    pq.write_table(new_marcap(), path)
    with pytest.raises(PriceFileError, match="does not fit market us; import it with --market kr"):
        list(recognise(path).batches(market="us", rows=10))
    assert len(one_batch(path, "kr-copy")) == 3
