"""One table through every writer: text, Parquet and Excel hold the same, and nothing of it is a formula."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from marketdata.tables import workbook
from marketdata.tables.parquet import parquet_file
from marketdata.tables.table import Table, column
from marketdata.tables.text import csv_chunks
from marketdata.tables.workbook import TooManyRows, xlsx_file

COLUMNS = [
    column("code", pa.string()),
    column("day", pa.date32()),
    column("at", pa.timestamp("us", "UTC")),
    column("move", pa.float64()),
    column("count", pa.int64()),
    column("fine", pa.bool_()),
    column("signals", pa.list_(pa.string())),
    column("parts", pa.map_(pa.string(), pa.float64())),
]
ROWS: list[dict[str, Any]] = [
    {
        "code": "005930",
        "day": "2026-08-21",
        "at": "2026-08-21T18:10:00+09:00",
        "move": -1.5,
        "count": -7,
        "fine": True,
        "signals": ["macd", "obv"],
        "parts": {"points": 7.0},
    },
    {name.name: None for name in COLUMNS},
]


def written(table: Table, encoding: str = "utf-8") -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(csv_chunks(table, encoding)).decode(), newline="")))


def sheet(table: Table) -> list[list[Any]]:
    with xlsx_file(table) as file:
        return CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).to_python()


def test_text() -> None:
    assert written(Table(COLUMNS, ROWS)) == [
        ["code", "day", "at", "move", "count", "fine", "signals", "parts"],
        ["005930", "2026-08-21", "2026-08-21T18:10:00+09:00", "-1.5", "-7", "true", "macd obv",
         '{"points": 7.0}'],
        [""] * 8,
    ]  # fmt: skip


def test_parquet() -> None:
    with parquet_file(Table(COLUMNS, ROWS)) as file:
        parquet_table = pq.read_table(io.BytesIO(file.read()))
    assert parquet_table.schema.types == [one.type for one in COLUMNS]
    first, empty = parquet_table.to_pylist()
    assert first == {
        "code": "005930",
        "day": date(2026, 8, 21),
        "at": datetime(2026, 8, 21, 9, 10, tzinfo=UTC),
        "move": -1.5,
        "count": -7,
        "fine": True,
        "signals": ["macd", "obv"],
        "parts": [("points", 7.0)],
    }
    assert set(empty.values()) == {None}


def test_workbook() -> None:
    head, first, *_ = sheet(Table(COLUMNS, ROWS))
    assert head == [one.name for one in COLUMNS]
    assert first == [
        "005930", date(2026, 8, 21), datetime.fromisoformat("2026-08-21T09:10"), -1.5, -7, True, "macd obv",
        '{"points": 7.0}',
    ]  # fmt: skip


FORMULAS = ("=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠A1")
PLAIN = ("1-1", "a=b", "005930", "한국", "'quoted", "", " x", "https://example.org")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_would_be_a_formula_is_neutral(text: str) -> None:
    """As a value, as a name of a column, and as the first of a list."""
    table = Table([column(text, pa.string())], [{text: text}, {text: [text]}])
    assert [row[0] for row in written(table)] == [f"'{text}"] * 3
    assert [row[0].strip() for row in sheet(table)] == [text.strip()] * 3


@pytest.mark.parametrize("text", PLAIN)
def test_every_other_text_stays_as_it_is(text: str) -> None:
    table = Table([column("a", pa.string()), column("b", pa.int64())], [{"a": text, "b": 1}])
    assert written(table)[1] == [text, "1"]
    assert sheet(table)[1] == [text, 1]


def test_numbers_are_numbers_and_what_is_none_is_empty() -> None:
    numbers = [-1.5, 0.0, 1e300, -7, float("nan"), float("inf"), float("-inf"), None]
    table = Table([column("n", pa.float64()), column("k", pa.string())], [{"n": n, "k": "k"} for n in numbers])
    empty = [""] * 4
    assert [row[0] for row in written(table)[1:]] == ["-1.5", "0.0", "1" + "0" * 300, "-7", *empty]
    assert [row[0] for row in sheet(table)[1:]] == [-1.5, 0, 1e300, -7, *empty]


def test_an_integer_that_excel_cannot_hold_is_text() -> None:
    table = Table([column("n", pa.int64())], [{"n": 2**53 + 1}, {"n": 2**53}])
    assert [row[0] for row in sheet(table)[1:]] == [str(2**53 + 1), float(2**53)]


def test_a_sheet_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table([column("n", pa.int64())], [{"n": n} for n in range(3)])
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    assert len(sheet(table)) == 4
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)
    with pytest.raises(TooManyRows, match="at most 2 rows"):
        xlsx_file(table)


def test_the_same_table_is_the_same_file() -> None:
    with xlsx_file(Table(COLUMNS, ROWS)) as one, xlsx_file(Table(COLUMNS, ROWS)) as other:
        assert one.read() == other.read()


def test_a_mark_comes_first_and_once() -> None:
    table = Table([column("n", pa.int64())], ({"n": n} for n in range(2_500)))
    content = b"".join(csv_chunks(table))
    assert content.startswith(b"\xef\xbb\xbfn\r\n0\r\n")
    assert content.count(b"\xef\xbb\xbf") == 1
    assert content.decode("utf-8-sig").splitlines() == ["n", *map(str, range(2_500))]
