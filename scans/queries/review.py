"""The review of a session: the instruments that any version picked, each with the reader's mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max, QuerySet

from marketdata.joint_queries import Evaluate, evaluate_together
from scans.models import Mark, ScanRank, ScanSession
from scans.queries.evening_summary import FIRST


@dataclass(frozen=True, slots=True)
class SessionPick:
    """An instrument that versions picked; `places`: (version, rank), the leading version's first."""

    code: str
    name: str
    segment: str
    places: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class SessionPicks:
    """The picks of a session, each instrument once, by version and rank; `previous` and `next`: the days before and
    after it with a published session of any version."""

    previous: date | None
    next: date | None
    picks: list[SessionPick]


@dataclass(frozen=True, slots=True)
class ReviewPick:
    """A pick of the queue with the reader's mark of that session."""

    pick: SessionPick
    mark: Mark | None

    @property
    def seen_at(self) -> datetime | None:
        return self.mark.seen_at if self.mark else None


def latest_day(market: str) -> date | None:
    """The latest day with a published session of any version; None without one."""
    day: date | None = _published(market).aggregate(day=Max("date"))["day"]
    return day


def session_picks(
    market: str, day: date, slugs: Sequence[str] = (), *, evaluate: Evaluate = evaluate_together
) -> SessionPicks | None:
    """The published picks of a session by the versions `slugs` (none: all), in one query, by `evaluate`; None where
    nothing is published for it."""
    published = _published(market).order_by("date").values_list("date", flat=True)
    this, after = published.filter(date=day)[:1], published.filter(date__gt=day)[:1]
    before = published.filter(date__lt=day).reverse()[:1]
    ranks = ScanRank.objects.filter(market=market, date=day, published=True)
    if slugs:
        ranks = ranks.filter(scanner_version__slug__in=slugs)
    position = {slug: place for place, slug in enumerate(slugs or FIRST)}
    rows = ranks.values_list("scanner_version__slug", "rank", "code", "name", "segment")
    evaluate(before, this, after, rows)
    if not this:
        return None
    picks: dict[str, SessionPick] = {}
    for slug, rank, code, name, segment in sorted(rows, key=lambda row: (position.get(row[0], len(position)), *row)):
        picks.setdefault(code, SessionPick(code, name, segment, [])).places.append((slug, rank))
    return SessionPicks(next(iter(before), None), next(iter(after), None), list(picks.values()))


def review_queue(picks: Sequence[SessionPick], own: Mapping[str, Mark]) -> list[ReviewPick]:
    """The queue of a reader with the marks `own` (by code): the unseen picks, then the seen ones in the order of their
    review. From the first unseen one, the pick before is hence the one that was seen last."""
    queue = [ReviewPick(pick, own.get(pick.code)) for pick in picks]
    seen = [(row.seen_at, place, row) for place, row in enumerate(queue) if row.seen_at]
    return [row for row in queue if not row.seen_at] + [row for *_, row in sorted(seen)]


def _published(market: str) -> QuerySet[ScanSession]:
    return ScanSession.objects.filter(market=market, published=True)
