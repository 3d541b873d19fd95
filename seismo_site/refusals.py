"""The rate limit of refused requests: invalid tokens, missing permissions, failed logins.

Django REST framework counts a request after authentication and permissions, so that a refused request counted nothing
and read the database each time.

1. A 401 and a failed login count for the address (SEISMO_ANONYMOUS_RATE a minute, as reads without a user do), a 403
   for its user (SEISMO_USER_RATE). Further ones are answered with 429.
2. This process remembers an address beyond its rate and answers its next requests from the counters in the cache alone,
   without the database, until the minute has passed.
3. Credentials that were valid a moment ago pass even then: a stranger behind the same proxy does not lock them out.

Without a cache nothing is refused, as everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _

from marketdata.web.api.access import AddressThrottle, MinuteThrottle, RateDecision, UserThrottle
from marketdata.web.api.problems import throttled_response
from seismo_site import logins

API_PREFIXES = ("/api/", "/metrics")
HEALTH_PREFIX = "/api/health/"
LOGIN_PATH = "/admin/login/"
K = TypeVar("K")
MEMORY = 4096
"""Addresses, and valid credentials, that a process remembers."""


class RefusalMiddleware:
    """Counts refused requests, and answers callers beyond the limit with 429."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._limited: dict[str, None] = {}
        self._valid: dict[int, None] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        is_login = path == LOGIN_PATH and request.method == "POST"
        if not is_login and (not path.startswith(API_PREFIXES) or path.startswith(HEALTH_PREFIX)):
            return self.get_response(request)
        credential = None if is_login else _credential_hash(request)
        if self._limited and credential not in self._valid:
            decision = self._early_refusal(_address_name(request, is_login))
            if decision is not None:
                return _refuse(request, is_login, decision)
        response = self.get_response(request)
        counted = _counted_as(request, response, is_login)
        if counted is None:
            if credential is not None:
                _remember(self._valid, credential)
            return response
        throttle, name = counted
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._valid.pop(credential, None)  # type: ignore[arg-type]
        decision = throttle.count(name)
        if decision.allowed:
            return response
        if isinstance(throttle, AddressThrottle):
            _remember(self._limited, name)
        return _refuse(request, is_login, decision)

    def _early_refusal(self, name: str) -> RateDecision | None:
        """The decision against an address beyond its rate; None where it is within it, or within it again."""
        if name not in self._limited:
            return None
        decision = AddressThrottle().preview(name, time.time())
        if decision.allowed:
            self._limited.pop(name, None)
            return None
        return decision


def _credential_hash(request: HttpRequest) -> int | None:
    """A hash of the caller's token or session cookie; None without one."""
    credential = request.META.get("HTTP_AUTHORIZATION") or request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return hash(credential) if credential else None


def _address_name(request: HttpRequest, is_login: bool) -> str:
    """The name under which the refusals of an address are counted; logins by themselves."""
    address = logins.address(request)
    return f"login:{address}" if is_login else AddressThrottle.address_name(address)


def _counted_as(request: HttpRequest, response: HttpResponseBase, is_login: bool) -> tuple[MinuteThrottle, str] | None:
    """The throttle and the name that count a refused request; None for one that was not refused."""
    if is_login:
        failed = response.status_code != HTTPStatus.FOUND
        return (AddressThrottle(), _address_name(request, is_login)) if failed else None
    if response.status_code == HTTPStatus.FORBIDDEN:
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            return UserThrottle(), UserThrottle.user_name(user.pk)
    elif response.status_code != HTTPStatus.UNAUTHORIZED:
        return None
    return AddressThrottle(), _address_name(request, is_login)


def _refuse(request: HttpRequest, is_login: bool, decision: RateDecision) -> HttpResponseBase:
    seconds = max(int(decision.wait) + 1, 1)
    if is_login:
        sentence = _("Too many failed logins from this address: try again in a minute.")
        return logins.refusal(request, sentence, seconds)
    return throttled_response(request, seconds)


def _remember(memory: dict[K, None], key: K) -> None:
    """Add `key`; where there are more than `MEMORY` the older half is dropped."""
    if key in memory:
        return
    if len(memory) >= MEMORY:
        for old in list(memory)[: MEMORY // 2]:
            memory.pop(old, None)
    memory[key] = None
