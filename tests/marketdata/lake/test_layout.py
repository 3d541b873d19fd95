"""A file of the lake is replaced atomically, also by two writers at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

from marketdata.lake.layout import Lake

SIZE = 100_000


def test_two_threads_of_one_process_replace_the_same_file(tmp_path: Path) -> None:
    lake, both = Lake(str(tmp_path)), Barrier(2)

    def replaced(letter: bytes) -> int:
        def write(stream: Any) -> None:
            stream.write(letter * (SIZE // 2))
            both.wait(60)  # each has its file open, half written
            stream.write(letter * (SIZE // 2))

        return lake.replace("market=kr/one", write)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(replaced, (b"a", b"b"))) == [SIZE, SIZE]
    assert (tmp_path / "market=kr" / "one").read_bytes() in (b"a" * SIZE, b"b" * SIZE)
    assert [file.name for file in (tmp_path / "market=kr").iterdir()] == ["one"]
