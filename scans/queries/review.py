"""The review of a session: the instruments that any version picked, each with the reader's mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Max, Min, Q, QuerySet

from scans.models import Mark, ScanRank, ScanSession
from scans.queries.evening_summary import FIRST
from scans.queries.marks import session_marks


@dataclass(slots=True)
class ReviewPick:
    """An instrument of the queue: its ranks, the leading version's first, and the reader's mark of that session."""

    mark: Mark | None
    ranks: list[ScanRank] = field(default_factory=list)

    @property
    def rank(self) -> ScanRank:
        return self.ranks[0]

    @property
    def seen_at(self) -> datetime | None:
        return self.mark.seen_at if self.mark else None


def latest_day(market: str) -> date | None:
    """The latest day with a published session of any version; None without one."""
    day: date | None = _published(market).aggregate(day=Max("date"))["day"]
    return day


def neighbouring_days(market: str, day: date) -> dict[str, date | None]:
    """`previous` and `next`: the days before and after `day` with a published session of any version; `day`: None where
    nothing is published for it (one query)."""
    return _published(market).aggregate(
        previous=Max("date", filter=Q(date__lt=day)),
        day=Max("date", filter=Q(date=day)),
        next=Min("date", filter=Q(date__gt=day)),
    )


def _published(market: str) -> QuerySet[ScanSession]:
    return ScanSession.objects.filter(market=market, published=True)


def review_queue(user: Any, market: str, day: date, slugs: Sequence[str] = ()) -> list[ReviewPick]:
    """The published picks of a session by the versions `slugs` (none: all), each instrument once, in two queries: the
    unseen ones by version and rank, then the seen ones in the order of their review. From the first unseen one, the
    pick before is hence the one that was seen last."""
    ranks = ScanRank.objects.filter(market=market, date=day, published=True).select_related("scanner_version")
    if slugs:
        ranks = ranks.filter(scanner_version__slug__in=slugs)
    position = {slug: place for place, slug in enumerate(slugs or FIRST)}
    own = session_marks(user, market, day)
    picks: dict[str, ReviewPick] = {}
    for rank in sorted(ranks, key=lambda row: _order(row, position)):
        picks.setdefault(rank.code, ReviewPick(own.get(rank.code))).ranks.append(rank)
    unseen = [pick for pick in picks.values() if not pick.seen_at]
    seen = [(pick.seen_at, place, pick) for place, pick in enumerate(picks.values()) if pick.seen_at]
    return unseen + [pick for *_, pick in sorted(seen)]


def _order(rank: ScanRank, position: dict[str, int]) -> tuple[int, str, int]:
    slug = rank.scanner_version.slug
    return position.get(slug, len(position)), slug, rank.rank
