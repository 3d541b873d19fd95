"""Summary of a market's evening: the new, continued and dropped picks of every version, and the day's entries and exits
of signals. The page and the API show the same rows.

1. The published session of the day, and the published one before it, of each version, with the days before and after
   that have any; the picks of both with their signals, and those whose signal was entered or ended on the day: new,
   stayed and dropped are differences of their sets of codes; the calendar. One query.
2. The investor flow of these instruments, and what the last scan before the close had of the versions. One query.
3. Their adjusted closes of the last `SPARK` sessions, in a query of their own: thousands of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.db.models import F, Q, QuerySet, Subquery, Value, Window
from django.db.models.functions import RowNumber

from marketdata.joint_queries import evaluate_together, reuse_queries
from marketdata.queries.closes import CloseSeries, get_closes
from marketdata.queries.flows import FlowFigures, flow_rows, make_flow_figures
from marketdata.queries.market_calendar import get_overrides, make_calendars
from scans.models import PrecloseAnswer, ScannerVersion, ScanRank, ScanSession, Signal
from scans.queries.preclose import PrecloseHits, preclose_hits, session_answers
from scans.queries.settling import EVENING, provisional_answers

SPARK = 60
"""Sessions of a sparkline."""
UNUSED = tuple(f"scanner_version__{name}" for name in ("params", "segments", "limits"))
"""JSON of the versions, which no row needs: to parse it for each took longer than to read the rows."""
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
    session; `preclose_hits`: how many of its picks before the close are in the list."""

    version: ScannerVersion
    session: ScanSession | None
    before: ScanSession | None
    new: Sequence[Pick] = ()
    stayed: Sequence[Pick] = ()
    dropped: Sequence[Pick] = ()
    preclose_hits: PrecloseHits | None = None

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


Further = Callable[[Sequence[ScanSession]], Iterable[QuerySet[Any, Any]]]
"""The latest sessions of the versions -> query sets that belong to them."""


def evening_summary(
    market: str,
    day: date | None,
    reading: str = "",
    *,
    others: Iterable[QuerySet[Any, Any]] = (),
    further: Further = lambda _: (),
    deferred: Sequence[str] = (),
) -> EveningSummary | None:
    """The summary of `day` (None: the latest published day); None if nothing is published. `reading` "evening": of the
    answers of the evening, from bars that could still change, where there are any. Its first query evaluates `others`
    too, its second one what `further` returns. `deferred`: fields of the ranks that the caller does not show."""
    key = ("evening", market, day, reading, tuple(deferred))
    queries = reuse_queries(key, lambda: _EveningQueries(market, day, reading, deferred))
    evaluate_together(*queries.query_sets, *others)
    rows: list[ScanSession] = list(queries.sessions)
    day = day or max((row.date for row in rows), default=None)
    if day is None or not any(row.date == day for row in rows):
        return None
    rows = _of_evening(rows, {row.scanner_version_id: row for row in queries.answers}, day)
    picks, moved = _picks(rows, queries, day)
    exits = {(signal.scanner_version_id, signal.code): signal.status for signal in moved if signal.exit_on == day}
    versions = [_version_evening(version, day, picks, exits) for version in _by_version(rows)]
    versions.sort(
        key=lambda version: (version.session is None, _sort_position(version.version.slug), version.version.slug)
    )
    codes = {pick.rank.code for version in versions for pick in (*version.new, *version.stayed, *version.dropped)}
    codes |= {signal.code for signal in moved}
    (calendar,) = make_calendars([market], queries.overrides)
    flow_picks = {(code, day) for code in codes}
    flows = flow_rows(market, flow_picks, calendar.sessions)
    before_close = session_answers(market, day)
    evaluate_together(flows, before_close, *further([row for row in rows if row.date == day]))
    return EveningSummary(
        market=market,
        session_date=day,
        previous=rows[0].previous,  # type: ignore[attr-defined]
        next=rows[0].next,  # type: ignore[attr-defined]
        versions=[_with_preclose_hits(version, before_close) for version in versions],
        signals=moved,
        closes=get_closes(market, codes, day, SPARK, calendar=calendar.sessions),
        flows=make_flow_figures(flows, flow_picks, calendar.sessions),
    )


class _EveningQueries:
    """The queries of an evening that depend on its day alone.

    `sessions`: each version's two latest published sessions up to the day, annotated with the days before and after it
    that have a published session of any version; `answers` of the evening where its reading is requested; `ranks` of
    both; `moved`: the picks whose signal has an entry or exit on the day.
    """

    def __init__(self, market: str, day: date | None, reading: str, deferred: Sequence[str]) -> None:
        published = ScanSession.objects.filter(market=market, published=True)
        latest = Subquery(published.order_by("-date").values("date")[:1]) if day is None else Value(day)
        order = Window(RowNumber(), partition_by=F("scanner_version"), order_by=F("date").desc())
        two = published.filter(date__lte=latest).annotate(place=order).filter(place__lte=2).values("pk")
        sessions = ScanSession.objects.filter(pk__in=two).select_related("scanner_version", "run")
        sessions = sessions.annotate(
            previous=Subquery(published.filter(date__lt=latest).order_by("-date").values("date")[:1]),
            next=Subquery(published.filter(date__gt=latest).order_by("date").values("date")[:1]),
        )
        self.sessions: QuerySet[Any, Any] = sessions.order_by("scanner_version__slug", "-date")
        self.answers = provisional_answers(market) if reading == EVENING else ScanSession.objects.none()
        self.answers = self.answers.filter(date=latest)
        ranks = ScanRank.objects.select_related("signal", "scanner_version").defer(*UNUSED, *deferred)
        ranks = ranks.order_by("rank", "code")
        chosen = Q(session__in=two)
        if reading == EVENING:
            chosen |= Q(session__in=self.answers.order_by().values("pk"))
        self.ranks = ranks.filter(chosen)
        moved = Signal.objects.filter(Q(entered_on=latest) | Q(exit_on=latest), market=market, rank__published=True)
        self.moved = ranks.filter(pk__in=moved.order_by().values("rank"))
        self.overrides = get_overrides([market])

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        """All of them."""
        return [self.sessions, self.answers, self.ranks, self.moved, self.overrides]


def _of_evening(rows: Sequence[ScanSession], answers: Mapping[int, ScanSession], day: date) -> list[ScanSession]:
    """`rows` with the evening's answers of `day`, by version, in the place of those that replaced them."""
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


def _picks(
    rows: Sequence[ScanSession], queries: _EveningQueries, day: date
) -> tuple[dict[int, list[ScanRank]], list[Signal]]:
    """Key of a session -> its ranks in order, with their signals; and the signals with an entry or exit on `day`."""
    ranks_of_session: dict[int, list[ScanRank]] = {row.pk: [] for row in rows}
    for rank in queries.ranks:
        if rank.session_id in ranks_of_session:
            ranks_of_session[rank.session_id].append(rank)
    ranks = {rank.pk: rank for ranks in ranks_of_session.values() for rank in ranks}
    signals = []
    for rank in (ranks | {rank.pk: rank for rank in queries.moved}).values():
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


def _with_preclose_hits(version: VersionEvening, answers: Iterable[PrecloseAnswer]) -> VersionEvening:
    if version.session is None:
        return version
    codes = [pick.rank.code for pick in (*version.new, *version.stayed)]
    return replace(version, preclose_hits=preclose_hits(answers, version.version.pk, codes))


def _sort_position(slug: str) -> int:
    return FIRST.index(slug) if slug in FIRST else len(FIRST)
