"""Every source that is asked over the network. Adding one is a folder beside these and a line of `SOURCES`.

A line names the source and how it is made of its options (what the settings say of it, by name) and of the tools that
all sources share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
from marketdata.sources.kis.settings import KisSettings
from marketdata.sources.kis.tokens import ProcessTokens, TokenStore
from marketdata.sources.upbit import client as upbit

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SourceDependencies:
    """What sources are made with: where permits and tokens are shared with other processes, how patient calls are,
    and a transport where the network is swapped."""

    permits: RateLimitStore = field(default_factory=ProcessRateLimits)
    tokens: TokenStore = field(default_factory=ProcessTokens)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeouts: Timeouts = field(default_factory=Timeouts)
    transport: httpx2.AsyncBaseTransport | None = None

    def http(self) -> HttpClient:
        """A client of its own for each source."""
        return HttpClient(
            limiter=Limiter(self.permits),
            retry=self.retry,
            timeouts=self.timeouts,
            transport=self.transport,
        )


Build = Callable[[Options, SourceDependencies], Source]


class UnknownSource(SourceRefused):
    """A source's name that is not in the table; the message lists those that are."""


def table(*lines: tuple[str, Build]) -> Mapping[str, Build]:
    """The lines by name; ValueError where two have the same."""
    found: dict[str, Build] = {}
    for name, build in lines:
        if name in found:
            raise ValueError(f"Two sources are called {name!r}: give one of them another name.")
        found[name] = build
    return found


SOURCES = table(
    ("kis", lambda given, tools: KisSource(KisSettings(**given), tools.http(), tools.tokens)),
    ("upbit", lambda given, tools: upbit.source(tools.http(), **given)),
    ("bithumb", lambda given, tools: bithumb.source(tools.http(), **given)),
)


def build(name: str, options: Options, tools: SourceDependencies) -> Source:
    """The source of that name; SourceRefused where there is none or its options contradict each other. Whether it is
    configured, `missing_settings` tells. Close it at the end."""
    if name not in SOURCES:
        raise UnknownSource(
            f"Unknown source {name!r}: choose one of {', '.join(SOURCES)}.{did_you_mean(name, SOURCES)}"
        )
    return SOURCES[name](options, tools)
