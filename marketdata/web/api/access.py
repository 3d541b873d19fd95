"""Who may do what over the API, and how often."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from caching.store import STORE

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this file, by its name in the settings


@dataclass(frozen=True, slots=True)
class RateDecision:
    """Whether one more request of somebody (`name`) is taken now; if not, in how many seconds one is."""

    name: str
    taken: bool
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Known:
    """What was found out of a request before its view is asked, so that nothing is read or counted twice: when what
    is shown last changed (`catalogue.generations`), how whoever asks is paced, and the key under which its answer was
    looked for in vain."""

    generations: Mapping[str, datetime]
    paced: RateDecision | None = None
    missed: str | None = None


def known_of(request: Any) -> Known | None:
    """What is known of it already; None where nothing is."""
    known = getattr(request, "known", None)
    return known if isinstance(known, Known) else None


class WritePermission(BasePermission):
    """Writes take what the admin asks for the same: staff with the permission that `permissions` of the view names for
    the method; one that it does not name is nobody's. Subclasses say who may read."""

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
    """Reads for every user, and for everybody where SEISMO_ANONYMOUS_READS says so."""

    def may_read(self, request: Request) -> bool:
        return settings.ANONYMOUS_READS or bool(request.user and request.user.is_authenticated)


class StaffOnly(WritePermission):
    """Reads for staff alone."""

    def may_read(self, request: Request) -> bool:
        return _is_staff(request)


COUNTER_SECONDS = 120
"""Seconds that a counter is kept: its minute and the next."""


def counter_key(name: str, at: float) -> str:
    """Under which key the requests of `name` are counted in the minute of that time."""
    return f"throttle:{name}:{int(at // 60)}"


class MinuteThrottle(BaseThrottle):
    """So many requests a minute of whoever `whom` names. Two counters, of this minute and of the one before: what the
    last sixty seconds hold of the latter counts. Without a cache nobody is held back, rather than everybody."""

    after = 0.0

    def whom(self, request: Request) -> str | None:
        """Whose requests are counted; None: not this throttle's."""
        raise NotImplementedError

    def most(self) -> int:
        """How many requests a minute are taken."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: APIView) -> bool:
        name = self.whom(request)
        if name is None:
            return True
        known = known_of(request)
        paced = known.paced if known else None
        if paced is None or paced.name != name:
            paced = self.paced(name)
        self.after = paced.after
        return paced.taken

    def paced(self, name: str) -> RateDecision:
        """Count one more request of `name`, unless that is too many."""
        now = time.time()
        return self.judged(name, now, STORE.count(counter_key(name, now), 1, COUNTER_SECONDS))

    def judged(self, name: str, now: float, mine: int | None) -> RateDecision:
        """Whether the request that was counted as `mine` of this minute is taken; what is refused does not count."""
        most, gone = self.most(), now % 60 / 60
        if mine is None or mine <= most * gone:  # whatever the minute before was
            return RateDecision(name, taken=True)
        before = min(STORE.counted(counter_key(name, now - 60)), most)
        if mine + before * (1 - gone) <= most:
            return RateDecision(name, taken=True)
        STORE.count(counter_key(name, now), -1, COUNTER_SECONDS)
        return RateDecision(name, taken=False, after=60 * _pause(mine - 1, before, gone, most))

    def standing(self, name: str, now: float) -> RateDecision:
        """Whether one more request of `name` would be taken, without counting it."""
        most, gone = self.most(), now % 60 / 60
        mine = STORE.counted(counter_key(name, now))
        before = min(STORE.counted(counter_key(name, now - 60)), most)
        if mine + 1 + before * (1 - gone) <= most:
            return RateDecision(name, taken=True)
        return RateDecision(name, taken=False, after=60 * _pause(mine, before, gone, most))

    def wait(self) -> float:
        return self.after


def _pause(mine: int, before: int, gone: float, most: int) -> float:
    """In how many minutes one request more is taken, none being made meanwhile."""
    if mine < most:  # enough of the minute before has to pass
        return max(1 - (most - mine - 1) / before - gone, 0.0) if before else 0.0
    return 1 - gone + max(1 - (most - 1) / mine, 0.0)


class UserThrottle(MinuteThrottle):
    """SEISMO_USER_RATE requests a minute for each user; the anonymous are `AddressThrottle`'s."""

    def whom(self, request: Request) -> str | None:
        user = request.user
        return self.name(user.pk) if user and user.is_authenticated else None

    @staticmethod
    def name(key: int) -> str:
        """Under which name the requests of a user are counted."""
        return f"user:{key}"

    def most(self) -> int:
        return int(settings.USER_RATE)


class AddressThrottle(MinuteThrottle):
    """SEISMO_ANONYMOUS_RATE requests a minute for each address without a user."""

    def whom(self, request: Request) -> str | None:
        if request.user and request.user.is_authenticated:
            return None
        return self.name(self.get_ident(request))

    @staticmethod
    def name(address: object) -> str:
        """Under which name the requests of an address are counted."""
        return f"address:{address}"

    def most(self) -> int:
        return int(settings.ANONYMOUS_RATE)
