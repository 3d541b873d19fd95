"""Price files that are refused: each with one sentence that says what to do."""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from marketdata.sources.files import PriceFileError, recognise
from tests.marketdata.sources.files.five_days import (
    BARS,
    DAYS,
    FIELDS,
    PLAIN,
    expected,
    of_one,
    written,
)


def zipped(**files: str | bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (zipped(a=PLAIN, b=PLAIN), r"is a zip archive with 2 files \(a, b\): unpack it"),
        (zipped(), "is an empty zip archive"),
        (zipped(a=zipped(b=PLAIN)), "holds another packed file: unpack it"),
        (b"PK\x03\x04" + b"x" * 100, "is a zip archive that cannot be read"),
        (bz2.compress(PLAIN.encode()), "is packed with bzip2: unpack it"),
        (lzma.compress(PLAIN.encode()), "is packed with xz: unpack it"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 64, r"is an old Excel workbook \(\.xls\)"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "is a web page"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html>", "is a web page"),
        (b'{"date": "2024-01-02"}', "is JSON"),
        (b"%PDF-1.7", "is a PDF document"),
        (b"date,code\x00,open\n1,2,3\n", "holds bytes that are no text"),
    ],
)
def test_what_is_refused_says_what_to_do(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(content)
    with pytest.raises(PriceFileError, match=rf"^prices\.csv {sentence}"):
        recognise(path)


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        (("01/02/2024", "01/03/2024"), r"01/02/2024 may be either of two days"),
        (("01/13/2024", "13/01/2024"), r"some dates begin with the day and others with the month"),
    ],
)
def test_an_order_that_is_not_proved_is_refused(days: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(written(("date", "code", *FIELDS), ((day, "005930", *BARS[0]) for day in days)))
    with pytest.raises(PriceFileError, match=sentence):
        of_one(recognise(path))


def test_a_workbook_with_two_sheets_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("January", "February"):
            book.add_worksheet(name).write_row(0, 0, ["date", "code"])
    with pytest.raises(PriceFileError, match=r"two\.xlsx has 2 sheets with rows \(January, February\)"):
        recognise(path)


def test_a_column_of_codes_and_a_code_contradict_each_other(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(PLAIN)
    with pytest.raises(PriceFileError, match=r"a column of its own for this \(code\): leave --code out"):
        recognise(path, code="000660")


def test_no_code_anywhere_says_how_to_name_it(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    rows = ((day, *bar) for day, bar in zip(DAYS, BARS, strict=True))
    path.write_text(written(("Date", *FIELDS), rows))
    with pytest.raises(PriceFileError, match=r"without a column for code .* say --code 005930"):
        recognise(path)
    assert of_one(recognise(path, code="005930")) == expected()
