"""Queries of a reader's own marks and settings; no query returns those of another user."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from marketdata.joint_queries import evaluate_together, reuse_queries
from scans.models import Mark, ReaderSettings
from scans.queries.versions import all_versions

USER_PLACE = -1
"""In queries that are used again: the place of the user's key."""


def own_marks(user: Any, market: str) -> QuerySet[Mark]:
    """The marks of a user on a market; none of an anonymous one."""
    return Mark.objects.filter(user=user.pk, market=market)


def tags(user: Any, market: str, codes: Iterable[str], day: date | None = None) -> dict[str, str]:
    """Code -> the user's tag of it as of the session `day` (None: the latest), in one query: that of the latest
    session with one, else that of the instrument as such. Codes without a tag are left out."""
    rows = tag_rows(user.pk, market, day or date.max, codes).order_by(F("date").asc(nulls_first=True))
    return dict(rows.values_list("code", "tag"))


def tag_rows(user: int, market: str, day: date, codes: Iterable[str]) -> QuerySet[Mark]:
    """The marks with a tag, up to the session `day` or of instruments as such."""
    rows = Mark.objects.filter(Q(date=None) | Q(date__lte=day), user=user, market=market, code__in=codes)
    return rows.exclude(tag="").order_by()


def get_mark(user: Any, market: str, code: str, day: date | None) -> Mark | None:
    """The user's mark of an instrument on a session (None: of the instrument as such); None without one."""
    return own_marks(user, market).filter(code=code, date=day).first() if user.pk else None


def reader_settings(user: Any) -> ReaderSettings:
    """The settings of a user; unsaved blank ones where there are none."""
    row = ReaderSettings.objects.filter(user=user.pk).first() if user.pk else None
    return row or ReaderSettings(user=user if user.pk else None)


def all_marks(user: Any) -> QuerySet[Mark]:
    """Every mark of a user: by market, code and session."""
    return Mark.objects.filter(user=user.pk).order_by("market", "code", "date")


class SettingsQueries:
    """What the page of a user's settings shows: them, the number of the user's marks, the enabled versions."""

    def __init__(self, user: int) -> None:
        self.settings = ReaderSettings.objects.filter(user=user)
        self.marks = Mark.objects.filter(user=user).order_by().values("user").annotate(count=Count("pk"))
        self.versions = all_versions().filter(enabled=True).values_list("slug", flat=True)

    @property
    def mark_count(self) -> int:
        """The number of the user's marks."""
        return sum(row["count"] for row in self.marks)

    def settings_of(self, user: Any) -> ReaderSettings:
        """The settings; unsaved blank ones where there are none."""
        return next(iter(self.settings), None) or ReaderSettings(user=user)


def read_settings_page(user: Any) -> SettingsQueries:
    """The evaluated queries of a user's settings, in one statement that is compiled once."""
    queries = reuse_queries("reader settings", lambda: SettingsQueries(USER_PLACE), {USER_PLACE: user.pk})
    evaluate_together(queries.settings, queries.marks, queries.versions)
    return queries
