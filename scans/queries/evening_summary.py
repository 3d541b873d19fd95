"""One evening of a market: the picks of every version, which are new, which stayed and which left, and the signals that
moved. The page and the API show the same rows.

1. The published session of the day, and the published one before it, of each version (one query).
2. The picks of both (one query): new, stayed and dropped are set arithmetic over their codes.
3. Signals that were entered or ended on the day (one query).
4. Closes of the last `SPARK` sessions of every instrument named (one query, adjusted by its factors).
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
"""The versions that every reader compares come first."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A rank with what stands beside it in a list. `rank_before` is None for a new pick; `exit_reason` says why a
    dropped one left: the status of its signal, or "" where it no longer passes."""

    rank: ScanRank
    rank_before: int | None = None
    exit_reason: str = ""

    @property
    def moved_by(self) -> int | None:
        """Places gained since the session before; None for a new pick."""
        return None if self.rank_before is None else self.rank_before - self.rank.rank


@dataclass(frozen=True, slots=True)
class VersionEvening:
    """A version on one session. `session` is None where it published none for the day; `before` is its published
    session before that."""

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
    """The evening of `session_date`: its versions, v2 and v3 first, and the signals that moved on that day."""

    market: str
    session_date: date
    previous: date | None
    next: date | None
    versions: Sequence[VersionEvening]
    signals: Sequence[Signal]
    closes: Mapping[str, CloseSeries] = field(default_factory=dict)


def published_dates(market: str) -> QuerySet[ScanSession, date]:
    """The days on which any version published something, ascending."""
    mine = ScanSession.objects.filter(market=market, published=True)
    return mine.order_by("date").values_list("date", flat=True).distinct()


def evening_summary(market: str, day: date | None) -> EveningSummary | None:
    """The evening of `day` (None: the latest with anything published); None where nothing is published then."""
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
    versions = [_version(one, day, picks, exits) for one in _by_version(rows)]
    versions.sort(key=lambda one: (one.session is None, _place(one.version.slug), one.version.slug))
    codes = {pick.rank.code for one in versions for pick in (*one.new, *one.stayed, *one.dropped)}
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
    """Each version's published session of `day`, and the latest one before it."""
    order = Window(RowNumber(), partition_by=F("version"), order_by=F("date").desc())
    mine = ScanSession.objects.filter(market=market, published=True, date__lte=day)
    latest = mine.annotate(place=order).filter(place__lte=2).values("pk")
    found = ScanSession.objects.filter(pk__in=latest).select_related("version", "run")
    return list(found.order_by("version__slug", "-date"))


def _by_version(rows: Iterable[ScanSession]) -> list[list[ScanSession]]:
    found: dict[int, list[ScanSession]] = {}
    for row in rows:
        found.setdefault(row.version_id, []).append(row)
    return list(found.values())


def _picks(rows: Sequence[ScanSession]) -> dict[int, list[ScanRank]]:
    """Session's key -> its ranks in order."""
    found: dict[int, list[ScanRank]] = {row.pk: [] for row in rows}
    for rank in ScanRank.objects.filter(session__in=found).order_by("rank", "code"):
        found[rank.session_id].append(rank)
    return found


def _exits(market: str, day: date) -> list[Signal]:
    """The signals that were entered, or that ended, on `day`."""
    moved = Signal.objects.filter(market=market, rank__published=True).filter(Q(entered_on=day) | Q(exit_on=day))
    return list(moved.select_related("rank", "version").order_by("status", "code", "pk"))


def _version(
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


def _place(slug: str) -> int:
    return FIRST.index(slug) if slug in FIRST else len(FIRST)
