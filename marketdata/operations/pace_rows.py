"""The pace of calls in rows of the database (`sources.http.permits.PaceRows`), for processes without a Redis."""

from __future__ import annotations

from dataclasses import asdict

from django.db import IntegrityError, connection, transaction

from marketdata.models import CallPace
from marketdata.sources.http.permits import Pace

FIELDS = ("next_at", "held_until", "slower", "slowed_at", "floor", "late", "late_at")


class DatabaseRows:
    """One row a group. Each method uses the connection of the thread that calls it."""

    def load(self, key: str) -> Pace | None:
        row = CallPace.objects.filter(group=key).values_list(*FIELDS).first()
        return Pace(*row) if row else None

    def swap(self, key: str, old: Pace | None, new: Pace) -> bool:
        if old is not None:
            same = CallPace.objects.filter(group=key, **asdict(old))
            return bool(same.update(**asdict(new)))
        try:
            with transaction.atomic():
                CallPace.objects.create(group=key, **asdict(new))
        except IntegrityError:
            return False  # another process was first
        return True

    def close(self) -> None:
        connection.close()
