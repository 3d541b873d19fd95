"""Warm-up of the cache: the answers and pages that most readers request first, computed when they change and when a
server starts.

1. The latest scans of the active version and of those just published, the signals.
2. The pages of the evening and of the signals in every language.
3. The charts and pages of the latest picks.
4. The base rates of an analysis and the evaluation of the active version, of which each takes a second or two.
5. The charts and pages of the most-read stocks (`caching.reads`).
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.wsgi import WSGIRequest
from django.db import DatabaseError, connection
from django.http import Http404
from django.utils import timezone, translation
from rest_framework.request import Request

from caching.reads import READS
from caching.store import STORE
from caching.warmup import WarmUpReport, warm
from marketdata.api.views import MarketView
from marketdata.context_threads import context_thread
from marketdata.errors import DataProblem
from marketdata.markets import get_market
from marketdata.pages.kept import KeptContentPage, kept_content
from scans.api.views.chart import StockChart
from scans.api.views.picks import Signals
from scans.api.views.scans import LatestScan
from scans.operations.evaluation.base_rates import base_rates
from scans.operations.evaluation.evaluation_cache import Busy, cached_evaluation, evaluation_key
from scans.pages import signals, stock, tonight
from scans.queries import results
from scans.queries.versions import NoActiveVersion, active_version

LOGGER = logging.getLogger(__name__)
V = TypeVar("V", bound=MarketView)
Calls = Iterator[tuple[str, Callable[[], None]]]
STOCKS = 60
"""Stocks of which charts and pages are kept: the latest picks, then the most read."""
CHART = {"period": "max", "interval": "day", "adjusted": "true", "indicators": "ema20,ema60,ema120,rsi14"}
"""The chart that the page of a stock requests."""


def warm_up_market(market: str, versions: Iterable[str] = (), *, seconds: float | None = None) -> WarmUpReport:
    """Cache what readers of the market request first, for at most `seconds` (default: SEISMO_WARM_SECONDS). Errors are
    logged: no answer depends on it."""
    budget = settings.WARM_SECONDS if seconds is None else seconds
    return warm(_calls(market, versions), budget=budget)


def first_read_seconds(market: str) -> float:
    """Seconds of the first read of the latest scan, as a reader makes it."""
    began = time.perf_counter()
    warm(iter([(f"the latest scan on {market}", partial(_scan, market, ""))]), budget=settings.WARM_SECONDS)
    return time.perf_counter() - began


def warm_up_markets(seconds: float) -> dict[str, WarmUpReport]:
    """The same for every market with published sessions, one after the other, within `seconds` in all."""
    ends = time.monotonic() + seconds
    return {
        market: warm_up_market(market, seconds=max(ends - time.monotonic(), 0.0))
        for market in results.published_markets()
    }


def warm_up_server() -> None:
    """Start the warm-up of a server that starts, beside its first requests; with Redis by one of its processes."""
    if settings.WARM_SECONDS:
        context_thread(_warm_up_server).start()


def _warm_up_server() -> None:
    if settings.REDIS_URL and not STORE.take_lease("warm-up", "server", 60):
        return
    try:
        for market, done in warm_up_markets(settings.WARM_SECONDS).items():
            LOGGER.info("%s: %d answers cached in %.2f s", market, done.warmed, done.seconds)
    except DatabaseError as error:  # no tables yet, or no server: the health endpoint reports it
        LOGGER.info("Nothing is warmed up: %s", error)
    finally:
        connection.close()


def _calls(market: str, versions: Iterable[str]) -> Calls:
    for slug in ("", *dict.fromkeys(versions)):
        yield f"the latest scan of {slug or 'the active version'} on {market}", partial(_scan, market, slug)
    yield f"the signals of {market}", partial(_signals, market)
    for language, _ in settings.LANGUAGES:
        for view, path in ((tonight.Tonight, ""), (signals.Signals, "signals")):
            call = partial(_page, view, market, language, path)
            yield f"the page /{market}/{path} ({language})", call
    picks = results.latest_picks(market)
    chosen = {code: {"scanner_version": slug, "date": str(day)} for code, slug, day in reversed(picks)}
    picked = {code: chosen[code] for code in list(dict.fromkeys(code for code, _, _ in picks))[:STOCKS]}
    yield from _stock_calls(market, picked)
    if picked:
        yield f"the evaluation of {market}", partial(_evaluation, market)
    read = [code for code in READS.most_read(market, STOCKS) if code not in picked]
    yield from _stock_calls(market, {code: {} for code in read[: STOCKS - len(picked)]})


def _stock_calls(market: str, queries: Mapping[str, dict[str, str]]) -> Calls:
    """The charts and pages of stocks, each with the query of its page."""
    for code, query in queries.items():
        yield f"the chart of {code} on {market}", partial(_chart, market, code)
        for language, _ in settings.LANGUAGES:
            call = partial(_page, stock.Stock, market, language, f"s/{code}", query, code=code)
            yield f"the page of {code} on {market} ({language})", call


def _scan(market: str, slug: str) -> None:
    query = {"scanner_version": slug} if slug else {}
    view = _prepared_view(LatestScan(), market, f"/api/{market}/scans/latest", query)
    with suppress(results.NoSession, NoActiveVersion):  # nothing to keep
        view.cached_response(lambda: view.body(view.query_values(view.request), None))


def _signals(market: str) -> None:
    view = _prepared_view(Signals(), market, f"/api/{market}/signals", {})
    view.cached_response(lambda: view.page(view.filter_queryset(view.get_queryset())))


def _chart(market: str, code: str) -> None:
    view = _prepared_view(StockChart(), market, f"/api/{market}/stocks/{code}/chart", CHART, code=code)
    view.cached_response(lambda: view.body(code, view.query_values(view.request)))


def _evaluation(market: str) -> None:
    """What the analysis of any pick and the evaluation without parameters share."""
    with suppress(results.NoSession, NoActiveVersion, DataProblem, Busy):  # nothing to judge, or another one computes
        version = active_version(market)
        base_rates(market, version, results.published_session(market, version, None).date)
        cached_evaluation(evaluation_key(market, [version], as_of=timezone.now()))


def _page(
    view: type[KeptContentPage],
    market: str,
    language: str,
    path: str,
    query: dict[str, str] | None = None,
    **kwargs: Any,
) -> None:
    """The content of a page without the settings of a reader."""
    page, request = view(), _get(f"/{market}/{path}", query or {})
    request.user = AnonymousUser()
    page.setup(request, market=market, **kwargs)
    with translation.override(language), suppress(Http404):
        kept_content(page)


def _prepared_view(view: V, market: str, path: str, query: dict[str, str], **kwargs: str) -> V:
    """The view set up for a GET, as after authentication."""
    view.setup(Request(_get(path, query)), market=market, **kwargs)
    view.market = get_market(market)
    view.format_kwarg = None
    return view


def _get(path: str, query: dict[str, str]) -> WSGIRequest:
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
    return WSGIRequest(environ)
