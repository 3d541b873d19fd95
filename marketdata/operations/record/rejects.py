"""The reject file: rejected rows in their original form, with their reason and their number in the source file. A CSV
line with a wrong number of fields is in the column `line`.

The file ends at a limit of rows and bytes, and each cell is cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from marketdata.operations.record.validation import FINE, REASONS, Reason

MOST_ROWS, MOST_BYTES = 100_000, 32 << 20
"""The limits of a reject file; further rows are only counted."""
CELL = 200
"""Characters kept of a cell."""
PART = 10_000
"""Rows written at a time: the bytes are counted between."""


class RejectFile:
    """Counts the rejected rows of one import and writes them to a CSV, which is created with the first row."""

    def __init__(self, folder: Path, name: str, as_of: datetime, columns: Iterable[str]) -> None:
        self._folder = folder
        self._columns = tuple(columns)
        self._stem = f"{name.split('.')[0]}-{as_of:%Y%m%dT%H%M%S}"
        self._stream: IO[bytes] | None = None
        self._rows = 0
        self.file: Path | None = None
        self.counts: Counter[str] = Counter()

    @property
    def written(self) -> int:
        """Count of rows in the file."""
        return self._rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def add(self, raw: pa.Table, row: NDArray[np.int64], reasons: NDArray[np.int8]) -> None:
        """Add the rows of `raw` (numbered by `row`) that have a reason."""
        out = np.flatnonzero(reasons != FINE)
        if not len(out):
            return
        texts = [str(REASONS[reason]) for reason in reasons[out].tolist()]
        self.counts.update(texts)
        for start in range(0, len(out), PART):
            part = out[start : start + self._room(PART)]
            if not len(part):
                return
            rows = raw.take(part)
            cells = [_text(rows.column(name)) for name in self._columns]
            self._write([texts[start : start + len(part)], row[part].tolist(), [None] * len(part), *cells])

    def _room(self, rows: int) -> int:
        """How many of `rows` rows still fit."""
        if self._stream is not None and self._stream.tell() > MOST_BYTES:
            return 0
        return min(rows, MOST_ROWS - self._rows)

    def add_lines(self, lines: list[tuple[int, str]], count: int) -> None:
        """Add CSV lines that have too many or too few fields, with their numbers: the first of `count` lines."""
        if not count:
            return
        self.counts[str(Reason.BROKEN_LINE)] += count
        lines = lines[: self._room(len(lines))]
        if not lines:
            return
        texts = [str(Reason.BROKEN_LINE)] * len(lines)
        nothing: list[list[str | None]] = [[None] * len(lines)] * len(self._columns)
        self._write([texts, *map(list, zip(*lines, strict=True)), *nothing])

    def _write(self, columns: list[Any]) -> None:
        first = self._stream is None
        if self._stream is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._stream, self.file = self._new_file()
        arrays = [pa.array(column) if isinstance(column, list) else column for column in columns]
        table = pa.Table.from_arrays(arrays, names=["reason", "row", "line", *self._columns])
        self._rows += table.num_rows
        pacsv.write_csv(table, self._stream, pacsv.WriteOptions(include_header=first))

    def _new_file(self) -> tuple[IO[bytes], Path]:
        number = 0
        while True:
            path = self._folder / f"{self._stem}{f'-{number}' if number else ''}.csv"
            try:
                return path.open("xb"), path
            except FileExistsError:
                number += 1


def _text(column: Any) -> Any:
    try:
        return pc.utf8_slice_codeunits(pc.cast(column, pa.string()), 0, CELL)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # a list, say, or bytes
        return pa.array([None if value is None else str(value)[:CELL] for value in column.to_pylist()], pa.string())
