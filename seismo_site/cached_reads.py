"""The counter: what is kept ready is handed out there, and nobody behind it is asked.

A program that reads with a token asks for the same few pages most of the time. For it everything between the request
and a kept answer is one statement (who asks, and the generations of what is shown) and one question to the cache (so
many requests, and the answer). Whatever is not as plain as that, and whatever is to be refused, goes on to the view,
which finds what was read and counted here.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from caching.store import STORE
from marketdata.web.api import response_cache
from marketdata.web.api.access import COUNTER_SECONDS, Known, UserThrottle, counter_key
from marketdata.web.api.problems import DATABASE_AWAY, database_unreachable
from seismo_site import tokens

BACK = ("_messages", "auser")
"""What the middleware behind leaves with a request and refers back to it: the collector alone would find the two."""


class Counter:
    """Reads of the API with a token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "GET" and request.path_info.startswith("/api/"):
            secret = tokens.bearer_secret(request)
            found = None if secret is None else self._found(request, secret)
            if found is not None:
                return found
        response = self.get_response(request)
        for name in BACK:
            request.__dict__.pop(name, None)
        return response

    def _found(self, request: HttpRequest, secret: str) -> HttpResponseBase | None:
        try:
            standing = tokens.standing(request, secret)
        except DATABASE_AWAY:
            return database_unreachable(request)
        if standing is None:
            return None
        request.known = Known(standing.generations)  # type: ignore[attr-defined]
        try:
            sought = response_cache.sought(request, standing.generations)
        except DisallowedHost:
            return None
        if sought is None:
            return None
        throttle, now = UserThrottle(), time.time()
        name = throttle.name(standing.token.user_id)
        mine, kept = STORE.count_and_get(counter_key(name, now), COUNTER_SECONDS, sought.key)
        paced = throttle.judged(name, now, mine)
        missed = sought.key if kept is None else None
        request.known = Known(standing.generations, paced, missed)  # type: ignore[attr-defined]
        if kept is None or not paced.taken:
            return None
        found = sought.handed(request, kept[0])
        if found is not None and not found.streaming:
            found["Content-Length"] = str(len(found.content))  # type: ignore[attr-defined]
        return found
