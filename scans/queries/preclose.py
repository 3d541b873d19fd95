"""Scans before the close, and how many of their picks were in the lists at the close."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery

from scans.models import PrecloseAnswer, PrecloseScan, ScanRank, ScanSession, Status

SESSIONS = 60


@dataclass(frozen=True, slots=True)
class HitShare:
    """Of one version: `picks` of its last scans before the close on `sessions` sessions whose list at the close is
    published, `hits` of them in that list, `listed` picks of those lists."""

    scanner_version: str
    sessions: int
    picks: int
    hits: int
    listed: int

    @property
    def share(self) -> float | None:
        """hits / picks; None without a pick."""
        return self.hits / self.picks if self.picks else None

    @property
    def coverage(self) -> float | None:
        """hits / listed: how much of the lists at the close was known before it; None where they are empty."""
        return self.hits / self.listed if self.listed else None


@dataclass(frozen=True, slots=True)
class AnswerAtClose:
    """A version's answer before the close and the codes of its list at the close, None where that is not published;
    `is_settled`: whether the bars of that list are settled."""

    answer: PrecloseAnswer
    at_close: frozenset[str] | None
    is_settled: bool

    @property
    def hits(self) -> int | None:
        """How many of its picks are in the list at the close."""
        return None if self.at_close is None else len(self.at_close.intersection(self.answer.codes))


@dataclass(frozen=True, slots=True)
class PrecloseHits:
    """Of the `picks` of a version's last scan before the close, read at `read_at`, the `hits` are in its list."""

    read_at: datetime
    picks: int
    hits: int


def session_answers(market: str, session: date) -> QuerySet[PrecloseAnswer]:
    """The answers of the session's last scan before the close that did not fail, with its `read_at`."""
    rows = PrecloseAnswer.objects.filter(scan__in=preclose_scans(market, session).values("pk"))
    return rows.exclude(status=Status.FAILED).annotate(read_at=F("scan__read_at"))


def preclose_hits(answers: Iterable[PrecloseAnswer], version: int, codes: Iterable[str]) -> PrecloseHits | None:
    """How many picks of the version's answer (`session_answers`) are in the list of `codes`; None without a pick."""
    for answer in answers:
        if answer.scanner_version_id == version and answer.codes:
            read_at: datetime = answer.read_at  # type: ignore[attr-defined]
            return PrecloseHits(read_at, len(answer.codes), len(set(answer.codes).intersection(codes)))
    return None


def get_preclose_scan(market: str, session: date | None = None) -> PrecloseScan | None:
    """The last scan before the close of `session`, of the latest that has one where None; without its quotes."""
    return preclose_scans(market, session).first()


def preclose_scans(market: str, session: date | None = None) -> QuerySet[PrecloseScan]:
    """The scan of `get_preclose_scan`, or none."""
    rows = PrecloseScan.objects.filter(market=market).defer("content")
    if session is not None:
        rows = rows.filter(session=session)
    return rows.order_by("-session", "-read_at")[:1]


class PrecloseQueries:
    """The queries of the scans before the close of a market, of `scan` if it is given, and of the lists at the close of
    their sessions: evaluated one by one, or with others in one statement by `evaluate_together(*query_sets)`."""

    def __init__(self, market: str, scan: PrecloseScan | None = None) -> None:
        self.scan = scan
        self.answers = PrecloseAnswer.objects.filter(scan=scan).select_related("scanner_version")
        self.last = _last_answers(market)
        days = PrecloseScan.objects.filter(market=market).order_by().values("session")
        filters = {"market": market, "published": True, "date__in": days}
        sessions = ScanSession.objects.filter(**filters).order_by()
        self.sessions = sessions.values_list("scanner_version_id", "date", "read_at", "settled_at")
        self.ranks = ScanRank.objects.filter(**filters).order_by().values_list("scanner_version_id", "date", "code")

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        """All of them."""
        return [self.answers, self.last, self.sessions, self.ranks]

    @cached_property
    def lists(self) -> Mapping[tuple[int, date], frozenset[str]]:
        """(version, session) -> the codes of its published list."""
        codes: dict[tuple[int, date], set[str]] = {(version, day): set() for version, day, _, _ in self.sessions}
        for version, day, code in self.ranks:
            codes.setdefault((version, day), set()).add(code)
        return {key: frozenset(values) for key, values in codes.items()}

    def answers_at_close(self) -> list[AnswerAtClose]:
        """See the function."""
        day = self.scan.session if self.scan else date.min
        settled = {version for version, date_, read_at, at in self.sessions if date_ == day and (at or not read_at)}
        return [
            AnswerAtClose(answer, self.lists.get((version, day)), version in settled)
            for answer in self.answers
            for version in [answer.scanner_version_id]
        ]

    def hit_shares(self, sessions: int = SESSIONS) -> list[HitShare]:
        """See the function."""
        days = sorted({day for _, _, day, _ in self.last}, reverse=True)
        closed = [day for day in days if any(day == published for _, published in self.lists)][:sessions]
        rows: dict[str, list[tuple[int, int, int]]] = {}
        for version, slug, day, codes in self.last:
            listed = self.lists.get((version, day))
            if listed is not None and day in closed:
                rows.setdefault(slug, []).append((len(codes), len(listed.intersection(codes)), len(listed)))
        return [
            HitShare(slug, len(counts), *(sum(column) for column in zip(*counts, strict=True)))
            for slug, counts in sorted(rows.items())
        ]


def answers_at_close(scan: PrecloseScan) -> list[AnswerAtClose]:
    """The answers of a scan, by version, each beside the list at the close."""
    return PrecloseQueries(scan.market, scan).answers_at_close()


def hit_shares(market: str, *, sessions: int = SESSIONS) -> list[HitShare]:
    """The hit shares over the last `sessions` sessions with a scan before the close and a published list, by
    version."""
    return PrecloseQueries(market).hit_shares(sessions)


def _last_answers(market: str) -> QuerySet[PrecloseAnswer, tuple[int, str, date, Sequence[str]]]:
    """(version, its slug, session, codes) of the answers of each session's last scan."""
    later = PrecloseScan.objects.filter(market=market, session=OuterRef("scan__session")).order_by("-read_at")
    rows: QuerySet[PrecloseAnswer] = PrecloseAnswer.objects.filter(scan__market=market).exclude(status=Status.FAILED)
    rows = rows.filter(scan=Subquery(later.values("pk")[:1]))
    return (
        rows.annotate(slug=F("scanner_version__slug"), day=F("scan__session"))
        .order_by("-day", "slug")
        .values_list("scanner_version_id", "slug", "day", "codes")
    )
