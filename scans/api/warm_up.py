"""Warm-up of the cache: the answers and pages that most readers request first, computed when they change and when a
server starts.

1. The latest scans and the signals of the active version and of those just published.
2. The pages of the evening and of the signals, in the languages that are read, the most read first (`caching.reads`).
3. The charts and pages of the `FIRST_STOCKS` of step 5: up to here a worker computes with the priority of the server.
4. The base rates of an analysis and the evaluation of the active version, of which each takes a second or two.
5. The charts and pages of the other stocks: the latest picks, those that are read most first, then the most-read ones.
6. The pages in the languages that nobody has read.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import product
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
from marketdata.operations.priority import without_niceness
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
STOCKS, FIRST_STOCKS = 60, 20
"""Stocks of which charts and pages are kept: the latest picks, then the most read; how many come before the rest."""
CHART = {"period": "max", "interval": "day", "adjusted": "true", "indicators": "ema20,ema60,ema120,rsi14"}
"""The chart that the page of a stock requests."""


def warm_up_market(market: str, versions: Iterable[str] = (), *, seconds: float | None = None) -> WarmUpReport:
    """Cache what readers of the market request first, for at most `seconds` (default: SEISMO_WARM_SECONDS). Errors are
    logged: no answer depends on it."""
    budget = settings.WARM_SECONDS if seconds is None else seconds
    # A reader who wants an answer of the first part waits for it.
    first = without_niceness(lambda: warm(_first_calls(market, versions), budget=budget))
    later = warm(_later_calls(market), budget=max(budget - first.seconds, 0.0))
    return WarmUpReport(
        warmed=first.warmed + later.warmed,
        failed=[*first.failed, *later.failed],
        skipped=first.skipped + later.skipped,
        seconds=first.seconds + later.seconds,
    )


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


def _first_calls(market: str, versions: Iterable[str]) -> Calls:
    """What most readers want at once."""
    slugs = ("", *dict.fromkeys(versions))
    for slug in slugs:
        yield f"the latest scan of {slug or 'the active version'} on {market}", partial(_scan, market, slug)
    for slug in slugs:
        yield f"the signals of {market} {slug}".rstrip(), partial(_signals, market, slug)
    languages = _languages()[0]
    yield from _page_calls(market, languages)
    yield from _stock_calls(market, _stocks(market)[:FIRST_STOCKS], languages)


def _later_calls(market: str) -> Calls:
    """What takes longer, and what fewer readers want."""
    stocks, (languages, others) = _stocks(market), _languages()
    if results.latest_picks(market):
        yield f"the evaluation of {market}", partial(_evaluation, market)
    yield from _stock_calls(market, stocks[FIRST_STOCKS:], languages)
    yield from _page_calls(market, others)
    yield from _stock_calls(market, stocks, others)


def _languages() -> tuple[list[str], list[str]]:
    """The languages of the pages that are read, the most read first, and the others; all while none was read."""
    names = [language for language, _ in settings.LANGUAGES]
    read = [name for name in READS.most_read(stock.LANGUAGES_READ, len(names)) if name in names]
    return read or names, [name for name in names if name not in read] if read else []


def _stocks(market: str) -> list[tuple[str, list[dict[str, str]]]]:
    """The stocks of the warm-up, each with the queries of its page, in the order of step 5: a pick's is linked with its
    version and session, and a stock that is read much without them too."""
    picks, read = results.latest_picks(market), READS.most_read(market, STOCKS)
    queries = {code: {"scanner_version": slug, "date": str(day)} for code, slug, day in reversed(picks)}
    place = {code: n for n, code in enumerate(read)}
    picked = sorted(dict.fromkeys(code for code, _, _ in picks), key=lambda code: place.get(code, len(place)))
    return [
        (code, [*([queries[code]] if code in queries else []), *([{}] if code in place else [])])
        for code in [*dict.fromkeys([*picked, *read])][:STOCKS]
    ]


def _page_calls(market: str, languages: Iterable[str]) -> Calls:
    """The pages of the evening and of the signals."""
    for language in languages:
        for view, path in ((tonight.Tonight, ""), (signals.Signals, "signals")):
            call = partial(_page, view, market, language, path)
            yield f"the page /{market}/{path} ({language})", call


def _stock_calls(market: str, stocks: Iterable[tuple[str, list[dict[str, str]]]], languages: Iterable[str]) -> Calls:
    """The charts and pages of stocks."""
    for code, queries in stocks:
        yield f"the chart of {code} on {market}", partial(_chart, market, code)
        for language, query in product(languages, queries):
            call = partial(_page, stock.Stock, market, language, f"s/{code}", query, code=code)
            yield f"the page of {code} on {market} ({language})", call


def _scan(market: str, slug: str) -> None:
    query = {"scanner_version": slug} if slug else {}
    view = _prepared_view(LatestScan(), market, f"/api/{market}/scans/latest", query)
    with suppress(results.NoSession, NoActiveVersion):  # nothing to keep
        view.cached_response(lambda: view.body(view.query_values(view.request), None))


def _signals(market: str, slug: str) -> None:
    query = {"scanner_version": slug} if slug else {}
    view = _prepared_view(Signals(), market, f"/api/{market}/signals", query)
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
