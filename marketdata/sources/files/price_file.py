"""An open file: its columns, and its rows in tables that are bounded in rows and in bytes.

Text is read as text only and streamed, Parquet by batches of rows: a file need not fit into memory. Lines that are no
rows are counted, and only the first of them are stored.
"""

from __future__ import annotations

import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, cast

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from marketdata.normalization import excerpt
from marketdata.sources.files.encodings import Utf8Stream
from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.headers import Header, WideLayout

CSV_BLOCK = 1 << 20
BATCH_BYTES = 64 << 20
"""Bytes after which a batch ends, even with few rows."""
ROW_GROUP_BYTES = 4 << 30
LINES_KEPT, LINE_LENGTH = 1_000, 200
"""Lines that are no rows: the number that is stored, and their length."""
MOST_BROKEN = 100_000
"""A file with more lines that are no rows than this, and than rows, is no table."""


@dataclass(slots=True)
class PriceFile:
    """An open file: its columns, and its rows on demand.

    `rows` is None where the number is unknown before the end. `broken` collects lines of a CSV with too many or too few
    fields, as (number of the row from 1, the line); `broken_rows` the numbers of all of them. `wide`: the layout of
    instruments side by side; `notes`: how the file is read, for a person.
    """

    path: Path
    columns: tuple[str, ...]
    rows: int | None
    wide: WideLayout | None = None
    container: str = ""
    broken: list[tuple[int, str]] = field(default_factory=list)
    broken_rows: array[int] = field(default_factory=lambda: array("q"))
    _parquet: pq.ParquetFile | None = None
    _header: Header | None = None
    _open: Callable[[], Any] | None = None
    _position: Any = None
    _size: int = 0
    _reopen: Callable[[Path], PriceFile] | None = None
    _stream: Utf8Stream | None = None
    _good: int = 0

    @property
    def names(self) -> list[str]:
        """Unique names of the columns, for `tables`."""
        names: dict[str, None] = {}
        for place, name in enumerate(self.columns):
            names[name if name and name not in names else f"{name}#{place + 1}"] = None
        return list(names)

    @property
    def notes(self) -> tuple[str, ...]:
        """How the file is read, for a person."""
        notes = [self.container] if self.container else []
        if self._stream is not None and self._stream.encoding != "utf-8":
            notes.append(f"text in {self._stream.encoding}")
        if self._header is not None and self._header.delimiter != ",":
            name = {"\t": "tabs", ";": "semicolons", "|": "bars"}[self._header.delimiter]
            notes.append(f"fields divided by {name}")
        return tuple(notes)

    def tables(self, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
        """The file's rows, only these columns, in tables of about `rows`; PriceFileError where it is cut short."""
        read = self._of_parquet if self._parquet is not None else self._of_text
        done = 0
        try:
            for table in read(columns, rows):
                done += table.num_rows
                yield table
        except PriceFileError as error:
            raise PriceFileError(f"{self.path.name} {error}") from error
        except (pa.ArrowException, OSError, EOFError, UnicodeError, zlib.error, zipfile.BadZipFile) as error:
            raise PriceFileError(self._failure(done, error)) from error

    def read_so_far(self) -> float | None:
        """The share of the file already read, 0..1; None where it is unknown."""
        if self._position is None or not self._size:
            return None
        try:
            return min(float(self._position.tell()) / self._size, 1.0)
        except (ValueError, OSError):
            return 1.0

    def reopen(self) -> PriceFile:
        """The same file opened a second time."""
        assert self._reopen is not None  # noqa: S101 - every opened file has it
        return self._reopen(self.path)

    def close(self) -> None:
        """Close the file."""
        if self._parquet is not None:
            self._parquet.close()
        if self._stream is not None:
            self._stream.close()
        if self._position is not None:
            self._position.close()

    def _of_parquet(self, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
        assert self._parquet is not None  # noqa: S101 - chosen by `tables`
        own = dict(zip(self.names, self.columns, strict=True))
        originals = [own[name] for name in columns]
        rows = min(rows, self._rows_of_bytes(originals))
        for batch in self._parquet.iter_batches(batch_size=rows, columns=originals):
            yield pa.Table.from_batches([batch]).select(originals).rename_columns(list(columns))

    def _rows_of_bytes(self, columns: Sequence[str]) -> int:
        """The number of rows of `BATCH_BYTES`, by the sizes of the columns in the footer."""
        assert self._parquet is not None  # noqa: S101
        footer, most = self._parquet.metadata, 1
        names = set(columns)
        for group in range(footer.num_row_groups):
            part = footer.row_group(group)
            size = sum(
                chunk.total_uncompressed_size
                for chunk in (part.column(n) for n in range(part.num_columns))
                if chunk.path_in_schema.split(".")[0] in names
            )
            if size > ROW_GROUP_BYTES:
                raise PriceFileError(f"has a row group of {size >> 20:,} MB: write it with smaller row groups.")
            most = max(most, size // max(part.num_rows, 1))
        return max(BATCH_BYTES // most, 1)

    def _of_text(self, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
        assert self._open is not None  # noqa: S101
        assert self._header is not None  # noqa: S101
        for opened in (self._stream, self._position):
            if opened is not None:  # a second reading
                opened.close()
        self.broken.clear()
        del self.broken_rows[:]
        self._good = 0
        self._position, stream = self._open()
        self._stream = stream
        names = self.names
        reader = pacsv.open_csv(
            cast("IO[bytes]", stream),
            read_options=pacsv.ReadOptions(
                block_size=CSV_BLOCK, use_threads=False, column_names=names, skip_rows=self._header.lines
            ),
            parse_options=pacsv.ParseOptions(delimiter=self._header.delimiter, invalid_row_handler=self._keep_broken),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=list(columns)
            ),
        )
        batches: list[pa.RecordBatch] = []
        count = size = 0
        for batch in reader:
            batches.append(batch)
            count += batch.num_rows
            size += batch.nbytes
            self._good += batch.num_rows
            if count >= rows or size >= BATCH_BYTES:
                yield pa.Table.from_batches(batches)
                batches, count, size = [], 0, 0
        if count:
            yield pa.Table.from_batches(batches)

    def _keep_broken(self, row: pacsv.InvalidRow) -> Literal["skip", "error"]:
        assert self._header is not None  # noqa: S101
        number = -1 if row.number is None else row.number - self._header.lines
        self.broken_rows.append(number)
        if len(self.broken) < LINES_KEPT:
            self.broken.append((number, excerpt(row.text, LINE_LENGTH)))
        return "error" if len(self.broken_rows) > max(MOST_BROKEN, self._good) else "skip"

    def _failure(self, done: int, error: BaseException) -> str:
        """The message of an error after `done` rows."""
        if len(self.broken_rows) > max(MOST_BROKEN, self._good):
            return (
                f"{self.path.name} is no table: {len(self.broken_rows):,} of its first lines have not as many fields "
                f"as its first row ({len(self.columns):,})."
            )
        if "straddling object" in str(error):
            return (
                f"{self.path.name} has a line of more than {CSV_BLOCK >> 20} MB behind row {done:,}: it is no table of "
                "prices."
            )
        return (
            f"{self.path.name} cannot be read beyond row {done:,} ({first_line(error)}): it is damaged or cut "
            "short; get it again and repeat the import."
        )


def first_line(error: BaseException) -> str:
    """The first line of an error's message, cut."""
    return excerpt((str(error).strip().splitlines() or [type(error).__name__])[0], 160)
