"""Every read of runs, of what they published and of signals that faces may use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, QuerySet

from marketdata.web.prepared import PreparedStatement
from scans.models import (
    ScannerVersion,
    ScanRank,
    ScanRun,
    ScanSession,
    Signal,
    SignalStatus,
    Status,
)

MARKED = ("rank", "score", "label", "strategy")
MARKS = PreparedStatement(
    lambda market, code, first, last: (
        ScanRank.objects.filter(market=market, code=code, date__gte=first, date__lte=last, published=True)
        .order_by("date", "scanner_version__slug")
        .values_list("date", "scanner_version__slug", *MARKED)
    ),
    "market",
    "code",
    date(1, 1, 1),
    date(1, 1, 2),
)
OPEN = (SignalStatus.WAITING, SignalStatus.OPEN)


class NoSession(LookupError):
    """Nothing is published for that day; `before` and `after` are the nearest days that something is published for."""

    def __init__(self, message: str, before: date | None = None, after: date | None = None) -> None:
        super().__init__(message)
        self.before = before
        self.after = after


def published_sessions(market: str, version: ScannerVersion) -> QuerySet[ScanSession]:
    """The published sessions of a version."""
    return ScanSession.objects.filter(market=market, version=version, published=True)


def published_session(market: str, version: ScannerVersion, day: date | None) -> ScanSession:
    """The published session of that day with its run and version, the latest where `day` is None, marked `has_later`;
    `NoSession` where there is none."""
    rows = _marked(published_sessions(market, version))
    found = (rows.filter(date=day) if day else rows.order_by("-date")).first()
    if found:
        return found
    if day is None:
        raise NoSession(
            f"Version {version.slug} has published nothing on market {market} yet: "
            f"`manage.py run_scan --version {version.slug} --market {market}` scans its last session."
        )
    raise no_session_error(market, version, day)


def trusted_session(market: str, key: int) -> ScanSession | None:
    """One answer by its key, marked the same, whether it is still the published one or not; no quarantined one."""
    trusted = ScanSession.objects.exclude(status=Status.QUARANTINED)
    return _marked(trusted.filter(market=market, pk=key)).first()


def _marked(rows: QuerySet[ScanSession]) -> QuerySet[ScanSession]:
    """With run and version, and `has_later`: whether the version has published a later session."""
    later = ScanSession.objects.filter(
        market=OuterRef("market"),
        version=OuterRef("version"),
        published=True,
        date__gt=OuterRef("date"),
    )
    return rows.select_related("run", "version").annotate(has_later=Exists(later))


def no_session_error(market: str, version: ScannerVersion, day: date) -> NoSession:
    """What to say of a day without a published session."""
    dates = published_sessions(market, version).values_list("date", flat=True)
    before = dates.filter(date__lt=day).order_by("-date").first()
    after = dates.filter(date__gt=day).order_by("date").first()
    near = " and ".join(str(one) for one in (before, after) if one)
    told = f"the nearest with one: {near}" if near else "it has published none at all"
    return NoSession(f"Version {version.slug} has no run on market {market} for {day}; {told}.", before, after)


def session_ranks(
    found: ScanSession,
    *,
    min_score: float | None = None,
    **exactly: str,
) -> QuerySet[ScanRank]:
    """What was picked on a session; `exactly` are a segment, label or strategy."""
    mine = ScanRank.objects.filter(session=found, **exactly)
    return mine if min_score is None else mine.filter(score__gte=min_score)


def market_runs(market: str) -> QuerySet[ScanRun]:
    """The runs of a market, whatever became of them."""
    return ScanRun.objects.filter(market=market).select_related("version")


def instrument_picks(market: str, code: str, *, since: date | None = None) -> QuerySet[ScanRank]:
    """The published picks of one instrument, the newest first; `since` a day where one is given."""
    mine = ScanRank.objects.filter(market=market, code=code, published=True)
    mine = mine.filter(date__gte=since) if since else mine
    return mine.select_related("scanner_version").order_by("-date", "scanner_version__slug")


def chart_marks(market: str, code: str, first: date, last: date) -> list[dict[str, Any]]:
    """The published picks of one instrument from `first` to `last`, ascending, as what a chart says of them."""
    return [
        {"date": str(day), "scanner_version": version, **dict(zip(MARKED, told, strict=True))}
        for day, version, *told in MARKS.rows(market, code, first, last)
    ]


def market_signals(market: str) -> QuerySet[Signal]:
    """The signals of published picks."""
    return Signal.objects.filter(market=market, rank__published=True)


@dataclass(frozen=True, slots=True)
class PickChanges:
    """Two consecutive published sessions of a version and the picks that changed. `before` is None on the first."""

    now: ScanSession
    before: ScanSession | None
    entered: list[ScanRank]
    left: list[ScanRank]
    moved: list[tuple[ScanRank, int]]
    """The pick and the rank it had before."""


def pick_changes(market: str, version: ScannerVersion, day: date | None) -> PickChanges:
    """What entered, left and moved from the published session before to that of `day` (None: the latest)."""
    mine = published_sessions(market, version).select_related("run", "version").order_by("-date")
    two = list((mine.filter(date__lte=day) if day else mine)[:2])
    if not two:
        raise (
            no_session_error(market, version, day)
            if day
            else NoSession(
                f"Version {version.slug} has published nothing on market {market} yet: "
                f"`manage.py run_scan --version {version.slug} --market {market}` scans its last session."
            )
        )
    if day and two[0].date != day:
        raise no_session_error(market, version, day)
    return compare_sessions(two[0], two[1] if len(two) > 1 else None)


def changes_of_session(now: ScanSession) -> PickChanges:
    """The same for any session, published or not, against the published one before it of the same version."""
    mine = published_sessions(now.market, now.version).filter(date__lt=now.date)
    return compare_sessions(now, mine.select_related("run", "version").order_by("-date").first())


def compare_sessions(now: ScanSession, before: ScanSession | None) -> PickChanges:
    """What entered, left and moved from `before` to `now`."""
    two = [one for one in (now, before) if one]
    picked: dict[int, dict[str, ScanRank]] = {one.pk: {} for one in two}
    for row in ScanRank.objects.filter(session__in=two).order_by("rank", "code"):
        picked[row.session_id][row.code] = row
    new, old = picked[now.pk], picked[before.pk] if before else {}
    return PickChanges(
        now=now,
        before=before,
        entered=[row for code, row in new.items() if code not in old],
        left=[row for code, row in old.items() if code not in new],
        moved=[(row, old[code].rank) for code, row in new.items() if code in old and old[code].rank != row.rank],
    )


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The published sessions of several versions on one day, and code -> version's slug -> its pick; the codes that
    most versions picked first, then by their best rank."""

    date: date
    sessions: list[ScanSession]
    rows: dict[str, dict[str, ScanRank]]


def side_by_side(market: str, versions: Sequence[ScannerVersion], day: date | None) -> SideBySide:
    """`versions` on `day`, or on the latest day that all of them have; `NoSession` names the first that lacks it."""
    mine = ScanSession.objects.filter(market=market, version__in=versions, published=True)
    if day is None:
        day = _latest_in_common(mine, versions)
    if day is None:
        told = ", ".join(version.slug for version in versions)
        raise NoSession(f"Versions {told} have no published session of market {market} in common.")
    found = {row.version_id: row for row in mine.filter(date=day).select_related("version", "run")}
    for version in versions:
        if version.pk not in found:
            raise no_session_error(market, version, day)
    sessions = [found[version.pk] for version in versions]
    slug = {row.pk: row.version.slug for row in sessions}
    rows: dict[str, dict[str, ScanRank]] = {}
    for row in ScanRank.objects.filter(session__in=sessions).order_by("rank", "code"):
        rows.setdefault(row.code, {})[slug[row.session_id]] = row
    order = sorted(rows, key=lambda code: (-len(rows[code]), _best(rows[code]), code))
    return SideBySide(day, sessions, {code: rows[code] for code in order})


def _best(picks: dict[str, ScanRank]) -> int:
    return min(row.rank for row in picks.values())


def _latest_in_common(mine: QuerySet[ScanSession], versions: Sequence[ScannerVersion]) -> date | None:
    """A day on which every version has a session; each has at most one published a day."""
    days = mine.filter(version=versions[0])
    for version in versions[1:]:
        days = days.filter(Exists(mine.filter(version=version, date=OuterRef("date")).values("pk")))
    latest: date | None = days.aggregate(latest=Max(F("date")))["latest"]
    return latest
