"""The registry of network sources. Adding one is a folder beside these and a line of `SOURCES`.

A line is the name of a source and a function that builds it from its options (its settings, by name) and from the
dependencies that all sources share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import httpx2

from marketdata.nearest_name import did_you_mean
from marketdata.sources.base import Source, SourceRefused
from marketdata.sources.bithumb import client as bithumb
from marketdata.sources.http.client import HttpClient, Timeouts
from marketdata.sources.http.limiter import Limiter
from marketdata.sources.http.rate_limit_stores import ProcessRateLimits, RateLimitStore
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.kis.client import KisSource
from marketdata.sources.kis.overseas import KisOverseasSource
from marketdata.sources.kis.settings import KisSettings
from marketdata.sources.kis.token_stores import ProcessTokens, TokenStore
from marketdata.sources.krx.client import KrxSource
from marketdata.sources.krx.settings import KrxSettings
from marketdata.sources.upbit import client as upbit
from marketdata.sources.yfinance.client import YfinanceSettings, YfinanceSource

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SourceDependencies:
    """The dependencies of sources: the stores through which processes share rate limits and tokens, retries, timeouts,
    and a transport where the network is swapped. `on_close`: called with the client of a source that is closed."""

    permits: RateLimitStore = field(default_factory=ProcessRateLimits)
    tokens: TokenStore = field(default_factory=ProcessTokens)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeouts: Timeouts = field(default_factory=Timeouts)
    transport: httpx2.AsyncBaseTransport | None = None
    on_close: Callable[[HttpClient], None] = lambda http: None

    def http(self) -> HttpClient:
        """A client of its own for each source."""
        return HttpClient(
            limiter=Limiter(self.permits),
            retry=self.retry,
            timeouts=self.timeouts,
            transport=self.transport,
            on_close=self.on_close,
        )


Build = Callable[[Options, SourceDependencies], Source]


class UnknownSource(SourceRefused):
    """A source's name that is not in the table; the message lists the names of the table."""


def table(*lines: tuple[str, Build]) -> Mapping[str, Build]:
    """The lines by name; ValueError where two have the same."""
    sources: dict[str, Build] = {}
    for name, build in lines:
        if name in sources:
            raise ValueError(f"Two sources are called {name!r}: give one of them another name.")
        sources[name] = build
    return sources


SOURCES = table(
    ("kis", lambda options, shared: KisSource(KisSettings(**options), shared.http(), shared.tokens)),
    ("kis-us", lambda options, shared: KisOverseasSource(KisSettings(**options), shared.http(), shared.tokens)),
    ("krx", lambda options, shared: KrxSource(KrxSettings(**options), shared.http())),
    ("yfinance", lambda options, shared: YfinanceSource(YfinanceSettings(**options), shared.http())),
    ("upbit", lambda options, shared: upbit.source(shared.http(), **options)),
    ("bithumb", lambda options, shared: bithumb.source(shared.http(), **options)),
)

UNOFFICIAL = frozenset({"yfinance"})
"""Sources that the owner of the data neither offers nor describes."""
LIBRARIES = {"yfinance": "requirements/yfinance.txt"}
"""Source -> the requirements with the library of its name, which is optional."""


def build(name: str, options: Options, shared: SourceDependencies) -> Source:
    """The source of that name; SourceRefused where there is none or its options contradict each other. It may lack
    settings (`missing_settings`). Close it at the end."""
    if name not in SOURCES:
        raise UnknownSource(
            f"Unknown source {name!r}: choose one of {', '.join(SOURCES)}.{did_you_mean(name, SOURCES)}"
        )
    return SOURCES[name](options, shared)


def missing_library(name: str) -> str:
    """The command that installs the library of a source; "" where it is here, or the source needs none."""
    return f"pip install -r {LIBRARIES[name]}" if name in LIBRARIES and find_spec(name) is None else ""
