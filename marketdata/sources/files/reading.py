"""Opens a price file, whatever its container: Parquet, CSV, or CSV under gzip, told apart by their first bytes.

CSV is read as text only and streamed; Parquet by batches of rows: a file need not fit into memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from marketdata.sources.files.errors import PriceFileError

PARQUET, GZIP = b"PAR1", b"\x1f\x8b"
CSV_BLOCK, CSV_PROBE = 1 << 20, 64 << 10


@dataclass(slots=True)
class PriceFile:
    """An open file: its columns, and its rows on demand.

    `rows` is None where only reading to the end will tell. `broken` collects lines of a CSV that have too many or
    too few fields, as (number of the row from 1, the line).
    """

    path: Path
    columns: tuple[str, ...]
    rows: int | None
    _parquet: pq.ParquetFile | None
    _position: Any = None
    _size: int = 0
    broken: list[tuple[int, str]] = field(default_factory=list)

    def tables(self, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
        """The file's rows, only these columns, in tables of about `rows`; PriceFileError where it breaks off."""
        read = self._of_parquet if self._parquet is not None else self._of_csv
        done = 0
        try:
            for table in read(columns, rows):
                done += table.num_rows
                yield table
        except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
            raise PriceFileError(
                f"{self.path.name} cannot be read beyond row {done:,} ({_first_line(error)}): it is damaged or cut "
                "short; get it again and repeat the import."
            ) from error

    def read_so_far(self) -> float | None:
        """The share of the file already read, 0..1, where its container tells."""
        if self._position is None or not self._size:
            return None
        try:
            return min(float(self._position.tell()) / self._size, 1.0)
        except (ValueError, OSError):
            return 1.0

    def close(self) -> None:
        if self._parquet is not None:
            self._parquet.close()
        elif self._position is not None:
            self._position.close()

    def _of_parquet(self, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
        assert self._parquet is not None  # noqa: S101 - chosen by `tables`
        for batch in self._parquet.iter_batches(batch_size=rows, columns=list(columns)):
            yield pa.Table.from_batches([batch])

    def _of_csv(self, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
        if self._position is not None:  # a second reading
            self._position.close()
        self._position = pa.OSFile(str(self.path), "rb")
        stream = _stream(self._position, self.path)
        reader = pacsv.open_csv(
            stream,
            read_options=pacsv.ReadOptions(block_size=CSV_BLOCK, use_threads=False),
            parse_options=pacsv.ParseOptions(invalid_row_handler=self._keep_broken),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(self.columns, pa.string()),
                include_columns=list(columns),
            ),
        )
        held: list[pa.RecordBatch] = []
        count = 0
        for batch in reader:
            held.append(batch)
            count += batch.num_rows
            if count >= rows:
                yield pa.Table.from_batches(held)
                held, count = [], 0
        if count:
            yield pa.Table.from_batches(held)

    def _keep_broken(self, row: pacsv.InvalidRow) -> Literal["skip", "error"]:
        number = -1 if row.number is None else row.number - 1  # the header is row 1
        self.broken.append((number, row.text))
        return "skip"


def open_file(path: Path) -> PriceFile:
    """The file at `path`; PriceFileError where there is none or it is not what it seems."""
    start = _first_bytes(path)
    if start.startswith(PARQUET) or path.suffix == ".parquet":
        return _parquet(path)
    return _csv(path)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except FileNotFoundError:
        raise PriceFileError(f"There is no file {path}: check its name and folder.") from None
    except IsADirectoryError:
        raise PriceFileError(f"{path} is a folder: name the files in it.") from None
    except OSError as error:
        raise PriceFileError(f"{path} cannot be opened ({error.strerror}).") from error
    if not start:
        raise PriceFileError(f"{path.name} is empty (0 bytes): get it again.")
    return start


def _parquet(path: Path) -> PriceFile:
    try:
        opened = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise PriceFileError(
            f"{path.name} is not a whole Parquet file ({_first_line(error)}): it is damaged or cut short; get it again."
        ) from error
    if not opened.metadata.num_rows:
        raise PriceFileError(f"{path.name} has columns but no rows.")
    words = [field.name for field in opened.schema_arrow if pa.types.is_string(field.type)]
    opened = pq.ParquetFile(path, metadata=opened.metadata, read_dictionary=words)
    return PriceFile(path, tuple(opened.schema_arrow.names), opened.metadata.num_rows, opened)


def _csv(path: Path) -> PriceFile:
    try:
        with pa.OSFile(str(path), "rb") as raw:
            head = pacsv.open_csv(
                _stream(raw, path),
                read_options=pacsv.ReadOptions(block_size=CSV_PROBE, use_threads=False),
                parse_options=pacsv.ParseOptions(invalid_row_handler=lambda _: "skip"),
            )
            names = tuple(head.schema.names)
            has_rows = any(batch.num_rows for batch in head)
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        raise PriceFileError(
            f"{path.name} is neither Parquet nor readable CSV in UTF-8 ({_first_line(error)}): it is damaged, cut "
            "short, or something else."
        ) from error
    if not has_rows:
        raise PriceFileError(f"{path.name} has columns but no rows.")
    return PriceFile(path, names, None, None, _size=path.stat().st_size)


def _stream(raw: pa.NativeFile, path: Path) -> Any:
    zipped = _first_bytes(path).startswith(GZIP)
    return pa.CompressedInputStream(raw, "gzip") if zipped else raw


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
