"""The narrative beside an analysis, where a server that writes is configured.

1. A narrative is made once for what it is about (code, date, version, a digest of the facts, server and model) and
   kept; of those who ask for it at once, one call is made for all.
2. A failure is kept for a minute too, so that readers who come one after the other do not each wait for it; after
   several in a row, whatever they were about, the server is left alone for a while.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.conf import settings

from caching.cached import cached
from caching.circuit_breaker import CircuitBreaker
from scans.narrative.client import Endpoint, Narrative, NarrativeFailed, write_narrative
from scans.narrative.prompt import prompt_messages

LOGGER = logging.getLogger(__name__)
BREAKER = CircuitBreaker(threshold=3, rest=60.0)


def narrative_endpoint() -> Endpoint | None:
    """The configured server, None where there is none."""
    if not settings.NARRATIVE_URL:
        return None
    return Endpoint(
        settings.NARRATIVE_URL,
        settings.NARRATIVE_MODEL,
        settings.NARRATIVE_KEY,
        settings.NARRATIVE_SECONDS,
    )


def cached_narrative(*, code: str, day: date, version: str, facts: Mapping[str, Any]) -> Narrative | str | None:
    """The narrative, or why there is none; None where no server is configured."""
    server = narrative_endpoint()
    if server is None:
        return None
    return _tried(code, day, version, server.url, server.model, facts)


@cached("tried", what="narrative-tried", version=2, holds=(Narrative,))
def _tried(
    code: str,
    day: date,
    version: str,
    url: str,
    model: str,
    facts: Mapping[str, Any],
) -> Narrative | str:
    try:
        return _written(code, day, version, url, model, facts)
    except NarrativeFailed as error:
        LOGGER.warning("No narrative of %s on %s by %s: %s", code, day, version, error)
        return str(error)


@cached("kept", what="narrative", version=2, holds=(Narrative,))
def _written(
    code: str,
    day: date,
    version: str,
    url: str,
    model: str,
    facts: Mapping[str, Any],
) -> Narrative:
    server = narrative_endpoint()
    if server is None or not BREAKER.allows():
        raise NarrativeFailed("the server failed several times and is left alone for a minute")
    try:
        found = write_narrative(server, prompt_messages(facts))
    except NarrativeFailed:
        BREAKER.failed()
        raise
    BREAKER.succeeded()
    return found
