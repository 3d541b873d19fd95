"""Warm-up of the response cache: the pages that most callers request first, computed when they change."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from rest_framework.request import Request

from caching.warmup import WarmUpReport, warm
from marketdata.api.views import MarketView
from marketdata.markets import get_market
from scans.api.views.picks import Signals
from scans.api.views.scans import LatestScan
from scans.queries.results import NoSession
from scans.queries.versions import NoActiveVersion

V = TypeVar("V", bound=MarketView)
BUDGET = 5.0
"""Seconds: the longest delay of a publication."""


def warm_up_market(market: str, versions: Iterable[str] = ()) -> WarmUpReport:
    """Cache the latest scans of the active version and of `versions`, and the first page of signals. Errors are logged:
    no answer depends on it."""
    return warm(_calls(market, versions), budget=BUDGET)


def _calls(market: str, versions: Iterable[str]) -> Iterator[tuple[str, Callable[[], None]]]:
    for slug in ("", *dict.fromkeys(versions)):
        yield (f"the latest scan of {slug or 'the active version'} on {market}", partial(_scan, market, slug))
    yield f"the signals of {market}", partial(_signals, market)


def _scan(market: str, slug: str) -> None:
    query = {"scanner_version": slug} if slug else {}
    view = _prepared_view(LatestScan(), market, f"/api/{market}/scans/latest", query)
    with suppress(NoSession, NoActiveVersion):  # nothing to keep
        view.cached_response(lambda: view.body(view.query_values(view.request), None))


def _signals(market: str) -> None:
    view = _prepared_view(Signals(), market, f"/api/{market}/signals", {})
    view.cached_response(lambda: view.page(view.filter_queryset(view.get_queryset())))


def _prepared_view(view: V, market: str, path: str, query: dict[str, str]) -> V:
    """The view set up for a GET, as after authentication."""
    host = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), "localhost")
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": urlencode(query),
        "SERVER_NAME": host,
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    view.setup(Request(WSGIRequest(environ)), market=market)
    view.market = get_market(market)
    view.format_kwarg = None
    return view
