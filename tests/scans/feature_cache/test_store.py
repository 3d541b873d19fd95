"""Places of the score cache: a directory with a limit and a bucket, and that nothing wrong with them ends a scan."""

from __future__ import annotations

import logging
import os
import random
from pathlib import Path

import numpy as np
import pytest

from scans.feature_cache import store
from scans.feature_cache.entries import Entry, session_entries
from scans.feature_cache.store import DirectoryStorage, FeatureCache, open_feature_cache
from tests.damage import damages
from tests.exchanges.bucket import Bucket
from tests.scans.engines import panels

KEYS = [f"{number:032x}" for number in range(9)]


@pytest.fixture
def entry() -> Entry:
    universe = panels.universe(panels.panel(3), 2)
    return session_entries(universe, {"gap": np.random.default_rng(1).random(universe.eligible.shape)})[0]


def address(bucket: Bucket) -> str:
    return f"s3://scores/of/kr?region=eu-central-1&endpoint={bucket.endpoint}"


def same(result: Entry | None, entry: Entry) -> bool:
    return result is not None and np.array_equal(result.features["gap"], entry.features["gap"])


def test_a_directory_keeps_entries_for_every_process(tmp_path: Path, entry: Entry) -> None:
    where = str(tmp_path / "new" / "scores")
    assert open_feature_cache(where, most=10**6).read(KEYS[0]) is None
    open_feature_cache(where, most=10**6).write(KEYS[0], entry)
    assert same(open_feature_cache(where, most=10**6).read(KEYS[0]), entry)
    assert open_feature_cache(where, most=10**6).read(KEYS[1]) is None
    assert os.listdir(where) == [f"{KEYS[0]}.parquet"]  # no draft is left


def test_a_directory_keeps_within_its_size_and_what_was_used_last(tmp_path: Path) -> None:
    folder = DirectoryStorage(tmp_path, most=1000)
    for number, key in enumerate(KEYS[:4]):
        folder.write(key, bytes(240))
        os.utime(tmp_path / key, (number, number))
    assert folder.read(KEYS[0]) == bytes(240)
    folder.write(KEYS[4], bytes(240))
    assert set(os.listdir(tmp_path)) == {KEYS[0], KEYS[3], KEYS[4]}


def test_a_bucket_keeps_entries(bucket: Bucket, entry: Entry) -> None:
    kept = open_feature_cache(address(bucket), most=1)
    assert kept.read(KEYS[0]) is None
    kept.write(KEYS[0], entry)
    assert list(bucket.files) == [f"/scores/of/kr/{KEYS[0]}.parquet"]
    assert same(kept.read(KEYS[0]), entry)
    assert same(open_feature_cache(address(bucket), most=1).read(KEYS[0]), entry)


def test_a_bucket_that_refuses_is_left_alone(
    bucket: Bucket, entry: Entry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAANOTHER")
    kept = open_feature_cache(address(bucket), most=1)
    with caplog.at_level(logging.WARNING):
        assert kept.read(KEYS[0]) is None
        span = len(bucket.requests)
        assert span
        kept.write(KEYS[0], entry)
        assert kept.read(KEYS[1]) is None
    assert len(bucket.requests) == span
    (message,) = caplog.messages
    assert message.startswith(f"The score cache rests for 60 s, {KEYS[0]} cannot be read")
    assert not bucket.files


def test_after_its_rest_a_place_is_tried_again(bucket: Bucket, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "REST", 0.0)
    kept = open_feature_cache(address(bucket), most=1)
    bucket.fails = True
    assert kept.read(KEYS[0]) is None
    bucket.fails = False
    kept.write(KEYS[0], entry)
    assert same(kept.read(KEYS[0]), entry)


def test_a_directory_that_cannot_be_written_fails_nothing(
    tmp_path: Path, entry: Entry, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").write_text("a file")
    kept = open_feature_cache(str(tmp_path / "taken"), most=10**6)
    with caplog.at_level(logging.WARNING):
        kept.write(KEYS[0], entry)
    assert "cannot be kept" in caplog.text
    assert kept.read(KEYS[0]) is None


def test_a_torn_file_is_not_used(tmp_path: Path, entry: Entry, caplog: pytest.LogCaptureFixture) -> None:
    kept = FeatureCache(DirectoryStorage(tmp_path, most=10**6))
    kept.write(KEYS[0], entry)
    file = tmp_path / f"{KEYS[0]}.parquet"
    file.write_bytes(file.read_bytes()[:-50])
    with caplog.at_level(logging.WARNING):
        assert kept.read(KEYS[0]) is None
    assert f"entry {KEYS[0]} is not used" in caplog.text
    assert not file.exists()
    kept.write(KEYS[0], entry)
    assert same(kept.read(KEYS[0]), entry)


def test_no_damage_is_ever_used(tmp_path: Path, entry: Entry) -> None:
    """Any bit of a file, and any place where it is cut or a block of it is zero: a miss, and the file is deleted."""
    kept = FeatureCache(DirectoryStorage(tmp_path, most=10**6))
    kept.write(KEYS[0], entry)
    file = tmp_path / f"{KEYS[0]}.parquet"
    whole, draw = file.read_bytes(), random.Random(7)
    for damage in damages(whole, draw, 200):
        file.write_bytes(damage)
        result = kept.read(KEYS[0])
        assert result is None or same(result, entry)  # the four letters that a file begins with say nothing
        assert result is not None or not file.exists()


def test_a_damaged_entry_of_a_bucket_is_deleted(bucket: Bucket, entry: Entry) -> None:
    kept = open_feature_cache(address(bucket), most=1)
    kept.write(KEYS[0], entry)
    (name,) = bucket.files
    whole = bucket.files[name]
    bucket.files[name] = whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]
    assert kept.read(KEYS[0]) is None
    assert name not in bucket.files
    kept.write(KEYS[0], entry)
    assert same(kept.read(KEYS[0]), entry)


def test_an_entry_under_the_name_of_another_is_deleted(tmp_path: Path, entry: Entry) -> None:
    kept = FeatureCache(DirectoryStorage(tmp_path, most=10**6))
    kept.write(KEYS[0], entry)
    (tmp_path / f"{KEYS[1]}.parquet").write_bytes((tmp_path / f"{KEYS[0]}.parquet").read_bytes())
    assert kept.read(KEYS[1]) is None
    assert os.listdir(tmp_path) == [f"{KEYS[0]}.parquet"]
