"""Summary of a market's evening: the new, continued and dropped picks of every version, and the day's entries and exits
of signals. The page and the API show the same rows.

1. The published session of the day, and the published one before it, of each version (one query).
2. The picks of both (one query): new, stayed and dropped are differences of their sets of codes.
3. Signals with an entry or exit on the day (one query).
4. Adjusted closes of the last `SPARK` sessions of these instruments (one query).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from marketdata.queries.closes import CloseSeries, get_closes
from scans.models import ScannerVersion, ScanRank, ScanSession, Signal, SignalStatus

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


def published_dates(market: str) -> QuerySet[ScanSession, date]:
    """The days with a published session of any version, ascending."""
    rows = ScanSession.objects.filter(market=market, published=True)
    return rows.order_by("date").values_list("date", flat=True).distinct()


def evening_summary(market: str, day: date | None) -> EveningSummary | None:
    """The summary of `day` (None: the latest published day); None if nothing is published."""
    dates = published_dates(market)
    if day is None:
        day = dates.last()
    if day is None:
        return None
    rows = _two_latest(market, day)
    if not any(row.date == day for row in rows):
        return None
    picks = _picks(rows)
    exits = _exits(market, day)
    versions = [_version_evening(version, day, picks, exits) for version in _by_version(rows)]
    versions.sort(
        key=lambda version: (version.session is None, _sort_position(version.version.slug), version.version.slug)
    )
    codes = {pick.rank.code for version in versions for pick in (*version.new, *version.stayed, *version.dropped)}
    codes |= {signal.code for signal in exits}
    return EveningSummary(
        market=market,
        session_date=day,
        previous=dates.filter(date__lt=day).last(),
        next=dates.filter(date__gt=day).first(),
        versions=versions,
        signals=exits,
        closes=get_closes(market, codes, day, SPARK),
    )


def _two_latest(market: str, day: date) -> list[ScanSession]:
    """Each version's two latest published sessions up to `day`."""
    order = Window(RowNumber(), partition_by=F("version"), order_by=F("date").desc())
    rows = ScanSession.objects.filter(market=market, published=True, date__lte=day)
    latest = rows.annotate(place=order).filter(place__lte=2).values("pk")
    sessions = ScanSession.objects.filter(pk__in=latest).select_related("version", "run")
    return list(sessions.order_by("version__slug", "-date"))


def _by_version(rows: Iterable[ScanSession]) -> list[list[ScanSession]]:
    rows_of_version: dict[int, list[ScanSession]] = {}
    for row in rows:
        rows_of_version.setdefault(row.version_id, []).append(row)
    return list(rows_of_version.values())


def _picks(rows: Sequence[ScanSession]) -> dict[int, list[ScanRank]]:
    """Key of a session -> its ranks in order."""
    ranks_of_session: dict[int, list[ScanRank]] = {row.pk: [] for row in rows}
    for rank in ScanRank.objects.filter(session__in=ranks_of_session).order_by("rank", "code"):
        ranks_of_session[rank.session_id].append(rank)
    return ranks_of_session


def _exits(market: str, day: date) -> list[Signal]:
    """The signals with an entry or exit on `day`."""
    moved = Signal.objects.filter(market=market, rank__published=True).filter(Q(entered_on=day) | Q(exit_on=day))
    return list(moved.select_related("rank", "version").order_by("status", "code", "pk"))


def _version_evening(
    rows: Sequence[ScanSession],
    day: date,
    picks: Mapping[int, Sequence[ScanRank]],
    exits: Sequence[Signal],
) -> VersionEvening:
    now = rows[0] if rows[0].date == day else None
    before = (rows[1] if len(rows) > 1 else None) if now else rows[0]
    if now is None:
        return VersionEvening(rows[0].version, None, before)
    current = {rank.code: rank for rank in picks[now.pk]}
    earlier = {rank.code: rank for rank in picks[before.pk]} if before else {}
    ended = {
        signal.code: signal.status
        for signal in exits
        if signal.version_id == now.version_id and signal.status != SignalStatus.OPEN
    }
    return VersionEvening(
        version=now.version,
        session=now,
        before=before,
        new=[Pick(rank) for code, rank in current.items() if code not in earlier],
        stayed=[Pick(rank, earlier[code].rank) for code, rank in current.items() if code in earlier],
        dropped=[Pick(rank, rank.rank, ended.get(code, "")) for code, rank in earlier.items() if code not in current],
    )


def _sort_position(slug: str) -> int:
    return FIRST.index(slug) if slug in FIRST else len(FIRST)
