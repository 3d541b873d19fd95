"""Answers of evenings and what settling made of them.

An answer from bars that may still change is provisional. The next morning it is settled: settled bars give it again, or
another answer replaces it and the evening's remains, unpublished.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from marketdata.market_time import market_time
from scans.models import Reading, ScannerVersion, ScanRank, ScanSession, Status

EVENING = "evening"
"""The reading of the answer that was published in the evening, in place of the settled one."""


@dataclass(frozen=True, slots=True)
class SettlingFigures:
    """How the provisional lists of a version differ from the settled ones: of `sessions` compared, `unchanged` have the
    same picks; `picks`: mean count of the provisional list; `left` and `entered`: mean counts of picks."""

    version: str
    sessions: int
    unchanged: int
    picks: float
    left: float
    entered: float

    @property
    def unchanged_share(self) -> float:
        """The share of sessions with the same picks, a fraction; NaN without sessions."""
        return self.unchanged / self.sessions if self.sessions else float("nan")


def reading_filter(reading: str, prefix: str = "") -> Q:
    """The condition of answers with this reading; `prefix` leads to them."""
    provisional = Q(**{f"{prefix}read_at__isnull": False, f"{prefix}settled_at__isnull": True})
    return provisional if reading == Reading.PROVISIONAL else ~provisional


def evening_answers(market: str, versions: Iterable[ScannerVersion], days: Iterable[date]) -> dict[int, ScanSession]:
    """Key of each version -> its latest provisional answer of one of `days`, with version and run, replaced or not."""
    rows = provisional_answers(market).filter(scanner_version__in=list(versions), date__in=list(days))
    return {row.scanner_version_id: row for row in rows}


def provisional_answers(market: str) -> QuerySet[ScanSession]:
    """The provisional answers, replaced or not, with version and run; the latest of a session last."""
    rows = ScanSession.objects.filter(market=market, read_at__isnull=False).exclude(status=Status.QUARANTINED)
    return rows.select_related("scanner_version", "run").order_by("pk")


def settling_figures(
    market: str, versions: Sequence[ScannerVersion], first: date | None = None, last: date | None = None
) -> list[SettlingFigures]:
    """The figures of each version over the sessions from `first` to `last` that have both a provisional and a settled
    answer."""
    return SettlingQueries(market, versions, first, last).figures()


class SettlingQueries:
    """The queries of `settling_figures`: evaluated one by one, or with others in one statement by
    `evaluate_together(*query_sets)`."""

    def __init__(
        self, market: str, versions: Sequence[ScannerVersion], first: date | None = None, last: date | None = None
    ) -> None:
        self.versions = versions
        rows = ScanSession.objects.filter(market=market, scanner_version__in=versions).order_by("pk")
        rows = rows.exclude(status=Status.QUARANTINED)
        rows = rows.filter(date__gte=first) if first else rows
        rows = rows.filter(date__lte=last) if last else rows
        provisional = rows.filter(read_at__isnull=False)
        days = provisional.order_by().values("date")
        is_settled = Q(reading_filter(Reading.SETTLED), published=True, date__in=days)
        settled = rows.filter(is_settled)
        columns = ("scanner_version_id", "date", "pk")
        self.provisional, self.settled = provisional.values_list(*columns), settled.values_list(*columns)
        # One list of sessions, by which ranks have an index: of two alternatives every rank would be read.
        sessions = rows.filter(Q(read_at__isnull=False) | is_settled).order_by().values("pk")
        self.picks = ScanRank.objects.filter(session__in=sessions).order_by().values_list("session", "code")

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        """All of them."""
        return [self.provisional, self.settled, self.picks]

    def figures(self) -> list[SettlingFigures]:
        """See `settling_figures`."""
        before = {(version, day): key for version, day, key in self.provisional}
        after = {(version, day): key for version, day, key in self.settled}
        pairs = {key: (before[key], after[key]) for key in before.keys() & after.keys()}
        codes: dict[int, set[str]] = {}
        for session, code in self.picks:
            codes.setdefault(session, set()).add(code)
        return _figures(self.versions, pairs, codes)


def _figures(
    versions: Sequence[ScannerVersion],
    pairs: Mapping[tuple[int, date], tuple[int, int]],
    picks: Mapping[int, AbstractSet[str]],
) -> list[SettlingFigures]:
    """`pairs`: (version, session) -> keys of the provisional and of the settled answer; `picks`: their codes by key."""
    figures = []
    for version in versions:
        lists = [
            (picks.get(evening, frozenset()), picks.get(morning, frozenset()))
            for (number, _), (evening, morning) in pairs.items()
            if number == version.pk
        ]
        count = len(lists)
        figures.append(
            SettlingFigures(
                version=version.slug,
                sessions=count,
                unchanged=sum(evening == morning for evening, morning in lists),
                picks=_mean(len(evening) for evening, _ in lists),
                left=_mean(len(evening - morning) for evening, morning in lists),
                entered=_mean(len(morning - evening) for evening, morning in lists),
            )
        )
    return figures


def _mean(counts: Iterable[int]) -> float:
    values = list(counts)
    return sum(values) / len(values) if values else float("nan")


def settling_sentence(figures: SettlingFigures) -> str:
    """As `v2: 18 of 20 provisional lists kept their picks; per session 0.1 of 12.4 picks dropped and 0.2 entered.`"""
    if not figures.sessions:
        return f"{figures.version}: no provisional list has been settled yet."
    return (
        f"{figures.version}: {figures.unchanged} of {figures.sessions} provisional lists kept their picks; per session "
        f"{figures.left:.2g} of {figures.picks:.3g} picks dropped and {figures.entered:.2g} entered once settled."
    )


def reading_words(session: ScanSession) -> str:
    """ "provisional, read 2026-08-21 15:36 KST", or "settled" with the time of settling where it is known."""
    if session.read_at and not session.settled_at:
        return _("provisional, read %(at)s") % {"at": market_time(session.read_at, session.market)}
    if session.settled_at:
        return _("settled %(at)s") % {"at": market_time(session.settled_at, session.market)}
    return _("settled")
