"""Picks to be judged: published ranks, or a scan on the fly that publishes nothing.

Published picks have the segments, limits and engine of their run, so that they are judged against the market that they
were picked from, even if the version has changed since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from marketdata.errors import DataProblem
from marketdata.record import Days
from scans.engines import engine_params
from scans.engines.base import get_requirements
from scans.engines.registry import get_engine
from scans.models import Reading, ScannerVersion, ScanRank, ScanRun, ScanSession
from scans.operations.scan.answers import QUARANTINED, Scan
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries.settling import reading_filter

PUBLISHED, FLY = "published", "fly"
SOURCES = (PUBLISHED, FLY)


class NoRuns(DataProblem):
    """The version has nothing published in the range; `statement` says so without the advice for the command line."""

    def __init__(self, statement: str, advice: str) -> None:
        super().__init__(f"{statement}: {advice}")
        self.statement = f"{statement}."


class VersionFailed(DataProblem):
    """The version could not be run on the fly."""


@dataclass(frozen=True, slots=True)
class EligibilityRule:
    """The rule of eligibility: segments, limits of segments, fewest sessions since the first bar."""

    segments: tuple[str, ...]
    limits: tuple[tuple[str, int], ...]
    min_bars: int


@dataclass(frozen=True, slots=True)
class VersionPicks:
    """A version's picks: the answered sessions (S,), ascending, each with rules[rule] (S,) and the moment at which its
    run began (S,) in UTC (NaT: just now); date, code, strategy, label and score (P,) of each pick, best first within a
    session."""

    version: str
    sessions: Days
    rules: tuple[EligibilityRule, ...]
    rule: NDArray[np.intp]
    began: NDArray[np.datetime64]
    date: Days
    code: NDArray[np.str_]
    strategy: NDArray[np.str_]
    label: NDArray[np.str_]
    score: NDArray[np.float64]


def published_picks(market: str, version: ScannerVersion, days: Days) -> VersionPicks:
    """The published picks of `version` on the sessions `days` whose bars no longer change; NoRuns if there are none."""
    filters = {"market": market, "published": True, "date__range": (days[0].item(), days[-1].item())}
    answers = ScanSession.objects.filter(scanner_version=version, **filters)
    sessions = list(answers.filter(reading_filter(Reading.SETTLED)).order_by("date").values_list("date", "run_id"))
    provisional = list(answers.filter(reading_filter(Reading.PROVISIONAL)).values_list("date", flat=True))
    if not sessions:
        raise no_runs_error(market, version.slug, days)
    runs = ScanRun.objects.in_bulk({run for _, run in sessions})
    rules = {pk: _rule(run) for pk, run in runs.items()}
    rows = (
        ScanRank.objects.filter(scanner_version=version, **filters)
        .exclude(date__in=provisional)
        .order_by("date", "rank")
        .values_list("date", "code", "strategy", "label", "score")
    )
    began = [runs[run].started_at.astimezone(UTC).replace(tzinfo=None) for _, run in sessions]
    return _version_picks(version.slug, [(day, rules[run]) for day, run in sessions], list(rows), began)


def no_runs_error(market: str, slug: str, days: Days) -> NoRuns:
    """The error for a version that has nothing published on the sessions `days`."""
    return NoRuns(
        f"Version {slug} has no published runs of market {market} from {days[0]} to {days[-1]}",
        f"run `manage.py run_scan --version {slug} --market {market} --from {days[0]} --to {days[-1]}`, or "
        "judge it with --source fly.",
    )


def scan_picks(market: str, versions: Sequence[ScannerVersion], days: Days, as_of: datetime) -> list[VersionPicks]:
    """The picks of a scan of `versions` on the sessions `days`; VersionFailed if one fails."""
    request = RunRequest(
        market=market,
        as_of=as_of,
        versions=[version.slug for version in versions],
        first=days[0].item(),
        last=days[-1].item(),
        save=False,
    )
    return [_picks_of_scan(scan) for scan in run_scan(request)]


def _picks_of_scan(scan: Scan) -> VersionPicks:
    if scan.error:
        raise VersionFailed(f"Version {scan.error}")
    task = scan.task
    rule = EligibilityRule(task.segments, tuple(sorted(task.limits.items())), task.requirements.min_bars)
    good = [answer for answer in scan.answers if answer.status != QUARANTINED]
    rows = [
        (answer.date, row["code"], row["strategy"], row["label"], row["score"])
        for answer in good
        for row in answer.ranks
    ]
    return _version_picks(scan.version.slug, [(answer.date, rule) for answer in good], rows, [None] * len(good))


def _rule(run: ScanRun) -> EligibilityRule:
    """The rule of eligibility that the run recorded."""
    chosen = dict(run.params)
    segments, limits = chosen.pop("segments"), chosen.pop("limits")
    chosen.pop("top", None)
    engine = get_engine(run.engine)
    bars = get_requirements(engine, engine_params.read(engine.Params, chosen)).min_bars
    return EligibilityRule(tuple(segments), tuple(sorted(limits.items())), bars)


def _version_picks(
    version: str,
    sessions: Sequence[tuple[date | str, EligibilityRule]],
    rows: Sequence[tuple[date | str, str, str, str, float]],
    began: Sequence[datetime | None],
) -> VersionPicks:
    rules = tuple(dict.fromkeys(rule for _, rule in sessions))
    number = {rule: n for n, rule in enumerate(rules)}
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    return VersionPicks(
        version=version,
        sessions=np.array([day for day, _ in sessions], dtype="datetime64[D]"),
        rules=rules,
        rule=np.array([number[rule] for _, rule in sessions], dtype=np.intp),
        began=np.array(began, dtype="datetime64[s]"),
        date=np.array(columns[0], dtype="datetime64[D]"),
        code=np.array(columns[1], dtype=np.str_),
        strategy=np.array(columns[2], dtype=np.str_),
        label=np.array(columns[3], dtype=np.str_),
        score=np.array(columns[4], dtype=np.float64),
    )
