"""Layout of the lake: the paths of its files, and their replacement.

    <root>/market=kr/year=2026/month=08/bars.parquet            one partition: a market's month
    <root>/_flows/market=kr/year=2026/month=08/flows.parquet    its investor flow, where it is recorded
    <root>/_caps/market=kr/year=2026/month=08/caps              its carried market caps after its last session
    <root>/_index/market=kr/index.parquet                       the market's own index, one row a session
    <root>/_breaks/market=kr/breaks.json                        sessions from which on bars do not continue those before

The folder of a market has its bars alone, so that other programs read it as one table; they skip names that begin with
an underscore. Before, all files lay among the bars: one that still does is read there (`former_path`) until the next
projection moves it (`Lake.move_former`).

Paths go through `pyarrow.fs`. A file is written beside its place, synced and renamed over it, so a reader sees the
old file or the new one, never part of one.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import fs

from marketdata import object_store
from marketdata.lake.block_reader import open_blocks

CONNECT, ANSWER, ATTEMPTS = 5.0, 30.0, 4
"""Seconds that S3 may take for a connection and for a response, and how often a request is sent."""


class FileIdentity(NamedTuple):
    """Content of a file by its path; `month` is "2026-08", "" for a file of all months."""

    kind: str
    market: str
    month: str


def former_path(path: str) -> str | None:
    """The place among the bars that a file of another tree had before; None of a partition, which stayed."""
    tree, _, former = path.partition("/")
    return former if tree.startswith("_") else None


def file_identity(path: str) -> FileIdentity:
    """The identity of a file from its path below the root."""
    folders, _, name = (former_path(path) or path).rpartition("/")
    keys = dict(part.split("=", 1) for part in folders.split("/"))
    month = f"{keys['year']}-{keys['month']}" if "year" in keys else ""
    return FileIdentity(name.removesuffix(".parquet"), keys["market"], month)


@dataclass(frozen=True, slots=True)
class Lake:
    """A place for partitions: a directory's path, or the address of a bucket (`marketdata.object_store`)."""

    root: str

    @property
    def is_remote(self) -> bool:
        """Whether each read is a request over the network."""
        return self.root.startswith(object_store.SCHEME)

    def open(self) -> tuple[fs.FileSystem, str]:
        """The file system and the root's path on it."""
        if self.is_remote:
            return _bucket(self.root)
        return _directory(os.path.join(os.getcwd(), self.root))

    def partition(self, market: str, month: date) -> str:
        """The partition's path below the root."""
        return f"market={market}/year={month:%Y}/month={month:%m}/bars.parquet"

    def flows(self, market: str, month: date) -> str:
        """The path of the month's investor flow below the root."""
        return f"_flows/{self.partition(market, month).replace('bars.parquet', 'flows.parquet')}"

    def caps(self, market: str, month: date) -> str:
        """The path of the month's carried caps below the root."""
        return f"_caps/{self.partition(market, month).replace('bars.parquet', 'caps')}"

    def index(self, market: str) -> str:
        """The path of the market's index below the root."""
        return f"_index/market={market}/index.parquet"

    def breaks(self, market: str) -> str:
        """The path of the market's breaks below the root."""
        return f"_breaks/market={market}/breaks.json"

    def source(self, path: str) -> pa.NativeFile:
        """The file for reading (memory-mapped where it is local), in its former place where it is not in its own;
        FileNotFoundError where it is in neither."""
        try:
            return self._opened(path)
        except FileNotFoundError:
            if (former := former_path(path)) is None:
                raise
            with contextlib.suppress(FileNotFoundError):
                return self._opened(former)
        return self._opened(path)  # it was moved in between, or is missing

    def _opened(self, path: str) -> pa.NativeFile:
        system, root = self.open()
        if self.is_remote:
            return open_blocks(system, f"{root}/{path}")
        return system.open_input_file(f"{root}/{path}")

    def state(self, path: str) -> tuple[int, int]:
        """When the file was written (ns) and its size in bytes; (0, 0) where it is missing."""
        system, root = self.open()
        for place in (path, former_path(path)):
            if place and (info := system.get_file_info(f"{root}/{place}")).is_file:
                return info.mtime_ns or 0, info.size or 0
        return 0, 0

    def has_former(self, path: str) -> bool:
        """Whether the file of `path` is in its former place."""
        system, root = self.open()
        with contextlib.suppress(FileNotFoundError):
            system.open_input_file(f"{root}/{former_path(path)}").close()
            return True
        return False

    def move_former(self, paths: Iterable[str]) -> None:
        """Move the files of `paths` that are in their former places to their own, where none is yet."""
        system, root = self.open()
        for path in filter(self.has_former, paths):
            former = f"{root}/{former_path(path)}"
            try:
                system.open_input_file(f"{root}/{path}").close()
            except FileNotFoundError:
                with system.open_input_file(former) as file:
                    self.put(path, file.read())
            system.delete_file(former)

    def replace(self, path: str, write: Callable[[pa.NativeFile], None]) -> int:
        """Replace the file at `path` by what `write` writes; returns its size in bytes.

        A failure leaves the old file as it was and no temporary file.
        """
        with self.staged(path, write) as place:
            return place()

    @contextlib.contextmanager
    def staged(self, path: str, write: Callable[[pa.NativeFile], None]) -> Iterator[Callable[[], int]]:
        """Within: what `write` writes is ready beside the file at `path`. A call of what it yields puts it in that
        file's place and returns its size in bytes; without one it is removed."""
        system, root = self.open()
        final = f"{root}/{path}"
        if self.is_remote:  # an object appears as its stream is closed, so it is written whole or not at all
            memory = pa.BufferOutputStream()
            write(memory)
            content = memory.getvalue()

            def upload() -> int:
                with system.open_output_stream(final) as stream:
                    stream.write(content)
                return int(content.size)

            yield upload
            return
        writer = f"{os.getpid()}.{threading.get_ident()}"  # two may write the same file at once
        scratch = f"{final}.{writer}.tmp"
        system.create_dir(final.rpartition("/")[0], recursive=True)

        def rename() -> int:
            size = os.path.getsize(scratch)
            os.replace(scratch, final)
            _sync(os.path.dirname(final))
            return size

        try:
            with system.open_output_stream(scratch) as stream:
                write(stream)
            _sync(scratch)
            yield rename
        finally:
            with contextlib.suppress(OSError):
                os.unlink(scratch)

    def put(self, path: str, content: bytes) -> int:
        """Replace the file at `path` by `content`, as `replace` does; returns its size in bytes."""

        def write(stream: pa.NativeFile) -> None:
            stream.write(content)

        return self.replace(path, write)

    def delete(self, path: str) -> None:
        """Remove a file that may not be there."""
        system, root = self.open()
        for place in (path, former_path(path)):
            with contextlib.suppress(FileNotFoundError):
                if place:
                    system.delete_file(f"{root}/{place}")


@lru_cache(maxsize=8)
def _directory(path: str) -> tuple[fs.FileSystem, str]:
    """The file system of a directory: a scan opens dozens of files."""
    return fs.LocalFileSystem(use_mmap=True), str(Path(path))


@lru_cache(maxsize=8)
def _bucket(address: str) -> tuple[fs.FileSystem, str]:
    """The bucket of an address: its connections are used again."""
    return object_store.open_bucket(address, connect=CONNECT, answer=ANSWER, attempts=ATTEMPTS)


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
