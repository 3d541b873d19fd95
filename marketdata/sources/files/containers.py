"""Opens a file by its first bytes: Parquet, text, text under gzip, a zip archive with one file of text, or an Excel
workbook. Other files are refused with advice.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from marketdata.normalization import excerpt
from marketdata.sources.files import workbooks
from marketdata.sources.files.encodings import Utf8Stream
from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.file_signatures import refusal
from marketdata.sources.files.headers import MOST_COLUMNS, header, wide_of_names
from marketdata.sources.files.price_file import CSV_BLOCK, PriceFile, first_line

PARQUET, GZIP, ZIP = b"PAR1", b"\x1f\x8b", b"PK\x03\x04"
HEAD = 1 << 18
"""Bytes that contain the rows of names, unless a line is longer."""


def open_file(path: Path) -> PriceFile:
    """The open file at `path`; PriceFileError where there is none or it is unreadable."""
    start = _first_bytes(path)
    if start.startswith(PARQUET) or path.suffix == ".parquet":
        return _parquet(path)
    sentence = refusal(start)
    if sentence:
        raise PriceFileError(f"{path.name} {sentence}.")
    if start.startswith(ZIP):
        if _is_workbook(path):
            content = workbooks.as_csv(path)
            return _text(path, lambda: _in_memory(content), "an Excel workbook")
        return _text(path, lambda: _zipped(path), "a zip archive")
    if start.startswith(GZIP):
        return _text(path, lambda: _gzipped(path), "")
    return _text(path, lambda: _plain(path), "")


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            start = stream.read(512)
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
        schema = opened.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise PriceFileError(
            f"{path.name} is not a whole Parquet file ({first_line(error)}): it is damaged or cut short; get it again."
        ) from error
    if not opened.metadata.num_rows:
        raise PriceFileError(f"{path.name} has columns but no rows.")
    if len(schema.names) > MOST_COLUMNS:
        raise PriceFileError(
            f"{path.name} has {len(schema.names):,} columns, and {MOST_COLUMNS:,} are read: it is no table of prices."
        )
    words = [field.name for field in schema if pa.types.is_string(field.type)]
    opened = pq.ParquetFile(path, metadata=opened.metadata, read_dictionary=words)
    return PriceFile(
        path,
        tuple(schema.names),
        opened.metadata.num_rows,
        wide=wide_of_names(schema.names),
        _parquet=opened,
        _reopen=open_file,
    )


def _text(path: Path, opens: Callable[[], tuple[Any, Utf8Stream]], container: str) -> PriceFile:
    """A table of text: its head is read here, its rows by `PriceFile.tables`."""
    try:
        position, stream = opens()
        try:
            head = stream.read(HEAD)
            if head.count(b"\n") < 2 and len(head) == HEAD:
                head += stream.read(CSV_BLOCK - HEAD)  # thousands of columns side by side
        finally:
            stream.close()
            position.close()
        cut = head.decode("utf-8", "ignore")
        if len(head) >= CSV_BLOCK and "\n" not in cut:
            raise PriceFileError(f"has a first line of more than {CSV_BLOCK >> 20} MB: it is no table of prices.")
        head_rows = header(cut)
    except PriceFileError as error:
        message = str(error)
        raise PriceFileError(message if message.startswith(path.name) else f"{path.name} {message}") from error
    except (OSError, EOFError, UnicodeError, zlib.error, zipfile.BadZipFile) as error:
        raise PriceFileError(
            f"{path.name} cannot be read ({first_line(error)}): it is damaged, cut short, or something "
            "else; get it again."
        ) from error
    if not any(line.strip() for line in cut.splitlines()[head_rows.lines :]):
        raise PriceFileError(f"{path.name} has columns but no rows.")
    return PriceFile(
        path,
        head_rows.names,
        None,
        wide=head_rows.wide,
        container=container,
        _header=head_rows,
        _reopen=open_file,
        _open=opens,
        _size=path.stat().st_size,
    )


def _plain(path: Path) -> tuple[Any, Utf8Stream]:
    raw = path.open("rb")
    return raw, Utf8Stream(raw)


def _in_memory(content: io.BytesIO) -> tuple[Any, Utf8Stream]:
    raw = io.BytesIO(content.getbuffer())
    return raw, Utf8Stream(raw)


def _gzipped(path: Path) -> tuple[Any, Utf8Stream]:
    raw = pa.OSFile(str(path), "rb")
    return raw, Utf8Stream(pa.CompressedInputStream(raw, "gzip"), packed=path.stat().st_size)


def _zipped(path: Path) -> tuple[Any, Utf8Stream]:
    raw = path.open("rb")
    try:
        archive = zipfile.ZipFile(raw)
        inside = _content(archive)
        if len(inside) != 1:
            names = ", ".join(excerpt(part.filename, 40) for part in inside[:5])
            raise PriceFileError(
                f"is a zip archive with {len(inside):,} files ({names}): unpack it and import the files themselves."
            )
        if inside[0].flag_bits & 1:
            raise PriceFileError("is a zip archive with a password: unpack it and import the file inside.")
        return raw, Utf8Stream(archive.open(inside[0]), packed=path.stat().st_size)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raw.close()
        raise PriceFileError(
            f"is a zip archive that cannot be read ({first_line(error)}): unpack it, or get it again."
        ) from error
    except PriceFileError:
        raw.close()
        raise


def _content(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files of the archive, without folders and the files that macOS adds."""
    return [
        part
        for part in archive.infolist()
        if not part.is_dir()
        and not part.filename.startswith("__MACOSX/")
        and not Path(part.filename).name.startswith(".")
    ]


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/workbook") for name in archive.namelist()[:10_000])
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return False
