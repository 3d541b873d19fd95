"""Files that are made to exhaust memory, disk or a terminal: each ends in one sentence, and little is kept of it."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marketdata.sources.batches import BarBatch
from marketdata.sources.files import PriceFileError, encodings, price_file, recognise

HEADER = "date,code,open,high,low,close,volume\n"
ROW = "2026-08-20,000010,1,1,1,1,1\n"


def read(path: Path) -> int:
    """How many rows its batches hold."""
    return sum(len(batch) for batch in recognise(path).batches(market="kr", rows=150_000))


def test_lines_that_are_no_rows_are_counted_and_few_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv.gz"
    path.write_bytes(gzip.compress((HEADER + ROW + f"{'x' * 5_000}\n" * 3_000).encode()))
    opened = recognise(path)
    assert sum(len(batch) for batch in opened.batches(market="kr", rows=1_000)) == 1
    assert len(opened.file.broken_rows) == 3_000
    assert len(opened.file.broken) == price_file.LINES_KEPT
    assert max(len(line) for _, line in opened.file.broken) <= price_file.LINE_LENGTH + 3


def test_a_file_of_nothing_but_broken_lines_is_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_file, "MOST_BROKEN", 500)
    path = tmp_path / "prices.csv"
    path.write_text(HEADER + "a\n" * 5_000)
    with pytest.raises(PriceFileError, match=r"is no table: 501 of its first lines have not as many fields"):
        read(path)


def test_a_packed_file_may_not_unpack_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "UNPACKED_ALWAYS", 1 << 20)
    content = (HEADER + ROW * 400_000).encode()
    (tmp_path / "prices.csv.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(tmp_path / "prices.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("prices.csv", content)
    for name in ("prices.csv.gz", "prices.zip"):
        with pytest.raises(PriceFileError, match=rf"^{name} unpacks to more than \d+ MB"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a" * 3_000_000, "has a first line of more than 1 MB"),
        (HEADER.encode() + ROW.encode() + b"a" * 3_000_000, "does not begin with a table"),
        (
            HEADER.encode() + ROW.encode() * 20_000 + b"a" * 3_000_000,
            "has a line of more than 1 MB behind row",
        ),
        (b",".join([b"c"] * 60_000) + b"\n1\n", "has 60,000 columns, and 50,000 are read"),
        (b"\x00" * 100_000, "holds bytes that are no text"),
        (HEADER.encode() + b'"' + b"x\n" * 500_000, "does not begin with a table"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(content)
    with pytest.raises(PriceFileError, match=rf"^prices\.csv {sentence}") as caught:
        read(path)
    assert len(str(caught.value)) < 300


def test_names_of_columns_are_cut_in_a_message(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(",".join("n" * 10_000 for _ in range(50)) + "\n" + ",".join("1" * 50) + "\n")
    with pytest.raises(PriceFileError, match="no known form of file") as caught:
        recognise(path)
    assert len(str(caught.value)) < 1_500


def test_a_batch_ends_with_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_file, "BATCH_BYTES", 1 << 16)
    monkeypatch.setattr(price_file, "CSV_BLOCK", 1 << 15)
    rows = 200
    name = "n" * 2_000
    text, columnar = tmp_path / "prices.csv", tmp_path / "prices.parquet"
    text.write_text(HEADER.strip() + ",name\n" + f"{ROW.strip()},{name}\n" * rows)
    table: dict[str, Any] = {
        "date": ["2026-08-20"] * rows,
        "code": ["000010"] * rows,
        "name": [f"{n}{name}" for n in range(rows)],
    }
    numbers = {field: [1] * rows for field in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table(table | numbers), columnar)
    for path in (text, columnar):
        sizes = [len(batch) for batch in recognise(path).batches(market="kr", rows=150_000)]
        assert sum(sizes) == rows
        assert max(sizes) < rows / 2


def test_a_cell_of_a_megabyte_is_cut_before_it_widens_an_array(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    table: dict[str, Any] = {
        "date": ["2026-08-20"] * 3,
        "code": ["A" * 1_000_000, "000010", "000020"],
    }
    numbers = {field: [1] * 3 for field in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table(table | numbers), path)
    (batch,) = recognise(path).batches(market="kr", rows=10)
    assert isinstance(batch, BarBatch)
    assert batch.codes.itemsize <= 4 * 32
