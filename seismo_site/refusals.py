"""Refused callers are counted too: tokens that are nobody's, permissions that are lacking, logins that fail.

Django REST framework counts a request after it knows who sent it and what he may, so that a refused one counted
nothing, and cost a look into the database each time.

1. A 401, and a login that fails, counts for the address (SEISMO_ANONYMOUS_RATE a minute, as reads without a user do); a
   403 counts for its user (SEISMO_USER_RATE). What is beyond is a 429.
2. An address beyond its rate is noted in this process. Its next requests are answered by the counters in the cache
   alone, without a database, until the minute has passed.
3. Credentials that were good a moment ago are let through even then: a stranger behind the same proxy keeps nobody out.

Without a cache nobody is held back, as everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from marketdata.web.api.access import AddressThrottle, MinuteThrottle, RateDecision, UserThrottle
from marketdata.web.api.problems import throttled_response
from seismo_site import logins

API = ("/api/", "/metrics")
OPEN = "/api/health/"
LOGIN = "/admin/login/"
K = TypeVar("K")
MOST = 4096
"""How many addresses, and how many good credentials, a process remembers."""


class RefusalMiddleware:
    """Counts what is refused, and refuses at once whoever is refused too often."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._full: dict[str, None] = {}
        self._good: dict[int, None] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        is_login = path == LOGIN and request.method == "POST"
        if not is_login and (not path.startswith(API) or path.startswith(OPEN)):
            return self.get_response(request)
        credential = None if is_login else _credential(request)
        if self._full and credential not in self._good:
            paced = self._standing(_name(request, is_login))
            if paced is not None:
                return _refused(request, is_login, paced)
        response = self.get_response(request)
        refused = _counts_for(request, response, is_login)
        if refused is None:
            if credential is not None:
                _remember(self._good, credential)
            return response
        throttle, name = refused
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._good.pop(credential, None)  # type: ignore[arg-type]
        paced = throttle.paced(name)
        if paced.taken:
            return response
        if isinstance(throttle, AddressThrottle):
            _remember(self._full, name)
        return _refused(request, is_login, paced)

    def _standing(self, name: str) -> RateDecision | None:
        """How an address stands that is beyond its rate; None where it is not, or no longer."""
        if name not in self._full:
            return None
        paced = AddressThrottle().standing(name, time.time())
        if paced.taken:
            self._full.pop(name, None)
            return None
        return paced


def _credential(request: HttpRequest) -> int | None:
    """What the caller identifies himself with, as a number that leads nowhere; None where he does not."""
    given = request.META.get("HTTP_AUTHORIZATION") or request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return hash(given) if given else None


def _name(request: HttpRequest, is_login: bool) -> str:
    """Under which name the refusals of an address are counted: logins by themselves."""
    address = logins.address(request)
    return f"login:{address}" if is_login else AddressThrottle.name(address)


def _counts_for(request: HttpRequest, response: HttpResponseBase, is_login: bool) -> tuple[MinuteThrottle, str] | None:
    """Whose count a refused request is; None for one that was not refused."""
    if is_login:
        failed = response.status_code != HTTPStatus.FOUND
        return (AddressThrottle(), _name(request, is_login)) if failed else None
    if response.status_code == HTTPStatus.FORBIDDEN:
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            return UserThrottle(), UserThrottle.name(user.pk)
    elif response.status_code != HTTPStatus.UNAUTHORIZED:
        return None
    return AddressThrottle(), _name(request, is_login)


def _refused(request: HttpRequest, is_login: bool, paced: RateDecision) -> HttpResponseBase:
    seconds = max(int(paced.after) + 1, 1)
    if is_login:
        sentence = "Too many failed logins from this address: try again in a minute."
        return logins.refusal(request, sentence, seconds)
    return throttled_response(request, seconds)


def _remember(kept: dict[K, None], key: K) -> None:
    """Keep `key` among the latest; where there are too many the oldest half goes."""
    if key in kept:
        return
    if len(kept) >= MOST:
        for old in list(kept)[: MOST // 2]:
            kept.pop(old, None)
    kept[key] = None
