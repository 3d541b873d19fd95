"""Sources by the settings, with rate limits and tokens that all processes share.

The pace of calls is shared through Redis where there is one, else through rows of the database; where that is SQLite,
which one batch locks as a whole, through a file beside it. Tokens are shared through Redis,
else through a file of this host that its owner alone may read: never through the database.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import redis
from django.conf import settings
from django.db import connection

from marketdata.markets import get_market
from marketdata.operations.rate_limit_rows import DatabaseRateLimits
from marketdata.operations.source_calls import record_client
from marketdata.sources import registry
from marketdata.sources.base import Capability, Source, SourceRefused
from marketdata.sources.daily import DailyBarSource, FlowSource, HolidaySource, InstrumentSource, QuoteSource
from marketdata.sources.http.client import Timeouts
from marketdata.sources.http.rate_limit_stores import RateLimitStore
from marketdata.sources.http.redis_rate_limits import RedisRateLimits
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.http.sqlite_rate_limits import SqliteRateLimits
from marketdata.sources.kis.token_files import FileTokens
from marketdata.sources.kis.token_stores import RedisTokens, TokenStore
from marketdata.sources.registry import SourceDependencies
from marketdata.sources.sessions import IndexSource, ListingSource, SessionSource


def make_dependencies() -> SourceDependencies:
    """The dependencies of sources in this installation."""
    paces: RateLimitStore = DatabaseRateLimits()
    if connection.vendor == "sqlite":
        paces = SqliteRateLimits(settings.PACE_FILE)
    tokens: TokenStore = FileTokens(settings.TOKEN_DIR)
    if settings.REDIS_URL:
        client = redis.Redis.from_url(settings.REDIS_URL)
        prefix = settings.CACHE_PREFIX
        paces = RedisRateLimits(client, prefix=f"{prefix}:pace:")
        tokens = RedisTokens(client, prefix=f"{prefix}:token:")
    timeouts = Timeouts(read=settings.SOURCE_TIMEOUT, total=3 * settings.SOURCE_TIMEOUT)
    retry = RetryPolicy(
        attempts=settings.SOURCE_ATTEMPTS, longest=settings.SOURCE_PATIENCE, patience=settings.SOURCE_PATIENCE
    )
    return SourceDependencies(paces, tokens, retry, timeouts)


def get_source(name: str, dependencies: SourceDependencies | None = None, *, per_second: float = 0.0) -> Source:
    """The source of that name, ready for requests. SourceRefused where it is unknown or not configured. Close it at the
    end. `per_second`: a pace instead of the configured one."""
    options = settings.SOURCES.get(name, {}) | ({"per_second": per_second} if per_second else {})
    dependencies = replace(dependencies or make_dependencies(), on_close=lambda http: record_client(source, http))
    source = registry.build(name, options, dependencies)
    missing = source.missing_settings()
    if missing:
        source.close()
        raise SourceRefused(f"{source.title} is not configured: set {' and '.join(missing)} (see .env.example).")
    if command := registry.missing_library(name):
        source.close()
        raise SourceRefused(f"{source.title} needs a library that is not installed: {command}")
    return source


def get_daily_bar_source(market: str, name: str = "") -> DailyBarSource:
    """The source `name` of daily bars, or without a name the first configured one of the registry that has those of
    `market`. SourceRefused where there is none. Close it at the end."""
    source: DailyBarSource = _first_source(DailyBarSource, "has daily bars", market, name)
    return source


def get_session_source(market: str, name: str = "") -> SessionSource:
    """The same for whole sessions."""
    source: SessionSource = _first_source(SessionSource, "has whole sessions", market, name)
    return source


def get_index_source(market: str, name: str = "") -> IndexSource:
    """The same for index series."""
    source: IndexSource = _first_source(IndexSource, "has index series", market, name)
    return source


def get_bar_source(market: str, name: str = "") -> DailyBarSource | SessionSource:
    """The source of daily bars, by instrument or by session: `name`, else the first configured one by instrument, else
    one by session. SourceRefused where there is none. Close it at the end."""
    source: DailyBarSource | SessionSource
    if name:
        source = _first_source((DailyBarSource, SessionSource), "has daily bars", market, name)
        return source
    try:
        return get_daily_bar_source(market)
    except SourceRefused as refusal:
        try:
            return get_session_source(market)
        except SourceRefused:
            raise refusal from None


def get_quote_source(market: str, name: str = "") -> QuoteSource:
    """The same for quotes of many instruments a call."""
    source: QuoteSource = _first_source(QuoteSource, "has quotes of many instruments a call", market, name)
    if Capability.QUOTES not in source.capabilities:
        source.close()
        raise SourceRefused(f"{source.title} has no quotes of many instruments a call in this environment.")
    return source


def get_instrument_source(market: str, name: str = "") -> InstrumentSource | ListingSource:
    """The same for instrument lists."""
    source: InstrumentSource | ListingSource
    source = _first_source((InstrumentSource, ListingSource), "lists instruments", market, name)
    return source


def get_flow_source(market: str, name: str = "") -> FlowSource:
    """The same for investor flow."""
    source: FlowSource = _first_source(FlowSource, "has investor flow", market, name)
    return source


def get_holiday_source(market: str, name: str = "") -> HolidaySource:
    """The same for holidays."""
    source: HolidaySource = _first_source(HolidaySource, "knows holidays", market, name)
    return source


def _first_source(kind: Any, ability: str, market: str, name: str) -> Any:
    family, refusals = get_market(market).family, []
    for source_name in [name] if name else registry.SOURCES:
        try:
            source = get_source(source_name)
        except SourceRefused as error:
            refusals.append(str(error))
            continue
        if isinstance(source, kind) and (name or source.daily_market in family):
            return source
        source.close()
    refusal = f"{name} is not a source that {ability}" if name else f"No source {ability} of {market}"
    raise SourceRefused(" ".join(refusals) or f"{refusal}: see `manage.py sources`.")
