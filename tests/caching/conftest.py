"""An empty cache, counters at zero, a closed circuit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from caching.breaker import Breaker
from caching.stats import STATS
from caching.store import STORE


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    cache.clear()
    STATS.reset()
    STORE.breaker = Breaker()
    yield
    STORE.breaker = Breaker()
    cache.clear()
