"""Sources as the settings have them: made with permits and tokens that all processes share.

The pace of calls is shared through Redis where there is one, else through rows of the database; where that is SQLite,
which one batch locks as a whole, through a file beside it. Tokens are shared through Redis,
else through a file of this host that its owner alone may read: never through the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from django.db import connection

from marketdata.markets import get_market
from marketdata.operations.rate_limit_rows import DatabaseRateLimits
from marketdata.sources import registry
from marketdata.sources.base import Source, SourceRefused
from marketdata.sources.daily import DailyBarSource, FlowSource, HolidaySource, InstrumentSource
from marketdata.sources.http.client import Timeouts
from marketdata.sources.http.rate_limit_stores import RateLimitStore
from marketdata.sources.http.redis_rate_limits import RedisRateLimits
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.http.sqlite_rate_limits import SqliteRateLimits
from marketdata.sources.kis.token_files import FileTokens
from marketdata.sources.kis.tokens import RedisTokens, TokenStore
from marketdata.sources.registry import SourceDependencies


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """What a person may know of a source: `missing` names settings, `wrong` says what contradicts in them."""

    name: str
    title: str
    can: tuple[str, ...]
    missing: tuple[str, ...] = ()
    wrong: str = ""

    @property
    def is_configured(self) -> bool:
        return not self.missing and not self.wrong


def make_dependencies() -> SourceDependencies:
    """What sources are made with in this installation."""
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
        attempts=settings.SOURCE_ATTEMPTS,
        longest=settings.SOURCE_PATIENCE,
        patience=settings.SOURCE_PATIENCE,
    )
    return SourceDependencies(paces, tokens, retry, timeouts)


def get_source(name: str, given: SourceDependencies | None = None) -> Source:
    """The source of that name, ready to be asked. SourceRefused where it is unknown or not configured. Close it at the
    end."""
    made = registry.build(name, settings.SOURCES.get(name, {}), given or make_dependencies())
    missing = made.missing_settings()
    if missing:
        made.close()
        raise SourceRefused(f"{made.title} is not configured: set {' and '.join(missing)} (see .env.example).")
    return made


def get_daily_bar_source(market: str, name: str = "") -> DailyBarSource:
    """The source `name` of daily bars, or without a name the first configured one of the registry that has those of
    `market`. SourceRefused where there is none. Close it at the end."""
    found: DailyBarSource = _able(DailyBarSource, "has daily bars", market, name)
    return found


def get_instrument_source(market: str, name: str = "") -> InstrumentSource:
    """The same for the lists of what trades."""
    found: InstrumentSource = _able(InstrumentSource, "lists instruments", market, name)
    return found


def get_flow_source(market: str, name: str = "") -> FlowSource:
    """The same for investor flow."""
    found: FlowSource = _able(FlowSource, "has investor flow", market, name)
    return found


def get_holiday_source(market: str, name: str = "") -> HolidaySource:
    """The same for holidays."""
    found: HolidaySource = _able(HolidaySource, "knows holidays", market, name)
    return found


def _able(kind: Any, can: str, market: str, name: str) -> Any:
    family, said = get_market(market).family, []
    for each in [name] if name else registry.SOURCES:
        try:
            found = get_source(each)
        except SourceRefused as error:
            said.append(str(error))
            continue
        if isinstance(found, kind) and (name or found.daily_market in family):
            return found
        found.close()
    nobody = f"{name} is not a source that {can}" if name else f"No source {can} of {market}"
    raise SourceRefused(" ".join(said) or f"{nobody}: see `manage.py sources`.")


def describe_sources() -> Iterator[SourceDescription]:
    """Every source of the registry, in its order."""
    for name in registry.SOURCES:
        try:
            made = registry.build(name, settings.SOURCES.get(name, {}), SourceDependencies())
        except SourceRefused as error:
            yield SourceDescription(name, name, (), wrong=str(error))
            continue
        can = tuple(sorted(str(one) for one in made.capabilities))
        yield SourceDescription(name, made.title, can, made.missing_settings())
        made.close()
