"""Files of a lake in a bucket, read in blocks: a reader of Parquet asks for hundreds of small ranges, and each request
to S3 takes tens of milliseconds whatever its size.

Blocks stay in memory, the latest used of all files, by path, size and tag of the object: a file that is opened
again costs one request, and a replaced file is another one.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from io import RawIOBase, UnsupportedOperation
from typing import Any

import pyarrow as pa
from pyarrow import fs

BLOCK = 1024 * 1024
MOST = 96
"""Blocks in memory: three years of a market's months of up to 3 MB."""
Key = tuple[object, ...]
File = Any
"""A pyarrow NativeFile, whose own annotations lack arguments of its methods."""


class BlockCache:
    """The latest used blocks of all files."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[Key, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key, file: File, number: int) -> bytes:
        """Block `number` of `file`; two threads that miss it both read it."""
        with self._lock:
            if (key, number) in self._blocks:
                self._blocks.move_to_end((key, number))
                return self._blocks[key, number]
        block: bytes = file.read_at(BLOCK, number * BLOCK)
        with self._lock:
            self._blocks[key, number] = block
            while len(self._blocks) > MOST:
                self._blocks.popitem(last=False)
        return block


CACHE = BlockCache()


class BlockReader(RawIOBase):
    """A file that reads whole blocks, for `pyarrow.PythonFile`."""

    def __init__(self, file: File, path: str) -> None:
        self._file, self._size, self._at = file, file.size(), 0
        tag: object = file.metadata().get("ETag") or object()  # blocks of a file without one are its own
        self._key: Key = (path, self._size, tag)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        base = {0: 0, 1: self._at, 2: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes from the position on."""
        low = min(self._at, self._size)
        high = self._size if size < 0 else min(low + size, self._size)
        self._at = high
        if low == high:
            return b""
        first = low // BLOCK
        blocks = [CACHE.get(self._key, self._file, number) for number in range(first, (high - 1) // BLOCK + 1)]
        return b"".join(blocks)[low - first * BLOCK : high - first * BLOCK]

    def readinto(self, buffer: Any) -> int:
        raise UnsupportedOperation("readinto")

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def open_blocks(system: fs.FileSystem, path: str) -> pa.NativeFile:
    """The file at `path`, read in blocks; FileNotFoundError where it is not."""
    return pa.PythonFile(BlockReader(system.open_input_file(path), path), mode="r")
