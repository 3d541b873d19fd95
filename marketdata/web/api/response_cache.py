"""Answers that views keep, and how they are found again: by the view, or before it is asked at all (`sought`).

An answer is told apart by its address and by the state that it depends on. The state comes from the database with each
request, so that no process serves what another has replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve

from caching.cached import Cached, cached
from caching.stats import STATS
from marketdata.web.api import responses

LONG = 300
"""Characters of an address beyond which nothing is kept: what many ask for is shorter."""
PLAIN = frozenset(("", "*/*", "application/json", "application/json, text/plain, */*"))
"""What callers accept who mean JSON, in the words of most of them; the view works out all others."""
PATHS = 4096

StateTimes: TypeAlias = "list[datetime | None]"


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What tells an answer apart, and what this site is called by whoever asks."""

    path: str
    query: Sequence[tuple[str, list[str]]]
    state: StateTimes
    origin: str

    @classmethod
    def by(cls, request: HttpRequest, state: StateTimes) -> CacheKey:
        return cls(request.path, sorted(request.GET.lists()), state, responses.site_origin(request))


ResponseCache: TypeAlias = "Cached[[CacheKey, Callable[[], Any]], responses.CachedResponse]"


class Keeps(Protocol):
    """What is asked of a view: what keeps its answers, and what they depend on (see `views.View`)."""

    response_cache: ResponseCache | None

    @classmethod
    def state_of(cls, generations: Mapping[str, datetime], market: str = "") -> StateTimes | None: ...


def make_response_cache(policy: str, what: str) -> ResponseCache:
    """Keeps the answers of a view under the name `what`."""

    def pack(asked: CacheKey, build: Callable[[], Any]) -> responses.CachedResponse:
        return responses.compress_response(responses.to_json(build()), asked.origin)

    def parts(asked: CacheKey, build: Callable[[], Any]) -> Sequence[Any]:
        return (asked.path, asked.query, asked.state)

    return cached(policy, what=what, version=3, by=parts, holds=(responses.CachedResponse,))(pack)


def is_cacheable(request: HttpRequest) -> bool:
    """Whether the answer to this is one that is kept: first pages, of addresses that are not long."""
    return _is_kept(request.path, _query(request), request.GET)


def _is_kept(path: str, query: str, given: QueryDict) -> bool:
    return "cursor" not in given and len(path) + len(query) < LONG


def _query(request: HttpRequest) -> str:
    """The query of an address as it came."""
    return str(request.META.get("QUERY_STRING", ""))


@dataclass(frozen=True, slots=True)
class Sought:
    """Where an answer is kept, if it is, and the state that it depends on."""

    response_cache: ResponseCache
    key: str
    state: StateTimes

    def handed(self, request: HttpRequest, kept: object) -> HttpResponseBase | None:
        """What was found there, as a response; None where it is no answer."""
        if not isinstance(kept, responses.CachedResponse):
            return None
        STATS.count(self.response_cache.what, hits=1)
        return responses.serve_cached(request, kept, changed=responses.latest_time(self.state))


def sought(request: HttpRequest, generations: Mapping[str, datetime]) -> Sought | None:
    """Where to look for the answer to a GET of somebody who may read; None where the view has to be asked. What is
    kept was answered to the same address once, so nothing of it has to be looked into again."""
    match, view = _view(request.path_info)
    market = "" if match is None else str(match.kwargs.get("market", ""))
    if view is None or view.response_cache is None or market not in generations:
        return None
    request.resolver_match = match  # as the view would find it
    state = view.state_of(generations, market)
    if state is None or request.META.get("HTTP_ACCEPT", "") not in PLAIN:
        return None
    key = _key(view.response_cache, request.path, _query(request), tuple(state))
    return None if key is None else Sought(view.response_cache, key, state)


@lru_cache(PATHS)
def _key(response_cache: ResponseCache, path: str, query: str, state: tuple[datetime | None, ...]) -> str | None:
    """Where the answer to an address in a state is kept; None where it is not one that is."""
    given = QueryDict(query.encode("iso-8859-1"))  # WSGI hands bytes over as such text
    if not _is_kept(path, query, given) or given.get("format", "json") != "json":
        return None
    return response_cache.key(CacheKey(path, sorted(given.lists()), list(state), ""), dict)


@lru_cache(PATHS)
def _view(path: str) -> tuple[ResolverMatch | None, type[Keeps] | None]:
    """What is behind a path, and the view there where it is one that may keep answers."""
    try:
        match = resolve(path)
    except Resolver404:
        return None, None
    view = getattr(match.func, "cls", None)
    return match, view if hasattr(view, "response_cache") else None
