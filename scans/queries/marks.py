"""Queries of a reader's own marks and settings; no query returns those of another user."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import F, Q, QuerySet

from scans.models import Mark, ReaderSettings


def own_marks(user: Any, market: str) -> QuerySet[Mark]:
    """The marks of a user on a market; none of an anonymous one."""
    return Mark.objects.filter(user=user.pk, market=market)


def session_marks(user: Any, market: str, day: date) -> dict[str, Mark]:
    """Code -> the user's mark of that session (one query)."""
    return {mark.code: mark for mark in own_marks(user, market).filter(date=day)} if user.pk else {}


def tags(user: Any, market: str, codes: Iterable[str], day: date | None = None) -> dict[str, str]:
    """Code -> the user's tag of it as of the session `day` (None: the latest), in one query: that of the latest session
    with one, else that of the instrument as such. Codes without a tag are left out."""
    if not user.pk:
        return {}
    rows = own_marks(user, market).filter(code__in=set(codes)).exclude(tag="")
    if day is not None:
        rows = rows.filter(Q(date=None) | Q(date__lte=day))
    return dict(rows.order_by(F("date").asc(nulls_first=True)).values_list("code", "tag"))


def instrument_marks(user: Any, market: str, code: str) -> list[Mark]:
    """The user's marks of an instrument, the latest session first, then the one without a date."""
    if not user.pk:
        return []
    return list(own_marks(user, market).filter(code=code).order_by(F("date").desc(nulls_last=True)))


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
