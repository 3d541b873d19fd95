"""Rate-limit states in rows of the database (a `RateLimitStore`), for hosts without a Redis."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import IntegrityError, connection, transaction

from marketdata.models import RateLimitRow
from marketdata.sources.http.rate_limit import RateLimitState
from marketdata.sources.http.rate_limit_stores import StoredState


class DatabaseRateLimits:
    """One row a group. Each method uses the connection of the calling thread.

    The wall clock: all processes that share the rows must run on one host, or on hosts whose clocks agree.
    """

    blocking = True

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def read(self, key: str) -> StoredState:
        text = RateLimitRow.objects.filter(group=key).values_list("state", flat=True).first()
        return StoredState(RateLimitState.of_text(text) if text else RateLimitState(), self._clock(), text)

    def swap(self, key: str, expected: StoredState, new: RateLimitState) -> bool:
        if expected.version is not None:
            unchanged = RateLimitRow.objects.filter(group=key, state=expected.version)
            return bool(unchanged.update(state=new.text()))
        try:
            with transaction.atomic():
                RateLimitRow.objects.create(group=key, state=new.text())
        except IntegrityError:
            return False  # another process was first
        return True

    def close(self) -> None:
        connection.close()
