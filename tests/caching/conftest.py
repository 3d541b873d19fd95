"""An empty cache, counters at zero, a closed circuit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from caching.circuit_breaker import CircuitBreaker
from caching.stats import STATS
from caching.store import STORE


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    cache.clear()
    STATS.reset()
    STORE.breaker = CircuitBreaker()
    yield
    STORE.breaker = CircuitBreaker()
    cache.clear()
