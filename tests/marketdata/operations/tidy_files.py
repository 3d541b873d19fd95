"""Rows of tidy files, written by hand in the tests beside this."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from marketdata.operations.imports.prices import import_prices
from marketdata.operations.imports.report import FileReport

AS_OF = datetime(2026, 8, 21, 9, 0, tzinfo=UTC)  # 18:00 in Seoul
LATER = datetime(2026, 8, 22, 9, 0, tzinfo=UTC)

COLUMNS = "date,code,open,high,low,close,volume"


def write_tidy(path: Path, rows: Iterable[str], *, columns: str = COLUMNS) -> Path:
    """A CSV of these rows."""
    path.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    return path


def import_file(path: Path, *, as_of: datetime = AS_OF, **options: object) -> FileReport:
    """The report of importing one file."""
    report = import_prices(files=[path], as_of=as_of, **options)  # type: ignore[arg-type]
    return report.files[0]
