"""Summary of a market's evening: the new, continued and dropped picks of every version, and the day's entries and exits
of signals. The page and the API show the same rows.

1. The published session of the day, and the published one before it, of each version, with the days before and after
   that have any (one query).
2. The picks of both with their signals, and those whose signal was entered or ended on the day (one query): new, stayed
   and dropped are differences of their sets of codes.
3. The calendar, the adjusted closes of the last `SPARK` sessions of these instruments and their investor flow (one
   query each).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db.models import F, Q, Subquery, Value, Window
from django.db.models.functions import RowNumber

from marketdata.queries.closes import CloseSeries, get_closes
from marketdata.queries.flows import FlowFigures, get_flow_figures
from marketdata.queries.market_calendar import get_sessions
from scans.models import ScannerVersion, ScanRank, ScanSession, Signal
from scans.queries.settling import EVENING, evening_answers

SPARK = 60
"""Sessions of a sparkline."""
FIRST = ("v2", "v3")
"""These versions come first."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A rank in a list. `rank_before`: None for a new pick. `exit_reason` of a dropped pick: the status of its signal,
    "" if the version no longer picks it."""

    rank: ScanRank
    rank_before: int | None = None
    exit_reason: str = ""

    @property
    def moved_by(self) -> int | None:
        """Places gained since the session before; None for a new pick."""
        return None if self.rank_before is None else self.rank_before - self.rank.rank


@dataclass(frozen=True, slots=True)
class VersionEvening:
    """A version on one session. `session`: None if it published none for the day; `before`: its previous published
    session."""

    version: ScannerVersion
    session: ScanSession | None
    before: ScanSession | None
    new: Sequence[Pick] = ()
    stayed: Sequence[Pick] = ()
    dropped: Sequence[Pick] = ()

    @property
    def listed(self) -> int:
        return len(self.new) + len(self.stayed)


@dataclass(frozen=True, slots=True)
class EveningSummary:
    """The evening of `session_date`: its versions, v2 and v3 first, and the signals with an entry or exit on that
    day."""

    market: str
    session_date: date
    previous: date | None
    next: date | None
    versions: Sequence[VersionEvening]
    signals: Sequence[Signal]
    closes: Mapping[str, CloseSeries] = field(default_factory=dict)
    flows: Mapping[tuple[str, date], FlowFigures] = field(default_factory=dict)


def evening_summary(market: str, day: date | None, reading: str = "") -> EveningSummary | None:
    """The summary of `day` (None: the latest published day); None if nothing is published. `reading` "evening": of the
    answers of the evening, from bars that could still change, where there are any."""
    rows = _two_latest(market, day)
    day = day or max((row.date for row in rows), default=None)
    if day is None or not any(row.date == day for row in rows):
        return None
    if reading == EVENING:
        rows = _of_evening(market, rows, day)
    picks, moved = _picks(market, rows, day)
    exits = {(signal.scanner_version_id, signal.code): signal.status for signal in moved if signal.exit_on == day}
    versions = [_version_evening(version, day, picks, exits) for version in _by_version(rows)]
    versions.sort(
        key=lambda version: (version.session is None, _sort_position(version.version.slug), version.version.slug)
    )
    codes = {pick.rank.code for version in versions for pick in (*version.new, *version.stayed, *version.dropped)}
    codes |= {signal.code for signal in moved}
    calendar = get_sessions(market)
    return EveningSummary(
        market=market,
        session_date=day,
        previous=rows[0].previous,  # type: ignore[attr-defined]
        next=rows[0].next,  # type: ignore[attr-defined]
        versions=versions,
        signals=moved,
        closes=get_closes(market, codes, day, SPARK, calendar=calendar),
        flows=get_flow_figures(market, {(code, day) for code in codes}, calendar),
    )


def _two_latest(market: str, day: date | None) -> list[ScanSession]:
    """Each version's two latest published sessions up to `day`, annotated with the days before and after it that have a
    published session of any version."""
    published = ScanSession.objects.filter(market=market, published=True)
    latest = Subquery(published.order_by("-date").values("date")[:1]) if day is None else Value(day)
    order = Window(RowNumber(), partition_by=F("scanner_version"), order_by=F("date").desc())
    two = published.filter(date__lte=latest).annotate(place=order).filter(place__lte=2).values("pk")
    sessions = ScanSession.objects.filter(pk__in=two).select_related("scanner_version", "run")
    sessions = sessions.annotate(
        previous=Subquery(published.filter(date__lt=latest).order_by("-date").values("date")[:1]),
        next=Subquery(published.filter(date__gt=latest).order_by("date").values("date")[:1]),
    )
    return list(sessions.order_by("scanner_version__slug", "-date"))


def _of_evening(market: str, rows: Sequence[ScanSession], day: date) -> list[ScanSession]:
    """`rows` with the evening's answers of `day` in the place of those that replaced them."""
    answers = evening_answers(market, [row.scanner_version for row in rows if row.date == day], [day])
    result = []
    for row in rows:
        answer = answers.get(row.scanner_version_id) if row.date == day else None
        if answer:
            answer.previous, answer.next = row.previous, row.next  # type: ignore[attr-defined]
        result.append(answer or row)
    return result


def _by_version(rows: Iterable[ScanSession]) -> list[list[ScanSession]]:
    rows_of_version: dict[int, list[ScanSession]] = {}
    for row in rows:
        rows_of_version.setdefault(row.scanner_version_id, []).append(row)
    return list(rows_of_version.values())


def _picks(market: str, rows: Sequence[ScanSession], day: date) -> tuple[dict[int, list[ScanRank]], list[Signal]]:
    """Key of a session -> its ranks in order, with their signals; and the signals with an entry or exit on `day`."""
    ranks_of_session: dict[int, list[ScanRank]] = {row.pk: [] for row in rows}
    ranks = ScanRank.objects.order_by().values("pk")
    moved = Signal.objects.filter(Q(entered_on=day) | Q(exit_on=day), market=market, rank__published=True).order_by()
    keys = ranks.filter(session__in=ranks_of_session).union(moved.values("rank"))
    signals = []
    for rank in (
        ScanRank.objects.filter(pk__in=keys).select_related("signal", "scanner_version").order_by("rank", "code")
    ):
        if rank.session_id in ranks_of_session:
            ranks_of_session[rank.session_id].append(rank)
        signal: Signal | None = getattr(rank, "signal", None)
        if signal and day in (signal.entered_on, signal.exit_on):
            signal.rank, signal.scanner_version = rank, rank.scanner_version
            signals.append(signal)
    signals.sort(key=lambda signal: (signal.status, signal.code, signal.pk))
    return ranks_of_session, signals


def _version_evening(
    rows: Sequence[ScanSession],
    day: date,
    picks: Mapping[int, Sequence[ScanRank]],
    exits: Mapping[tuple[int, str], str],
) -> VersionEvening:
    now = rows[0] if rows[0].date == day else None
    before = (rows[1] if len(rows) > 1 else None) if now else rows[0]
    if now is None:
        return VersionEvening(rows[0].scanner_version, None, before)
    current = {rank.code: rank for rank in picks[now.pk]}
    earlier = {rank.code: rank for rank in picks[before.pk]} if before else {}
    return VersionEvening(
        version=now.scanner_version,
        session=now,
        before=before,
        new=[Pick(rank) for code, rank in current.items() if code not in earlier],
        stayed=[Pick(rank, earlier[code].rank) for code, rank in current.items() if code in earlier],
        dropped=[
            Pick(rank, rank.rank, exits.get((now.scanner_version_id, code), ""))
            for code, rank in earlier.items()
            if code not in current
        ],
    )


def _sort_position(slug: str) -> int:
    return FIRST.index(slug) if slug in FIRST else len(FIRST)
