"""Conversion of Excel workbooks (.xlsx) to CSV: the one sheet with rows, text unchanged, days as ISO."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from marketdata.normalization import excerpt
from marketdata.sources.files.errors import PriceFileError

LARGEST = 256 << 20
"""Bytes that a workbook may unpack to: its sheet is read into memory."""
AS_CSV = "save the sheet as CSV (UTF-8) and import that"


def as_csv(path: Path) -> io.BytesIO:
    """The rows of the workbook's only sheet with rows; PriceFileError where there is none or more than one, or it is
    too large."""
    from python_calamine import CalamineError, CalamineWorkbook  # needed for workbooks alone

    _refuse_large(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        sheets = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
        filled = {name: sheet for name, sheet in sheets.items() if sheet.height}
    except (CalamineError, OSError, ValueError) as error:
        raise PriceFileError(
            f"{path.name} is not a whole Excel workbook ({excerpt(str(error), 100)}): {AS_CSV}."
        ) from error
    if len(filled) != 1:
        names = ", ".join(excerpt(name, 30) for name in list(filled)[:5]) or "none"
        raise PriceFileError(f"{path.name} has {len(filled)} sheets with rows ({names}), and one is read: {AS_CSV}.")
    (sheet,) = filled.values()
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for row in sheet.iter_rows():
        writer.writerow([_text(cell) for cell in row])
    return io.BytesIO(text.getvalue().encode())


def _refuse_large(path: Path) -> None:
    """PriceFileError where the workbook unpacks to more than `LARGEST`. Each part is unpacked once, within bounds,
    since the sizes in the archive may be wrong."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            size = sum(part.file_size for part in parts)
            if size > LARGEST:
                raise PriceFileError(
                    f"{path.name} unpacks to {size >> 20:,} MB, and {LARGEST >> 20} are read: {AS_CSV}."
                )
            for part in parts:
                with archive.open(part) as stream:
                    while stream.read(1 << 20):
                        pass
    except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, NotImplementedError) as error:
        raise PriceFileError(
            f"{path.name} is not a whole Excel workbook ({excerpt(str(error), 100)}): get it again, or {AS_CSV}."
        ) from error


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell).replace("\r", " ").replace("\n", " ")
