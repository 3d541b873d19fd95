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

State: TypeAlias = "list[datetime | None]"


@dataclass(frozen=True, slots=True)
class Asked:
    """What tells an answer apart, and what this site is called by whoever asks."""

    path: str
    query: Sequence[tuple[str, list[str]]]
    state: State
    origin: str

    @classmethod
    def by(cls, request: HttpRequest, state: State) -> Asked:
        return cls(request.path, sorted(request.GET.lists()), state, responses.origin_of(request))


Keeper: TypeAlias = "Cached[[Asked, Callable[[], Any]], responses.Sent]"


class Keeps(Protocol):
    """What is asked of a view: what keeps its answers, and what they depend on (see `views.View`)."""

    keeper: Keeper | None

    @classmethod
    def state_of(cls, generations: Mapping[str, datetime], market: str = "") -> State | None: ...


def keeper(policy: str, what: str) -> Keeper:
    """Keeps the answers of a view under the name `what`."""

    def pack(asked: Asked, build: Callable[[], Any]) -> responses.Sent:
        return responses.packed(responses.as_json(build()), asked.origin)

    def parts(asked: Asked, build: Callable[[], Any]) -> Sequence[Any]:
        return (asked.path, asked.query, asked.state)

    return cached(policy, what=what, version=3, by=parts, holds=(responses.Sent,))(pack)


def is_kept(request: HttpRequest) -> bool:
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

    keeper: Keeper
    key: str
    state: State

    def handed(self, request: HttpRequest, kept: object) -> HttpResponseBase | None:
        """What was found there, as a response; None where it is no answer."""
        if not isinstance(kept, responses.Sent):
            return None
        STATS.count(self.keeper.what, hits=1)
        return responses.unpacked(request, kept, changed=responses.latest(self.state))


def sought(request: HttpRequest, generations: Mapping[str, datetime]) -> Sought | None:
    """Where to look for the answer to a GET of somebody who may read; None where the view has to be asked. What is
    kept was answered to the same address once, so nothing of it has to be looked into again."""
    match, view = _view(request.path_info)
    market = "" if match is None else str(match.kwargs.get("market", ""))
    if view is None or view.keeper is None or market not in generations:
        return None
    request.resolver_match = match  # as the view would find it
    state = view.state_of(generations, market)
    if state is None or request.META.get("HTTP_ACCEPT", "") not in PLAIN:
        return None
    key = _key(view.keeper, request.path, _query(request), tuple(state))
    return None if key is None else Sought(view.keeper, key, state)


@lru_cache(PATHS)
def _key(keeper: Keeper, path: str, query: str, state: tuple[datetime | None, ...]) -> str | None:
    """Where the answer to an address in a state is kept; None where it is not one that is."""
    given = QueryDict(query.encode("iso-8859-1"))  # WSGI hands bytes over as such text
    if not _is_kept(path, query, given) or given.get("format", "json") != "json":
        return None
    return keeper.key(Asked(path, sorted(given.lists()), list(state), ""), dict)


@lru_cache(PATHS)
def _view(path: str) -> tuple[ResolverMatch | None, type[Keeps] | None]:
    """What is behind a path, and the view there where it is one that may keep answers."""
    try:
        match = resolve(path)
    except Resolver404:
        return None, None
    view = getattr(match.func, "cls", None)
    return match, view if hasattr(view, "keeper") else None
