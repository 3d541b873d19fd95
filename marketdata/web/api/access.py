"""Permissions and rate limits of the API."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from caching.store import STORE

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this file, by its name in the settings


class WritePermission(BasePermission):
    """Writes need what the admin needs for the same change: a staff user with the permission that `permissions` of the
    view names for the method. A method without a named permission is refused. Subclasses decide on reads."""

    message = "You may not do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method in SAFE_METHODS:
            return self.may_read(request)
        method = str(request.method)
        if not _is_staff(request) or not hasattr(view, method.lower()):  # then 405 is the answer
            return _is_staff(request)
        permission = getattr(view, "permissions", {}).get(method)
        if permission is None:
            return False
        self.message = f"This takes the permission {permission}."
        return bool(request.user.has_perm(permission))

    def may_read(self, request: Request) -> bool:
        """Whether the caller may read."""
        raise NotImplementedError


def _is_staff(request: Request) -> bool:
    user = request.user
    return bool(user and user.is_authenticated and user.is_staff)


class ReadPermission(WritePermission):
    """Reads for every user, and for everybody where SEISMO_ANONYMOUS_READS is on."""

    def may_read(self, request: Request) -> bool:
        return settings.ANONYMOUS_READS or bool(request.user and request.user.is_authenticated)


class StaffOnly(WritePermission):
    """Reads for staff alone."""

    def may_read(self, request: Request) -> bool:
        return _is_staff(request)


class OwnData(BasePermission):
    """Reads and writes for every user: the view serves the caller's own rows and no others."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.is_authenticated)


COUNTER_SECONDS = 120
"""Life of a counter: its minute and the next."""
BATCH = 5
"""Requests that a process counts at once in the cache, where that is a hundredth of the limit or less."""
MEMORY = 4096
"""Callers whose counted requests a process remembers."""


@dataclass(frozen=True, slots=True)
class RateDecision:
    """Whether one more request is allowed now; if not, in how many seconds one is."""

    allowed: bool
    wait: float = 0.0


COUNTED_AHEAD: dict[tuple[str, int], int] = {}
"""(counter, limit) -> requests that this process has counted and not yet allowed. Unused ones stay counted."""


def counter_key(name: str, at: float) -> str:
    """The cache key of the requests that `name` made in the minute of that time."""
    return f"throttle:{name}:{int(at // 60)}"


class MinuteThrottle(BaseThrottle):
    """A number of requests per minute and caller, by a sliding window over two counters: this minute's, and of the
    minute before the share that lies in the last sixty seconds. Without a cache every request is allowed."""

    decision = RateDecision(allowed=True)

    def caller_name(self, request: Request) -> str | None:
        """The name under which the request is counted; None where another throttle counts it."""
        raise NotImplementedError

    def limit(self) -> int:
        """Requests per minute."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: APIView) -> bool:
        name = self.caller_name(request)
        if name is not None:
            self.decision = self.count(name)
        return self.decision.allowed

    def wait(self) -> float:
        return self.decision.wait

    def count(self, name: str) -> RateDecision:
        """Count one more request of `name`; a refused one does not count.

        A process counts several in advance, so that most requests need no call of the cache; near the limit, one.
        """
        now, limit = time.time(), self.limit()
        batch = max(min(limit // 100, BATCH), 1)
        counter = (counter_key(name, now), limit)
        ahead = COUNTED_AHEAD.pop(counter, 0)
        if not ahead:
            decision = self._count_in_cache(name, now, limit, batch)
            if not decision.allowed and batch > 1:
                batch, decision = 1, self._count_in_cache(name, now, limit, 1)
            if not decision.allowed:
                return decision
            ahead = batch
        if ahead > 1:
            if len(COUNTED_AHEAD) >= MEMORY:
                COUNTED_AHEAD.clear()
            COUNTED_AHEAD[counter] = ahead - 1
        return RateDecision(allowed=True)

    def _count_in_cache(self, name: str, now: float, limit: int, number: int) -> RateDecision:
        elapsed = now % 60 / 60
        count = STORE.count(counter_key(name, now), number, COUNTER_SECONDS)
        if count is None or count <= limit * elapsed:  # whatever the minute before was
            return RateDecision(allowed=True)
        before = self._minute_before(name, now)
        if count + before * (1 - elapsed) <= limit:
            return RateDecision(allowed=True)
        STORE.count(counter_key(name, now), -number, COUNTER_SECONDS)
        return RateDecision(allowed=False, wait=60 * _wait_minutes(count - number, before, elapsed, limit))

    def preview(self, name: str, now: float) -> RateDecision:
        """Whether one more request of `name` would be allowed, without counting it."""
        limit, elapsed = self.limit(), now % 60 / 60
        count = STORE.counter(counter_key(name, now))
        before = self._minute_before(name, now)
        if count + 1 + before * (1 - elapsed) <= limit:
            return RateDecision(allowed=True)
        return RateDecision(allowed=False, wait=60 * _wait_minutes(count, before, elapsed, limit))

    def _minute_before(self, name: str, now: float) -> int:
        return min(STORE.counter(counter_key(name, now - 60)), self.limit())


def _wait_minutes(count: int, before: int, elapsed: float, limit: int) -> float:
    """Minutes until one more request is allowed, if none is made meanwhile."""
    if count < limit:  # enough of the minute before has to pass
        return max(1 - (limit - count - 1) / before - elapsed, 0.0) if before else 0.0
    return 1 - elapsed + max(1 - (limit - 1) / count, 0.0)


class UserThrottle(MinuteThrottle):
    """SEISMO_USER_RATE requests a minute for each user; `AddressThrottle` counts anonymous requests."""

    def caller_name(self, request: Request) -> str | None:
        user = request.user
        return self.user_name(user.pk) if user and user.is_authenticated else None

    @staticmethod
    def user_name(key: int) -> str:
        """The name under which a user's requests are counted."""
        return f"user:{key}"

    def limit(self) -> int:
        return int(settings.USER_RATE)


class AddressThrottle(MinuteThrottle):
    """SEISMO_ANONYMOUS_RATE requests a minute for each address without a user."""

    def caller_name(self, request: Request) -> str | None:
        if request.user and request.user.is_authenticated:
            return None
        return self.address_name(self.get_ident(request))

    @staticmethod
    def address_name(address: object) -> str:
        """The name under which an address's requests are counted."""
        return f"address:{address}"

    def limit(self) -> int:
        return int(settings.ANONYMOUS_RATE)
