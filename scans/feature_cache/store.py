"""Storage of the feature cache: a local directory of limited size, or a bucket of S3.

Nothing here may fail a scan: an entry that cannot be read is missing, one that cannot be written is dropped, and after
an error the storage is not used for a while. The log reports each error once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from caching.circuit_breaker import CircuitBreaker
from marketdata import object_store
from scans.feature_cache.entries import Entry, decode_entry, encode_entry

T = TypeVar("T")
LOGGER = logging.getLogger(__name__)
SUFFIX = ".parquet"
REST = 60.0
"""Seconds without access after an error."""
CONNECT, ANSWER = 2.0, 5.0
"""Seconds that S3 may take."""
TO_LOW = 0.9
"""A full directory is emptied to this share, oldest use first, so that it is not scanned at each write."""


class Storage(Protocol):
    """Files by name. `read` gives None where there is none; all raise OSError where something is wrong."""

    def read(self, name: str) -> bytes | None: ...

    def write(self, name: str, content: bytes) -> None: ...

    def delete(self, name: str) -> None: ...


class FeatureCache:
    """Entries by their key."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._breaker = CircuitBreaker(threshold=1, rest=REST)

    def read(self, name: str) -> Entry | None:
        """The entry; None where it is missing or cannot be read. A damaged entry is deleted."""
        content = self._access(lambda: self._storage.read(name + SUFFIX), f"{name} cannot be read")
        if content is None:
            return None
        try:
            return decode_entry(content, name)
        except (ValueError, KeyError, pa.ArrowException) as error:  # torn by a power cut, say
            LOGGER.warning("The score cache's entry %s is not used, and deleted: %s", name, error)
            self._access(lambda: self._storage.delete(name + SUFFIX), f"{name} cannot be deleted")
            return None

    def write(self, name: str, entry: Entry) -> None:
        """Stores the entry if the storage is available."""
        content = encode_entry(entry, name)
        self._access(lambda: self._storage.write(name + SUFFIX, content), f"{name} cannot be kept")

    def read_file(self, name: str) -> bytes | None:
        """The content of another file; None where it is missing or cannot be read."""
        return self._access(lambda: self._storage.read(name), f"{name} cannot be read")

    def write_file(self, name: str, content: bytes) -> None:
        """Stores another file if the storage is available."""
        self._access(lambda: self._storage.write(name, content), f"{name} cannot be kept")

    def delete_file(self, name: str) -> None:
        """Deletes another file if the storage is available."""
        self._access(lambda: self._storage.delete(name), f"{name} cannot be deleted")

    def _access(self, access: Callable[[], T], complaint: str) -> T | None:
        if not self._breaker.allows():
            return None
        try:
            result = access()
        except OSError as error:
            self._breaker.failed()
            LOGGER.warning("The score cache rests for %.0f s, %s: %s", REST, complaint, error)
            return None
        self._breaker.succeeded()
        return result


class DirectoryStorage:
    """A local directory of at most `most` bytes; a read is a use."""

    def __init__(self, path: Path, *, most: int) -> None:
        self._path = path
        self._most = most

    def read(self, name: str) -> bytes | None:
        path = self._path / name
        try:
            content = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        return content

    def write(self, name: str, content: bytes) -> None:
        self._path.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=self._path)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            os.replace(draft, self._path / name)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)
            raise
        self._keep_within()

    def delete(self, name: str) -> None:
        (self._path / name).unlink(missing_ok=True)

    def _keep_within(self) -> None:
        entries = []
        with os.scandir(self._path) as files:
            for file in files:
                with contextlib.suppress(FileNotFoundError):  # another process was quicker
                    status = file.stat()
                    entries.append((status.st_mtime_ns, status.st_size, file.path))
        total = sum(size for _, size, _ in entries)
        if total <= self._most:
            return
        for _, size, path in sorted(entries):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            total -= size
            if total <= self._most * TO_LOW:
                return


class BucketStorage:
    """A prefix of a bucket, by its address (`marketdata.object_store`). The bucket's lifecycle rule deletes old
    entries."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._bucket: tuple[Any, str] | None = None

    def read(self, name: str) -> bytes | None:
        system, root = self._opened()
        try:
            with system.open_input_file(f"{root}/{name}") as stream:
                content: bytes = stream.read()
        except FileNotFoundError:
            return None
        return content

    def write(self, name: str, content: bytes) -> None:
        system, root = self._opened()
        with system.open_output_stream(f"{root}/{name}") as stream:
            stream.write(content)

    def delete(self, name: str) -> None:
        system, root = self._opened()
        system.delete_file(f"{root}/{name}")

    def _opened(self) -> tuple[Any, str]:
        if self._bucket is None:
            self._bucket = object_store.open_bucket(self._address, connect=CONNECT, answer=ANSWER, attempts=2)
        return self._bucket


def open_feature_cache(where: str, *, most: int) -> FeatureCache:
    """The feature cache at an address of S3, or in a directory of at most `most` bytes."""
    return FeatureCache(
        BucketStorage(where) if where.startswith(object_store.SCHEME) else DirectoryStorage(Path(where), most=most)
    )
