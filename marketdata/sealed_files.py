"""Sealed Parquet files: a reader of the lake, or of a cache, detects every byte that was changed.

Parquet's own page checksums, which are written and verified too, cover neither page headers nor the footer, and a bit
flipped there may switch them off. A seal covers every byte that a reader uses:

    PAR1 | column chunks | seal: a (start, length, CRC-32) for each column chunk, row group by row group | tail |
    footer | length of the footer | PAR1

The tail holds the number of chunks, the CRC-32 of the footer (with its length and magic), that of the seal, and a
magic of its own. Readers of Parquet find the footer from the end of the file and pass over the seal, so that the file
stays an ordinary one. A reader of some columns of some row groups verifies just these chunks, and the footer.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

MAGIC = b"SEISMO-2"
_CHUNK = np.dtype([("start", "<u8"), ("length", "<u8"), ("crc", "<u4")])
_TAIL = struct.Struct("<III8s")
_END = 8
"""Bytes after a Parquet footer: its length and the magic."""


class DamagedFile(ValueError):
    """The file differs from what was written; the message is the end of a sentence that says in which respect."""


def write_sealed_file(table: pa.Table, stream: Any, bounds: Sequence[int] = (), **options: Any) -> None:
    """Write `table` as a sealed file, its row groups from one of `bounds` to the next (one where there are none);
    `options` as of `ParquetWriter`, and `metadata` (name -> text) for its footer."""
    memory = pa.BufferOutputStream()
    texts = options.pop("metadata", {})
    with pq.ParquetWriter(memory, table.schema, write_page_checksum=True, **options) as writer:
        edges = list(bounds) or [0, table.num_rows]
        for low, high in itertools.pairwise(edges):
            writer.write_table(table.slice(low, high - low), row_group_size=max(high - low, 1))
        # Not as metadata of the table's schema: of that the writer keeps a second copy.
        writer.add_key_value_metadata(texts)
    for part in _sealed(memory.getvalue()):
        stream.write(part)


def _sealed(content: pa.Buffer) -> Iterator[pa.Buffer | bytes]:
    view = memoryview(content)
    metadata = pq.read_metadata(pa.BufferReader(content))
    chunks = np.empty(metadata.num_row_groups * metadata.num_columns, dtype=_CHUNK)
    n = 0
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            start, length = chunk.data_page_offset, chunk.total_compressed_size
            if chunk.dictionary_page_offset is not None:
                start = min(start, chunk.dictionary_page_offset)
            chunks[n] = start, length, zlib.crc32(view[start : start + length])
            n += 1
    footer = len(view) - _END - int.from_bytes(view[-_END:-4], "little")
    yield content.slice(0, footer)
    yield chunks.tobytes()
    yield _tail(chunks, zlib.crc32(view[footer:]))
    yield content.slice(footer)


def _tail(chunks: NDArray[np.void], footer: int) -> bytes:
    own = zlib.crc32(chunks.tobytes(), footer)
    return _TAIL.pack(len(chunks), footer, own, MAGIC)


class Footer(NamedTuple):
    """Proof of a file's identity: equal for files with the same footer and the same chunks. The parsed footer is kept
    within a process, and parsed again in another."""

    proof: bytes
    metadata: Any = None

    def __reduce__(self) -> tuple[type[Footer], tuple[bytes]]:
        return Footer, (self.proof,)


class SealedFile:
    """A sealed file open for reading, its seal and footer verified; DamagedFile where they do not match.

    `words` are columns to be read as dictionaries; `expected` is the footer that the file must have, else
    DamagedFile.
    """

    def __init__(self, source: Any, words: Sequence[str] = (), expected: Footer | None = None) -> None:
        self._source = source
        self._chunks, proof = self._unsealed()
        if expected is not None and expected.proof != proof:
            raise DamagedFile("it was replaced while it was read")
        try:
            self._file = pq.ParquetFile(
                source,
                metadata=expected and expected.metadata,
                read_dictionary=list(words),
                page_checksum_verification=True,
            )
        except (OSError, pa.ArrowException) as error:
            raise DamagedFile(f"its footer cannot be read, {error}") from error
        self.metadata = self._file.metadata
        self.footer = Footer(proof, self.metadata)
        self._columns = {name: n for n, name in enumerate(self.metadata.schema.names)}
        if len(self._chunks) != self.metadata.num_row_groups * self.metadata.num_columns:
            raise DamagedFile("its seal is of another file")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._source.close()

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self._columns)

    @property
    def texts(self) -> dict[bytes, bytes]:
        """The key-value metadata of the footer."""
        return self.metadata.metadata or {}

    def table(self, columns: Sequence[str], groups: Sequence[int] | None = None) -> pa.Table:
        """These columns of these row groups (None: all), verified before they are decoded."""
        chosen = range(self.metadata.num_row_groups) if groups is None else groups
        for name in columns:
            if name not in self._columns:
                raise DamagedFile(f"it has no column {name!r}")
        for group in chosen:
            for name in columns:
                self._verify(self._chunks[group * len(self._columns) + self._columns[name]])
        try:
            return self._file.read_row_groups(list(chosen), columns=list(columns), use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise DamagedFile(f"it cannot be decoded, {error}") from error

    def verify(self) -> None:
        """DamagedFile where the checksum of a column chunk does not match."""
        for chunk in self._chunks:
            self._verify(chunk)

    def _verify(self, chunk: Any) -> None:
        start, length = int(chunk["start"]), int(chunk["length"])
        if zlib.crc32(self._bytes(start, length)) != chunk["crc"]:
            raise DamagedFile(f"the {length} bytes from {start} on are not those that were written")

    def _unsealed(self) -> tuple[NDArray[np.void], bytes]:
        size = int(self._source.size())
        length = int.from_bytes(self._bytes(size - _END, 4), "little")
        at = size - _END - length - _TAIL.size
        proof = bytes(self._bytes(at, _TAIL.size))
        count, footer, own, magic = _TAIL.unpack(proof)
        if magic != MAGIC:
            raise DamagedFile("it has no seal: it was cut, overwritten or written by something else")
        if zlib.crc32(self._bytes(at + _TAIL.size, length + _END)) != footer:
            raise DamagedFile("its footer is not the one that was written")
        table = self._bytes(at - count * _CHUNK.itemsize, count * _CHUNK.itemsize)
        if zlib.crc32(table, footer) != own:
            raise DamagedFile("its seal is not the one that was written")
        return np.frombuffer(table, dtype=_CHUNK), proof

    def _bytes(self, start: int, length: int) -> Any:
        """These bytes, without a copy where the file is mapped into memory."""
        if start < 0:
            raise DamagedFile("it has no seal: it was cut, overwritten or written by something else")
        try:
            self._source.seek(start)
            content = self._source.read_buffer(length)
        except (OSError, pa.ArrowException) as error:
            raise DamagedFile(f"it cannot be read, {error}") from error
        if content.size != length:
            raise DamagedFile("it was cut")
        return content
