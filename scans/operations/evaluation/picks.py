"""Where picks to be judged come from: published ranks, or a scan made on the fly that publishes nothing.

Published picks carry the segments, limits and engine they were made with, so the market they are judged against is the
one they were picked from, whatever the version says today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from marketdata.errors import DataProblem
from marketdata.record import Days
from scans.engines import engine_params
from scans.engines.base import get_requirements
from scans.engines.registry import get_engine
from scans.models import ScannerVersion, ScanRank, ScanRun, ScanSession
from scans.operations.scan import run as running
from scans.operations.scan.answers import QUARANTINED, Scan

PUBLISHED, FLY = "published", "fly"
SOURCES = (PUBLISHED, FLY)


class NoRuns(DataProblem):
    """The version has nothing published in the range; `said` is that alone, without what to do on a command line."""

    def __init__(self, said: str, advice: str) -> None:
        super().__init__(f"{said}: {advice}")
        self.said = f"{said}."


class VersionFailed(DataProblem):
    """The version could not be run on the fly."""


@dataclass(frozen=True, slots=True)
class EligibilityRule:
    """Who could be picked: segments, the limit of some of them, sessions since the first bar."""

    segments: tuple[str, ...]
    limits: tuple[tuple[str, int], ...]
    min_bars: int


@dataclass(frozen=True, slots=True)
class VersionPicks:
    """A version's picks: sessions (S,) it answered, ascending, each under rules[rule] (S,); and for each pick, best
    first within a session, date, code, strategy and label, (P,)."""

    version: str
    sessions: Days
    rules: tuple[EligibilityRule, ...]
    rule: NDArray[np.intp]
    date: Days
    code: NDArray[np.str_]
    strategy: NDArray[np.str_]
    label: NDArray[np.str_]


def published_picks(market: str, version: ScannerVersion, asked: Days) -> VersionPicks:
    """What `version` has published on the sessions `asked`; NoRuns where that is nothing."""
    mine = {
        "market": market,
        "published": True,
        "date__range": (asked[0].item(), asked[-1].item()),
    }
    answered = list(ScanSession.objects.filter(version=version, **mine).order_by("date").values_list("date", "run_id"))
    if not answered:
        raise no_runs_error(market, version.slug, asked)
    runs = ScanRun.objects.in_bulk({run for _, run in answered})
    rules = {pk: _rule(run) for pk, run in runs.items()}
    rows = (
        ScanRank.objects.filter(scanner_version=version, **mine)
        .order_by("date", "rank")
        .values_list("date", "code", "strategy", "label")
    )
    return _picked(version.slug, [(day, rules[run]) for day, run in answered], list(rows))


def no_runs_error(market: str, slug: str, asked: Days) -> NoRuns:
    """What to say of a version that has nothing published on the sessions `asked`."""
    return NoRuns(
        f"Version {slug} has no published runs of market {market} from {asked[0]} to {asked[-1]}",
        f"run `manage.py run_scan --version {slug} --market {market} --from {asked[0]} --to {asked[-1]}`, or "
        "judge it with --source fly.",
    )


def scan_picks(market: str, versions: Sequence[ScannerVersion], asked: Days, as_of: datetime) -> list[VersionPicks]:
    """What `versions` pick on the sessions `asked`; VersionFailed where one cannot be run."""
    request = running.RunRequest(
        market=market,
        as_of=as_of,
        versions=[version.slug for version in versions],
        first=asked[0].item(),
        last=asked[-1].item(),
        save=False,
    )
    return [_scanned(scan) for scan in running.run_scan(request)]


def _scanned(scan: Scan) -> VersionPicks:
    if scan.error:
        raise VersionFailed(f"Version {scan.error}")
    task = scan.task
    rule = EligibilityRule(task.segments, tuple(sorted(task.limits.items())), task.requirements.min_bars)
    good = [answer for answer in scan.answers if answer.status != QUARANTINED]
    rows = [(answer.date, row["code"], row["strategy"], row["label"]) for answer in good for row in answer.ranks]
    return _picked(scan.version.slug, [(answer.date, rule) for answer in good], rows)


def _rule(run: ScanRun) -> EligibilityRule:
    """As the run recorded it."""
    chosen = dict(run.params)
    segments, limits = chosen.pop("segments"), chosen.pop("limits")
    chosen.pop("top", None)
    made = get_engine(run.engine)
    bars = get_requirements(made, engine_params.read(made.Params, chosen)).min_bars
    return EligibilityRule(tuple(segments), tuple(sorted(limits.items())), bars)


def _picked(
    version: str,
    answered: Sequence[tuple[date | str, EligibilityRule]],
    rows: Sequence[tuple[date | str, str, str, str]],
) -> VersionPicks:
    rules = tuple(dict.fromkeys(rule for _, rule in answered))
    number = {rule: n for n, rule in enumerate(rules)}
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    return VersionPicks(
        version=version,
        sessions=np.array([day for day, _ in answered], dtype="datetime64[D]"),
        rules=rules,
        rule=np.array([number[rule] for _, rule in answered], dtype=np.intp),
        date=np.array(columns[0], dtype="datetime64[D]"),
        code=np.array(columns[1], dtype=np.str_),
        strategy=np.array(columns[2], dtype=np.str_),
        label=np.array(columns[3], dtype=np.str_),
    )
