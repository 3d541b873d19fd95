"""The response cache of views: whole JSON answers, by address and by the state of the database they depend on.

The state is read from the database with each request, so that no process serves what another has replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from django.http import HttpRequest

from caching.cached import Cached, cached
from marketdata.web.api import responses

LONGEST_ADDRESS = 300
"""Characters of an address from which on nothing is cached."""

StateTimes: TypeAlias = "list[datetime | None]"
"""When each part of the state last changed; None where that is unknown."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """The identity of an answer, and the origin by which the caller addresses this site (see `responses`)."""

    path: str
    query: Sequence[tuple[str, list[str]]]
    state: StateTimes
    origin: str

    @classmethod
    def of(cls, request: HttpRequest, state: StateTimes) -> CacheKey:
        """The key of a request's answer in that state."""
        return cls(request.path, sorted(request.GET.lists()), state, responses.site_origin(request))


ResponseCache: TypeAlias = "Cached[[CacheKey, Callable[[], Any]], responses.CachedResponse]"


def make_response_cache(policy: str, what: str) -> ResponseCache:
    """The response cache of a view, counted as `what` and kept by a policy of `caching.policies`. Called with a key
    and a function that builds the body, it returns the compressed answer."""

    def build_response(key: CacheKey, build: Callable[[], Any]) -> responses.CachedResponse:
        return responses.compress_response(responses.to_json(build()), key.origin)

    def identity(key: CacheKey, build: Callable[[], Any]) -> Sequence[Any]:
        times = [None if time is None else time.isoformat() for time in key.state]
        return (f"{key.path} {key.query} {times}",)  # one text takes a fifth of the time that its parts take

    return cached(policy, what=what, version=6, by=identity, holds=(responses.CachedResponse,))(build_response)


def is_cacheable(request: HttpRequest) -> bool:
    """Whether the answer to the request may be cached: first pages, at addresses that are not long."""
    query = str(request.META.get("QUERY_STRING", ""))
    return "cursor" not in request.GET and len(request.path) + len(query) < LONGEST_ADDRESS
