"""The narrative of an analysis, written by a language model's server if one is configured.

1. A narrative is cached by its subject (code, date, version, a digest of the facts, server and model); simultaneous
   requests share one call.
2. A failure is cached for a minute, so that the next readers do not wait for it again; after several failures in a row
   a circuit breaker stops all calls for a while."""

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
    """The configured server, None if there is none."""
    if not settings.NARRATIVE_URL:
        return None
    return Endpoint(
        settings.NARRATIVE_URL, settings.NARRATIVE_MODEL, settings.NARRATIVE_KEY, settings.NARRATIVE_SECONDS
    )


def cached_narrative(*, code: str, day: date, version: str, facts: Mapping[str, Any]) -> Narrative | str | None:
    """The narrative, or the reason why there is none; None if no server is configured."""
    server = narrative_endpoint()
    if server is None:
        return None
    return _cached_outcome(code, day, version, server.url, server.model, facts)


@cached("tried", what="narrative-tried", version=2, holds=(Narrative,))
def _cached_outcome(
    code: str, day: date, version: str, url: str, model: str, facts: Mapping[str, Any]
) -> Narrative | str:
    try:
        return _cached_text(code, day, version, url, model, facts)
    except NarrativeFailed as error:
        LOGGER.warning("No narrative of %s on %s by %s: %s", code, day, version, error)
        return str(error)


@cached("kept", what="narrative", version=2, holds=(Narrative,))
def _cached_text(code: str, day: date, version: str, url: str, model: str, facts: Mapping[str, Any]) -> Narrative:
    server = narrative_endpoint()
    if server is None or not BREAKER.allows():
        raise NarrativeFailed("the server failed several times and gets no calls for a minute")
    try:
        narrative = write_narrative(server, prompt_messages(facts))
    except NarrativeFailed:
        BREAKER.failed()
        raise
    BREAKER.succeeded()
    return narrative
