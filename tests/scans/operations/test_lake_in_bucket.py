"""SEISMO_LAKE_DIR=s3://...: projections write there, scans and pages read there, and a bucket that refuses damages
nothing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from marketdata.errors import LakeError
from marketdata.models import LakePartition
from marketdata.operations.lake_copies import copy_lake
from marketdata.operations.projection.project import project_bars, update_lake
from marketdata.operations.projection.verify import verify
from scans.operations.scan.answers import SessionAnswer
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.exchanges.bucket import Bucket
from tests.scans.conftest import AS_OF, Importer

MONTH = "/lake/of/market=kr/year=2024/month=04/bars.parquet"


@pytest.fixture
def lake(settings: Any, bucket: Bucket) -> str:
    """The configured lake, in a bucket."""
    settings.LAKE_DIR = f"s3://lake/of?region=eu-central-1&endpoint={bucket.endpoint}"
    return str(settings.LAKE_DIR)


def answer(session: date, *, save: bool = False) -> SessionAnswer:
    request = RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=session, last=session, save=save)
    return run_scan(request)[0].answers[0]


def test_a_scan_equals_that_of_a_directory_and_follows_a_correction(
    market: pd.DataFrame,
    probe: Any,
    sessions: list[date],
    bring: Importer,
    lake: str,
    settings: Any,
    bucket: Bucket,
    tmp_path: Path,
) -> None:
    assert project_bars("kr", rebuild=True).partitions
    assert MONTH in bucket.files
    before = answer(sessions[30], save=True)
    settings.LAKE_DIR = tmp_path / "lake"
    project_bars("kr", rebuild=True)
    assert answer(sessions[30]).result_digest == before.result_digest
    settings.LAKE_DIR = lake

    row = market[(market.date == sessions[30]) & (market.code == before.ranks[0]["code"])].copy()
    row[["open", "high", "low", "close"]] += 100
    bring(row, AS_OF + timedelta(1))
    after = answer(sessions[30])
    assert after.result_digest != before.result_digest
    assert not list(verify("kr"))


def test_a_lost_object_is_written_again(
    market: Any, probe: Any, sessions: list[date], lake: str, bucket: Bucket
) -> None:
    project_bars("kr", rebuild=True)
    before = answer(sessions[-1])
    del bucket.files[MONTH]
    assert answer(sessions[-1]).result_digest == before.result_digest
    assert MONTH in bucket.files


def test_a_bucket_that_refuses_marks_no_file_as_damaged(
    market: Any, lake: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_bars("kr", rebuild=True)
    rows = list(LakePartition.objects.values_list("wanted", "damage_seen_at"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    settings.LAKE_DIR = lake.replace("/of?", "/of/?")  # connections are kept by address
    with pytest.raises(LakeError, match="check the bucket, its keys and the network"):
        update_lake("kr")
    assert list(LakePartition.objects.values_list("wanted", "damage_seen_at")) == rows


def test_a_lake_in_a_bucket_is_not_copied(market: Any, lake: str) -> None:
    with pytest.raises(LakeError, match="in a bucket already"):
        copy_lake("kr", lake, [])
