"""Files of a lake in a bucket, read in blocks: the bytes, the requests, and files that are replaced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marketdata.lake.block_reader import BLOCK
from marketdata.lake.layout import Lake
from tests.exchanges.bucket import Bucket

PATH = "market=kr/year=2024/month=03/bars.parquet"
CONTENT = np.random.default_rng(5).bytes(2 * BLOCK + 12_345)


@pytest.fixture
def lake(bucket: Bucket) -> Lake:
    bucket.files[f"/lake/of/{PATH}"] = CONTENT
    return Lake(f"s3://lake/of?region=eu-central-1&endpoint={bucket.endpoint}")


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 4), (BLOCK - 3, 6), (10, 2 * BLOCK), (2 * BLOCK, 12_345), (2 * BLOCK + 12_340, 5), (BLOCK, BLOCK)],
)
def test_each_range_is_that_of_the_file(lake: Lake, start: int, length: int) -> None:
    with lake.source(PATH) as file:
        assert file.size() == len(CONTENT)
        file.seek(start)
        assert file.read(length) == CONTENT[start : start + length]
        assert file.tell() == start + length


def test_many_small_reads_are_one_request(lake: Lake, bucket: Bucket) -> None:
    with lake.source(PATH) as file:
        for at in range(0, BLOCK - 100, 10_000):
            file.seek(at)
            file.read(100)
    gets = [method for method, _ in bucket.requests if method == "GET"]
    assert len(gets) <= 1
    with lake.source(PATH) as file:
        assert file.read(100) == CONTENT[:100]
    assert [method for method, _ in bucket.requests if method == "GET"] == gets


def test_a_replaced_file_of_the_same_size_is_read_anew(lake: Lake, bucket: Bucket) -> None:
    with lake.source(PATH) as file:
        assert file.read(9) == CONTENT[:9]
    bucket.files[f"/lake/of/{PATH}"] = CONTENT[::-1]
    with lake.source(PATH) as file:
        assert file.read() == CONTENT[::-1]


def test_a_missing_file_is_missing(lake: Lake) -> None:
    with pytest.raises(FileNotFoundError):
        lake.source("market=kr/index.parquet")


def test_a_write_that_fails_leaves_the_object_as_it_was(lake: Lake, bucket: Bucket) -> None:
    def put(stream: Any, content: bytes) -> None:
        stream.write(content)

    def write(stream: Any) -> None:
        put(stream, b"half")
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        lake.replace(PATH, write)
    assert bucket.files[f"/lake/of/{PATH}"] == CONTENT
    assert lake.replace(PATH, lambda stream: put(stream, b"whole")) == len(b"whole")
    assert bucket.files[f"/lake/of/{PATH}"] == b"whole"
