"""Queries of runs, published sessions, ranks and signals, for every face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, QuerySet, Subquery

from marketdata.web.prepared import PreparedStatement
from scans.models import ScannerVersion, ScanRank, ScanRun, ScanSession, Signal, SignalStatus, Status

MARK_FIELDS = ("rank", "score", "label", "strategy")
OUTCOME_FIELDS = ("signal__status", "signal__return_pct", "signal__exit_on")
MARK_QUERY = PreparedStatement(
    lambda market, code, first, last: (
        ScanRank.objects.filter(market=market, code=code, date__gte=first, date__lte=last, published=True)
        .order_by("date", "scanner_version__slug")
        .values_list("date", "scanner_version__slug", *OUTCOME_FIELDS, *MARK_FIELDS)
    ),
    "market",
    "code",
    date(1, 1, 1),
    date(1, 1, 2),
)
OPEN = (SignalStatus.WAITING, SignalStatus.OPEN)


class NoSession(LookupError):
    """Nothing is published for that day; `before` and `after` are the nearest days with a published session."""

    def __init__(self, message: str, before: date | None = None, after: date | None = None) -> None:
        super().__init__(message)
        self.before = before
        self.after = after


def published_sessions(market: str, version: ScannerVersion) -> QuerySet[ScanSession]:
    """The published sessions of a version."""
    return ScanSession.objects.filter(market=market, scanner_version=version, published=True)


def published_answers(market: str, versions: Sequence[ScannerVersion]) -> QuerySet[ScanSession]:
    """The published sessions of several versions, with their versions and runs."""
    rows = ScanSession.objects.filter(market=market, scanner_version__in=versions, published=True)
    return rows.select_related("scanner_version", "run")


def published_session(market: str, version: ScannerVersion, day: date | None) -> ScanSession:
    """The published session of `day` (None: the latest) with its run and version, annotated with `has_later`; NoSession
    if there is none."""
    rows = _with_has_later(published_sessions(market, version))
    session = (rows.filter(date=day) if day else rows.order_by("-date")).first()
    if session:
        return session
    if day is None:
        raise NoSession(
            f"Version {version.slug} has published nothing on market {market} yet: "
            f"`manage.py run_scan --version {version.slug} --market {market}` scans its last session."
        )
    raise no_session_error(market, version, day)


def evening_session(market: str, version: ScannerVersion, day: date | None) -> ScanSession:
    """The answer of the evening of `day` (None: the latest), from bars that could still change, published or replaced;
    annotated the same. NoSession if there is none."""
    rows = ScanSession.objects.filter(market=market, scanner_version=version, read_at__isnull=False)
    rows = rows.exclude(status=Status.QUARANTINED)
    session = _with_has_later(rows.filter(date=day) if day else rows).order_by("-date", "-pk").first()
    if session is None:
        when = f"for {day}" if day else "yet"
        raise NoSession(f"Version {version.slug} has no provisional answer on market {market} {when}.")
    return session


def trusted_session(market: str, key: int) -> ScanSession | None:
    """The session of that key, published or replaced, annotated the same; None if there is none or it is
    quarantined."""
    trusted = ScanSession.objects.exclude(status=Status.QUARANTINED)
    return _with_has_later(trusted.filter(market=market, pk=key)).first()


def _with_has_later(rows: QuerySet[ScanSession]) -> QuerySet[ScanSession]:
    """Adds run and version, and `has_later`: whether the version has published a later session."""
    later = ScanSession.objects.filter(
        market=OuterRef("market"),
        scanner_version=OuterRef("scanner_version"),
        published=True,
        date__gt=OuterRef("date"),
    )
    return rows.select_related("run", "scanner_version").annotate(has_later=Exists(later))


def no_session_error(market: str, version: ScannerVersion, day: date) -> NoSession:
    """The error for a day without a published session, which names the nearest ones."""
    dates = published_sessions(market, version).values_list("date", flat=True)
    before = dates.filter(date__lt=day).order_by("-date").first()
    after = dates.filter(date__gt=day).order_by("date").first()
    near = " and ".join(str(day_with_answer) for day_with_answer in (before, after) if day_with_answer)
    nearest = f"the nearest with one: {near}" if near else "it has published none at all"
    return NoSession(f"Version {version.slug} has no run on market {market} for {day}; {nearest}.", before, after)


def session_ranks(session: ScanSession, *, min_score: float | None = None, **exactly: str) -> QuerySet[ScanRank]:
    """The ranks of a session; `exactly`: filters by segment, label or strategy."""
    rows = ScanRank.objects.filter(session=session, **exactly)
    return rows if min_score is None else rows.filter(score__gte=min_score)


def market_runs(market: str) -> QuerySet[ScanRun]:
    """The runs of a market, failed ones included."""
    return ScanRun.objects.filter(market=market).select_related("scanner_version")


def instrument_picks(market: str, code: str | Subquery, *, since: date | None = None) -> QuerySet[ScanRank]:
    """The published picks of one instrument, the newest first; `since`: the earliest day."""
    rows = ScanRank.objects.filter(market=market, code=code, published=True)
    rows = rows.filter(date__gte=since) if since else rows
    return rows.select_related("scanner_version", "session").order_by("-date", "scanner_version__slug")


def published_markets() -> list[str]:
    """The markets with published sessions."""
    rows = ScanSession.objects.filter(published=True).order_by("market")
    return list(rows.values_list("market", flat=True).distinct())


def latest_picks(market: str) -> list[tuple[str, str, date]]:
    """Code, version and session of every pick of the latest published session, by rank (one query)."""
    published = ScanSession.objects.filter(market=market, published=True)
    latest = published.order_by("-date").values("date")[:1]
    rows = ScanRank.objects.filter(session__in=published.filter(date=latest)).order_by("rank", "scanner_version__slug")
    return list(rows.values_list("code", "scanner_version__slug", "date"))


def chart_marks(market: str, code: str, first: date, last: date) -> list[dict[str, Any]]:
    """The marks of a chart: the published picks of one instrument from `first` to `last`, ascending."""
    return [
        {
            "date": str(day),
            "scanner_version": version,
            **dict(zip(MARK_FIELDS, values, strict=True)),
            "outcome": status and {"status": status, "return_pct": return_pct, "exit_on": exit_on and str(exit_on)},
        }
        for day, version, status, return_pct, exit_on, *values in MARK_QUERY.rows(market, code, first, last)
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
    """The changes of picks from the previous published session to that of `day` (None: the latest)."""
    published = published_sessions(market, version).select_related("run", "scanner_version").order_by("-date")
    latest_two = list((published.filter(date__lte=day) if day else published)[:2])
    if not latest_two:
        raise (
            no_session_error(market, version, day)
            if day
            else NoSession(
                f"Version {version.slug} has published nothing on market {market} yet: "
                f"`manage.py run_scan --version {version.slug} --market {market}` scans its last session."
            )
        )
    if day and latest_two[0].date != day:
        raise no_session_error(market, version, day)
    return compare_sessions(latest_two[0], latest_two[1] if len(latest_two) > 1 else None)


def changes_of_session(now: ScanSession) -> PickChanges:
    """The changes of picks from the version's previous published session to `now`, published or not."""
    published = published_sessions(now.market, now.scanner_version).filter(date__lt=now.date)
    return compare_sessions(now, published.select_related("run", "scanner_version").order_by("-date").first())


def compare_sessions(now: ScanSession, before: ScanSession | None) -> PickChanges:
    """The picks that entered, left and changed rank from `before` to `now`."""
    sessions = [session for session in (now, before) if session]
    picked: dict[int, dict[str, ScanRank]] = {session.pk: {} for session in sessions}
    for row in ScanRank.objects.filter(session__in=sessions).order_by("rank", "code"):
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
    """The published sessions of several versions on one day, and code -> slug -> pick; codes of most versions first,
    then by their best rank."""

    date: date
    sessions: list[ScanSession]
    rows: dict[str, dict[str, ScanRank]]


def side_by_side(market: str, versions: Sequence[ScannerVersion], day: date | None) -> SideBySide:
    """`versions` on `day` (None: the latest day of all of them); NoSession names the first that lacks it."""
    published = ScanSession.objects.filter(market=market, scanner_version__in=versions, published=True)
    if day is None:
        day = _latest_in_common(published, versions)
    if day is None:
        slugs = ", ".join(version.slug for version in versions)
        raise NoSession(f"Versions {slugs} have no published session of market {market} in common.")
    session_of_version = {
        row.scanner_version_id: row for row in published.filter(date=day).select_related("scanner_version", "run")
    }
    for version in versions:
        if version.pk not in session_of_version:
            raise no_session_error(market, version, day)
    sessions = [session_of_version[version.pk] for version in versions]
    slug = {row.pk: row.scanner_version.slug for row in sessions}
    rows: dict[str, dict[str, ScanRank]] = {}
    for row in ScanRank.objects.filter(session__in=sessions).order_by("rank", "code"):
        rows.setdefault(row.code, {})[slug[row.session_id]] = row
    order = sorted(rows, key=lambda code: (-len(rows[code]), _best(rows[code]), code))
    return SideBySide(day, sessions, {code: rows[code] for code in order})


def _best(picks: dict[str, ScanRank]) -> int:
    return min(row.rank for row in picks.values())


def _latest_in_common(published: QuerySet[ScanSession], versions: Sequence[ScannerVersion]) -> date | None:
    """The latest day on which every version has a session."""
    days = published.filter(scanner_version=versions[0])
    for version in versions[1:]:
        days = days.filter(Exists(published.filter(scanner_version=version, date=OuterRef("date")).values("pk")))
    latest: date | None = days.aggregate(latest=Max(F("date")))["latest"]
    return latest
