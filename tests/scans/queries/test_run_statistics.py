"""Success rate and mean duration of runs, counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from scans.models import ScannerVersion, ScanRun
from scans.queries.run_statistics import SESSIONS, get_run_statistics, run_counts

START = date(2024, 1, 1)
AT = datetime(2024, 6, 1, tzinfo=UTC)


def attempt(version: ScannerVersion, day: int, status: str, seconds: float = 1.0, sessions: int = 1) -> None:
    last = START + timedelta(days=day)
    ScanRun.objects.create(
        scanner_version=version,
        market="kr",
        first=last - timedelta(days=sessions - 1),
        last=last,
        revision=1,
        params={},
        status=status,
        seconds={"score": seconds},
        cpu_seconds=2 * seconds,
        peak_memory_mb=int(10 * seconds),
        started_at=AT,
        finished_at=AT + timedelta(seconds=seconds),
    )


@pytest.fixture
def version(db: None) -> ScannerVersion:
    return ScannerVersion.objects.create(slug="mine", engine="v1")


def test_failures_lower_the_rate_and_not_the_mean(version: ScannerVersion) -> None:
    attempt(version, 0, "published", 1.0)
    attempt(version, 1, "failed", 60.0)
    attempt(version, 1, "unchanged", 3.0)
    attempt(version, 2, "no_match", 2.0)
    (row,) = get_run_statistics("kr")
    assert (row.attempts, row.failed, row.unchanged, row.success_rate) == (4, 1, 1, 0.75)
    assert (row.mean_seconds, row.mean_cpu_seconds, row.peak_memory_mb) == (2.0, 4.0, 600)
    assert (row.first, row.last) == (START, START + timedelta(days=2))
    assert row.stages == {"score": 2.0}


def test_only_the_latest_sessions_count(version: ScannerVersion) -> None:
    attempt(version, 0, "failed")
    for day in range(1, SESSIONS + 1):
        attempt(version, day, "published")
    (row,) = get_run_statistics("kr")
    assert (row.attempts, row.success_rate, row.first) == (SESSIONS, 1.0, START + timedelta(days=1))


def test_a_range_has_no_part_in_the_duration_of_a_session(version: ScannerVersion) -> None:
    attempt(version, 5, "published", 500.0, sessions=4)
    (row,) = get_run_statistics("kr")
    assert (row.attempts, row.mean_seconds) == (1, None)
    attempt(version, 5, "published", 2.0)
    assert get_run_statistics("kr")[0].mean_seconds == 2.0


def test_markets_without_a_run_have_no_statistics(version: ScannerVersion) -> None:
    attempt(version, 0, "published")
    assert get_run_statistics("upbit") == []
    assert run_counts() == [("kr", "mine", "published", 1)]
