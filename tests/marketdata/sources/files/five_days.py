"""Bars of five days, as text and as a file that was recognised, for the tests of files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from marketdata.sources.batches import BarBatch
from marketdata.sources.files.formats import RecognisedFile

DAYS = ("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08")
BARS = [
    (67_100.0, 67_500.0, 66_400.0, 66_800.0, 1_139_855.0),
    (67_400.0, 67_900.0, 67_000.0, 67_400.0, 776_094.0),
    (65_500.0, 66_200.0, 65_100.0, 65_800.0, 562_585.0),
    (64_700.0, 65_200.0, 64_300.0, 64_800.0, 1_734_079.0),
    (64_100.0, 64_800.0, 63_700.0, 64_400.0, 1_269_295.0),
]
FIELDS = ("open", "high", "low", "close", "volume")


def grouped(value: float) -> str:
    return f"{value:,.0f}"


def written(header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def of_one(opened: RecognisedFile, market: str = "kr") -> list[tuple[str, str, tuple[float, ...]]]:
    """(code, day, values) of every bar of the file."""
    rows = []
    for batch in opened.batches(market=market, rows=2):
        assert isinstance(batch, BarBatch)
        for n in range(len(batch)):
            code = str(batch.codes[batch.code[n]]) if batch.code[n] >= 0 else ""
            values = tuple(batch.values[field][n] for field in FIELDS)
            rows.append((code, str(batch.date[n]), values))
    return rows


def expected(code: str = "005930") -> list[tuple[str, str, tuple[float, ...]]]:
    return [(code, day, bar) for day, bar in zip(DAYS, BARS, strict=True)]


PLAIN = written(("date", "code", *FIELDS), ((day, "005930", *bar) for day, bar in zip(DAYS, BARS, strict=True)))
