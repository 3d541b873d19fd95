"""Success rate and mean duration of the runs of each version over the latest sessions of a market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Avg, Count, Exists, F, Max, Min, OuterRef, Q, Subquery, Window
from django.db.models.functions import DenseRank

from scans.models import ScannerVersion, ScanRun, ScanSession, Status

SESSIONS = 30
"""The latest sessions with an attempt that count."""


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """The attempts of a version that ended on one of the latest `SESSIONS` sessions of `market`. `unchanged` ones
    succeeded too. `mean_seconds`: of single sessions that succeeded; None where there are none. `stages`: the seconds
    of each stage of the last attempt."""

    market: str
    scanner_version: str
    first: date
    last: date
    attempts: int
    failed: int
    unchanged: int
    mean_seconds: float | None
    mean_cpu_seconds: float | None
    peak_memory_mb: int
    stages: Mapping[str, float]

    @property
    def success_rate(self) -> float:
        """The share of attempts that did not fail."""
        return (self.attempts - self.failed) / self.attempts


def get_run_statistics(market: str = "") -> list[RunStatistics]:
    """The statistics of each version with an attempt on the market, or on every market, by market and name; one
    query."""
    ended = ScanRun.objects.exclude(status=Status.RUNNING).order_by()
    if market:
        ended = ended.filter(market=market)
    place = Window(DenseRank(), partition_by=F("market"), order_by=F("last").desc())
    recent = ended.annotate(place=place).filter(place__lte=SESSIONS).values("pk")
    same = ended.filter(market=OuterRef("market"), scanner_version__slug=OuterRef("scanner_version__slug"))
    succeeded = Q(first=F("last")) & ~Q(status=Status.FAILED)
    rows = list(
        ended.filter(pk__in=recent)
        .values("market", "scanner_version__slug")
        .annotate(
            first_session=Min("last"),
            last_session=Max("last"),
            attempts=Count("pk"),
            failed=Count("pk", filter=Q(status=Status.FAILED)),
            unchanged=Count("pk", filter=Q(status=Status.UNCHANGED)),
            duration=Avg(F("finished_at") - F("started_at"), filter=succeeded),
            cpu=Avg("cpu_seconds", filter=succeeded),
            memory=Max("peak_memory_mb"),
            stages=Subquery(same.order_by("-pk").values("seconds")[:1]),
        )
        .order_by("market", "scanner_version__slug")
    )
    first_of: dict[str, date] = {}
    last_of: dict[str, date] = {}
    for row in rows:
        name = row["market"]
        first_of[name] = min(row["first_session"], first_of.get(name, row["first_session"]))
        last_of[name] = max(row["last_session"], last_of.get(name, row["last_session"]))
    return [
        RunStatistics(
            market=row["market"],
            scanner_version=row["scanner_version__slug"],
            first=first_of[row["market"]],
            last=last_of[row["market"]],
            attempts=row["attempts"],
            failed=row["failed"],
            unchanged=row["unchanged"],
            mean_seconds=_seconds(row["duration"]),
            mean_cpu_seconds=row["cpu"],
            peak_memory_mb=row["memory"],
            stages=row["stages"],
        )
        for row in rows
    ]


def version_statistics(version: ScannerVersion) -> list[RunStatistics]:
    """The statistics of one version on each market where it has run."""
    return [row for row in get_run_statistics() if row.scanner_version == version.slug]


def run_counts() -> list[tuple[str, str, str, int]]:
    """Market, version, status, and how many runs there are."""
    rows = ScanRun.objects.order_by("market", "scanner_version__slug", "status")
    return list(rows.values_list("market", "scanner_version__slug", "status").annotate(number=Count("pk")))


def last_attempts() -> list[ScanRun]:
    """The last run of each version on each market, whatever became of it."""
    newest = ScanRun.objects.order_by().values("scanner_version", "market").annotate(last=Max("pk")).values("last")
    return list(ScanRun.objects.filter(pk__in=newest).select_related("scanner_version"))


def last_picks() -> list[tuple[str, str, int]]:
    """Market, version, and the number of ranks of its latest published session."""
    later = ScanSession.objects.filter(
        market=OuterRef("market"),
        scanner_version=OuterRef("scanner_version"),
        published=True,
        date__gt=OuterRef("date"),
    )
    rows = ScanSession.objects.filter(~Exists(later), published=True).order_by("market", "scanner_version__slug")
    return list(rows.values_list("market", "scanner_version__slug", "ranked"))


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()
